import { scrypt, timingSafeEqual } from 'node:crypto';
import type { MonotonicClock, RandomHex } from '../platform/ports.ts';

/** Parameters of scrypt (RFC 7914). `ln` is the binary logarithm of N. */
interface Cost {
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** Cost parameters of new hashes: 32 MiB and about a quarter of a second, as OWASP recommends for scrypt. */
const COST: Cost = { ln: 15, r: 8, p: 3 };

/** Maximum cost parameters of a stored hash. A damaged row must not exhaust the node's memory. */
const COST_MAX: Cost = { ln: 17, r: 8, p: 8 };

const SALT_SIZE_BYTES = 16;
const KEY_SIZE_BYTES = 32;

/**
 * Number of password checks that a node allows in a burst and per second. Without the limit, hashing would take CPU time away
 * from imports.
 */
const CHECKS_BURST = 20;
const CHECKS_PER_S = 1;
/** Maximum number of queued checks. It limits the wait to two seconds. */
const WAITING_MAX = 8;

/** Hashes passwords, one at a time per node. */
export interface PasswordHasher {
  /** Returns the hash with its salt and parameters, in PHC format. */
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a stored hash. Without a hash, it does the same work and returns `wrong`, so that the response time
   * does not reveal whether an account exists. Returns `busy` if this node has too many logins to check. Never throws for a
   * damaged hash.
   */
  check(password: string, stored: string | undefined): Promise<'right' | 'wrong' | 'busy'>;
}

/** Creates a node's hasher. `monotonic` limits the rate of checks; without it, the rate is not limited. */
export function createPasswordHasher(randomHex: RandomHex, monotonic?: MonotonicClock): PasswordHasher {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let allowed = { count: CHECKS_BURST, atMs: monotonic?.() ?? 0 };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    waiting += 1;
    const result = last.then(work).finally(() => {
      waiting -= 1;
    });
    last = result.catch(() => undefined);
    return result;
  };
  const takeCheck = (): boolean => {
    if (monotonic === undefined) return true;
    const nowMs = monotonic();
    const count = Math.min(CHECKS_BURST, allowed.count + ((nowMs - allowed.atMs) / 1_000) * CHECKS_PER_S);
    const isAllowed = count >= 1 && waiting < WAITING_MAX;
    allowed = { count: isAllowed ? count - 1 : count, atMs: nowMs };
    return isAllowed;
  };
  return {
    hash: (password) => inTurn(() => toHash(password, Buffer.from(randomHex(SALT_SIZE_BYTES), 'hex'))),
    async check(password, stored) {
      if (!takeCheck()) return 'busy';
      return inTurn(async () => {
        const parsed = parseHash(stored ?? '');
        const salt = parsed?.salt ?? Buffer.alloc(SALT_SIZE_BYTES);
        const key = await derive(password, salt, parsed?.cost ?? COST);
        return parsed !== undefined && timingSafeEqual(key, parsed.key) ? 'right' : 'wrong';
      });
    },
  };
}

async function toHash(password: string, salt: Buffer): Promise<string> {
  const key = await derive(password, salt, COST);
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/={1,2}$/, '');
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${text(salt)}$${text(key)}`;
}

/** Returns the parts of a hash in PHC format, or undefined for any other string. */
function parseHash(
  text: string,
): { readonly cost: Cost; readonly salt: Buffer; readonly key: Buffer } | undefined {
  const match =
    /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(text);
  const [, ln, r, p, salt = '', key = ''] = match ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const isAllowed = (['ln', 'r', 'p'] as const).every(
    (name) => cost[name] >= 1 && cost[name] <= COST_MAX[name],
  );
  if (match === null || !isAllowed) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

function derive(password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> {
  const n = 2 ** ln;
  // scrypt needs 128 × N × r bytes; the limit leaves room for its other buffers.
  const options = { N: n, r, p, maxmem: 256 * n * r + 1_048_576 };
  return new Promise((resolve, reject) => {
    // Unicode encodes some characters in several ways, and keyboards differ in which one they send.
    scrypt(password.normalize('NFC'), salt, KEY_SIZE_BYTES, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
