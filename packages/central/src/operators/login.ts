import { recordEvent, recordRefusals } from '../installations/audit.ts';
import { toLimitedNetwork } from '../installations/policy.ts';
import type { Queryable, RandomHex, Store } from '../platform/ports.ts';
import { booleanOf, textOf } from '../store/row.ts';
import type { PasswordHasher } from './passwords.ts';
import { ACCOUNT_LIMIT, ADDRESS_LIMIT, isAccountName, SESSIONS_MAX } from './policy.ts';
import { endSession, findSession, removeEndedSessions, type Session, toSessionDigest } from './sessions.ts';

/** Number of random bytes in a session ID: too many to guess. */
const SESSION_ID_SIZE_BYTES = 32;

/** How long failed logins are kept; after this time they no longer affect any limit. */
const FAILURES_KEPT_MS = 24 * 3_600_000;

/** The ports needed for a login. */
export interface LoginWorld {
  readonly store: Store;
  readonly wallMs: number;
  readonly randomHex: RandomHex;
  readonly passwords: PasswordHasher;
}

/** The operator's input, and where the request came from. */
export interface LoginAttempt {
  readonly name: string;
  readonly password: string;
  readonly address: string;
  /** The browser's previous session, which the login ends. */
  readonly formerSessionId: string | undefined;
}

/** The result of a login. `sessionId` goes into the cookie and is never stored. */
export type LoginResult =
  | { readonly kind: 'accepted'; readonly sessionId: string; readonly session: Session }
  | { readonly kind: 'refused' | 'throttled' };

/**
 * Logs an operator in and begins a session with a new ID. The attempt is counted in the database before the password is checked,
 * so that concurrent attempts at several nodes cannot exceed the limits. A successful login removes the attempt from the count.
 * An unknown name and a wrong password get the same answer, with the same timing. A name without an account is never stored,
 * because it could be a password.
 */
export async function login(world: LoginWorld, attempt: LoginAttempt): Promise<LoginResult> {
  const { store, wallMs } = world;
  const checked = await checkPassword(world, attempt);
  if (checked.kind === 'throttled') return checked;
  if (checked.kind === 'right') {
    const accepted = await store.transaction((tx) => begin(tx, world, attempt, checked));
    if (accepted !== undefined) return accepted;
  }
  await recordLogin(store, 'login_refused', checked.isAccount ? attempt.name : '', attempt.address, wallMs);
  return { kind: 'refused' };
}

/** Checks an operator's current password under the same limits as a login. */
export async function verifyOwnPassword(
  world: Omit<LoginWorld, 'randomHex'>,
  attempt: Omit<LoginAttempt, 'formerSessionId'>,
): Promise<'right' | 'wrong' | 'throttled'> {
  const checked = await checkPassword(world, attempt);
  if (checked.kind === 'right') await takeBack(world.store, checked.subjects);
  return checked.kind;
}

type CheckedPassword =
  | { readonly kind: 'throttled' }
  | { readonly kind: 'wrong'; readonly isAccount: boolean }
  /** `stored` is the hash that matched the password. */
  | {
      readonly kind: 'right';
      readonly isAccount: true;
      readonly stored: string;
      readonly subjects: readonly string[];
    };

async function checkPassword(
  { store, wallMs, passwords }: Omit<LoginWorld, 'randomHex'>,
  { name, password, address }: Omit<LoginAttempt, 'formerSessionId'>,
): Promise<CheckedPassword> {
  const subjects = [
    `account ${isAccountName(name) ? name : '?'}`,
    `address ${toLimitedNetwork(address)}`,
  ] as const;
  if (!(await countAttempt(store, subjects, wallMs))) {
    await recordLogin(store, 'login_limited', '', address, wallMs);
    return { kind: 'throttled' };
  }
  const [account] = await store.query('select password_hash from operators where name = $1::text', [name]);
  const stored = account === undefined ? undefined : textOf(account, 'password_hash');
  const verdict = await passwords.check(password, stored);
  if (verdict === 'busy') {
    await takeBack(store, subjects);
    return { kind: 'throttled' };
  }
  return verdict === 'right' && stored !== undefined
    ? { kind: 'right', isAccount: true, stored, subjects }
    : { kind: 'wrong', isAccount: account !== undefined };
}

