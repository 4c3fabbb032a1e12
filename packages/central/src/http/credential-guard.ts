import { hash } from 'node:crypto';
import { type AuditEvent, recordRefusals } from '../installations/audit.ts';
import { type Failures, mayPresent, toLimitedNetwork, toPresentFailures } from '../installations/policy.ts';
import type { Log, MonotonicClock, Store, WallClock } from '../platform/ports.ts';
import type { Sender } from './sender.ts';

/**
 * Maximum number of networks and credentials that a node remembers. Each entry takes about 150 bytes. The oldest is dropped
 * first.
 */
const REMEMBERED_MAX = 10_000;

/** Minimum time between two writes of the same refusal to the audit trail. */
const AUDIT_PAUSE_MS = 60_000;

/** Maximum number of log lines about refused credentials per minute. A metric counts all of them. */
const LOGGED_PER_MINUTE_MAX = 60;

/**
 * Limits how often a network may present invalid credentials, and records refusals. It remembers the digests of recently
 * accepted credentials, so that others behind the same address cannot lock a boat out. All of this state is in one node's memory.
 */
export interface CredentialGuard {
  /** False if the sender's network presented too many refused credentials and this credential was not accepted recently. */
  mayPresent(sender: Sender, credential: string): boolean;
  noteAccepted(credential: string): void;
  /** Counts a refused credential. `installationId` is set if the token is known but not valid. */
  noteInvalid(sender: Sender, credential: string, installationId: string | undefined): Promise<void>;
  /** Records that a boat with a valid credential was refused. */
  noteRefused(sender: Sender, installationId: string, code: string): Promise<void>;
  /** Number of credentials refused since the node started. */
  refusedCount(): number;
}

/** The guard's ports. */
export interface GuardWorld {
  readonly store: Store;
  readonly log: Log;
  readonly wall: WallClock;
  readonly monotonic: MonotonicClock;
}

/** Creates a node's guard. */
export function createCredentialGuard({ store, log, wall, monotonic }: GuardWorld): CredentialGuard {
  const failures = createMemory<Failures>();
  const accepted = createMemory<true>();
  const audited = createMemory<{ readonly atMs: number; readonly pending: number }>();
  let refused = 0;
  let logged = { count: 0, untilMs: 0 };

  const presentFailures = (network: string): number => {
    const held = failures.get(network);
    return held === undefined ? 0 : toPresentFailures(held, monotonic());
  };
  const warn = (message: string, facts: Readonly<Record<string, unknown>>) => {
    if (monotonic() >= logged.untilMs) logged = { count: 0, untilMs: monotonic() + 60_000 };
    logged.count += 1;
    if (logged.count <= LOGGED_PER_MINUTE_MAX) log.write('warn', message, facts);
  };
  const audit = async (event: AuditEvent) => {
    const key = `${event.installationId} ${event.event} ${event.subject}`;
    const held = audited.get(key);
    const count = (held?.pending ?? 0) + 1;
    if (held !== undefined && monotonic() - held.atMs < AUDIT_PAUSE_MS) {
      audited.set(key, { atMs: held.atMs, pending: count });
      return;
    }
    audited.set(key, { atMs: monotonic(), pending: 0 });
    await recordRefusals(store, event, count, wall());
  };
  return {
    mayPresent: ({ address }, credential) =>
      mayPresent(presentFailures(toLimitedNetwork(address))) ||
      accepted.get(hash('sha256', credential)) !== undefined,
    noteAccepted(credential) {
      accepted.set(hash('sha256', credential), true);
    },
    async noteInvalid({ address }, credential, installationId) {
      refused += 1;
      accepted.delete(hash('sha256', credential));
      const network = toLimitedNetwork(address);
      const before = presentFailures(network);
      failures.set(network, { count: before + 1, atMs: monotonic() });
      warn('credential refused', {
        address,
        ...(installationId === undefined ? {} : { installation: installationId }),
      });
      const event = { actor: address, detail: 'the token is revoked, expired or may not be used here' };
      if (installationId !== undefined)
        await audit({ ...event, installationId, event: 'refused', subject: 'INVALID_TOKEN' });
      else if (mayPresent(before) && !mayPresent(before + 1)) {
        warn('too many refused credentials; further requests get 429', { network });
        const detail = 'too many unknown credentials';
        await audit({
          installationId: '',
          event: 'address_limited',
          subject: network,
          actor: address,
          detail,
        });
      }
    },
    async noteRefused({ address }, installationId, code) {
      await audit({ installationId, event: 'refused', subject: code, actor: address, detail: '' });
    },
    refusedCount: () => refused,
  };
}

/** Returns a map of bounded size. When full, it drops the entry that was set least recently. */
function createMemory<Value>() {
  const entries = new Map<string, Value>();
  return {
    get: (key: string) => entries.get(key),
    delete: (key: string) => entries.delete(key),
    set(key: string, value: Value): void {
      entries.delete(key);
      entries.set(key, value);
      if (entries.size <= REMEMBERED_MAX) return;
      const [oldest] = entries.keys();
      if (oldest !== undefined) entries.delete(oldest);
    },
  };
}