/**
 * Counts an attempt for the address and the account, and returns true if both are within their limits. The rows are locked in
 * key order, so two logins cannot deadlock.
 */
async function countAttempt(
  store: Store,
  [account, address]: readonly [string, string],
  wallMs: number,
): Promise<boolean> {
  const now = new Date(wallMs).toISOString();
  return store.transaction(async (tx) => {
    await tx.query('delete from login_failures where last_at < $1::timestamptz', [
      new Date(wallMs - FAILURES_KEPT_MS).toISOString(),
    ]);
    const rows = await tx.query(
      `insert into login_failures as held (subject, failures, last_at)
       select subject, 1, $1::timestamptz from (values
         ($2::text, $4::double precision, $5::double precision),
         ($3::text, $6::double precision, $7::double precision)) attempt (subject, burst, forgotten)
       order by subject
       on conflict (subject) do update set last_at = excluded.last_at, failures = least(
         greatest(0, held.failures - greatest(0, extract(epoch from excluded.last_at - held.last_at))
           * case when held.subject = $2::text then $5::double precision else $7::double precision end) + 1,
         case when held.subject = $2::text then $4::double precision else $6::double precision end + 1)
       returning failures <= case when subject = $2::text then $4::double precision else $6::double precision end
         as is_allowed`,
      [
        now,
        account,
        address,
        ACCOUNT_LIMIT.burst,
        ACCOUNT_LIMIT.forgottenPerS,
        ADDRESS_LIMIT.burst,
        ADDRESS_LIMIT.forgottenPerS,
      ],
    );
    return rows.every((row) => booleanOf(row, 'is_allowed'));
  });
}

/**
 * Removes the counted attempt. Earlier failures still count, because a login to one account must not reset the limit for guessing
 * another.
 */
async function takeBack(tx: Queryable, subjects: readonly string[]): Promise<void> {
  for (const subject of subjects.toSorted())
    await tx.query(
      'update login_failures set failures = greatest(0, failures - 1) where subject = $1::text',
      [subject],
    );
}

async function begin(
  tx: Queryable,
  { wallMs, randomHex }: LoginWorld,
  { name, address, formerSessionId }: LoginAttempt,
  { stored, subjects }: { readonly stored: string; readonly subjects: readonly string[] },
): Promise<LoginResult | undefined> {
  const sessionId = Buffer.from(randomHex(SESSION_ID_SIZE_BYTES), 'hex').toString('base64url');
  const sha256 = toSessionDigest(sessionId);
  await takeBack(tx, subjects);
  // The password may have changed while it was being checked.
  const begun = await tx.query(
    `insert into operator_sessions (session_sha256, operator_name, created_at, last_used_at)
     select $1::text, name, $3::timestamptz, $3::timestamptz from operators
     where name = $2::text and password_hash = $4::text for share returning 1 as begun`,
    [sha256, name, new Date(wallMs).toISOString(), stored],
  );
  if (begun.length === 0) return undefined;
  if (formerSessionId !== undefined) await endSession(tx, toSessionDigest(formerSessionId));
  await removeEndedSessions(tx, wallMs);
  await tx.query(
    `delete from operator_sessions where operator_name = $1::text and session_sha256 in (
       select session_sha256 from operator_sessions where operator_name = $1::text
       order by session_sha256 = $2::text desc, created_at desc offset ${SESSIONS_MAX})`,
    [name, sha256],
  );
  await recordEvent(
    tx,
    { installationId: '', event: 'logged_in', subject: name, actor: address, detail: '' },
    wallMs,
  );
  const session = await findSession(tx, sessionId, wallMs);
  return session === undefined ? undefined : { kind: 'accepted', sessionId, session };
}

async function recordLogin(
  store: Store,
  event: 'login_refused' | 'login_limited',
  name: string,
  address: string,
  wallMs: number,
): Promise<void> {
  const subject = name === '' ? toLimitedNetwork(address) : name;
  await recordRefusals(store, { installationId: '', event, subject, actor: address, detail: '' }, 1, wallMs);
}
