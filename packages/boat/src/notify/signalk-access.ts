import type { MonotonicMs, World } from '../platform/ports.ts';
import type { SignalK, SignalKFailure } from './signalk.ts';
import { loadAccess, saveAccess } from './signalk-access-file.ts';

/**
 * Minimum time between two access requests. When a token expires or is revoked, the boat sends a new request, which the owner
 * sees as a new list entry. If a server loses its requests, the boat must not send a new one at every step.
 */
const REQUEST_EVERY_MS = 24 * 3_600_000;

/** Why an operation was not carried out. `denied` persists until the access file is removed. */
export interface NotDone {
  readonly kind: 'not_done';
  readonly state: 'awaiting_approval' | 'denied' | SignalKFailure['kind'];
  readonly detail: string;
}

type Operation<R> = (token: string | undefined) => Promise<R | SignalKFailure>;
type Token = { readonly kind: 'token'; readonly token: string | undefined };

/** Obtains access to a Signal K server that requires it: asks the owner once, reads the decision, and stores the token. */
export interface SignalKAccess {
  /** Runs an operation with the token, if there is one. Throws DISK_… if the access cannot be stored. */
  with<R extends { readonly kind: string }>(
    operation: Operation<R>,
    signal: AbortSignal,
  ): Promise<Exclude<R, SignalKFailure> | NotDone>;
}

export function createSignalKAccess(
  { clock, disk, random }: Pick<World, 'clock' | 'random' | 'disk'>,
  server: SignalK,
  path: string,
): SignalKAccess {
  let requestedAt: MonotonicMs | undefined;

  /**
   * Asks the owner. If power fails before the request is saved, it remains unused on the server, and the next one has a new ID.
   */
  async function request(signal: AbortSignal): Promise<NotDone> {
    const isTooEarly = requestedAt !== undefined && clock.monotonic() - requestedAt < REQUEST_EVERY_MS;
    if (isTooEarly) return notDone('unauthorized', 'it rejects a token that it granted');
    requestedAt = clock.monotonic();
    const requested = await server.requestAccess(toUuid(random.hex(16)), signal);
    if (requested.kind !== 'requested') return toNotDone(requested);
    await saveAccess(disk, path, { state: 'requested', path: requested.path });
    return notDone('awaiting_approval');
  }

  /** Reads the owner's decision about a request, and stores it. */
  async function readDecision(requestPath: string, signal: AbortSignal): Promise<Token | NotDone> {
    const decision = await server.readDecision(requestPath, signal);
    switch (decision.kind) {
      case 'approved':
        await saveAccess(disk, path, { state: 'approved', token: decision.token });
        return { kind: 'token', token: decision.token };
      case 'denied':
        await saveAccess(disk, path, { state: 'denied' });
        return notDone('denied');
      case 'gone':
        await saveAccess(disk, path, { state: 'none' });
        return { kind: 'token', token: undefined };
      case 'pending':
        return notDone('awaiting_approval');
      default:
        return toNotDone(decision);
    }
  }

  async function findToken(signal: AbortSignal): Promise<Token | NotDone> {
    const access = await loadAccess(disk, path);
    switch (access.state) {
      case 'none':
        return { kind: 'token', token: undefined };
      case 'approved':
        return { kind: 'token', token: access.token };
      case 'denied':
        return notDone('denied');
      case 'requested':
        return readDecision(access.path, signal);
      default:
        return access satisfies never;
    }
  }

  return {
    async with<R extends { readonly kind: string }>(operation: Operation<R>, signal: AbortSignal) {
      const found = await findToken(signal);
      if (found.kind === 'not_done') return found;
      const result = await operation(found.token);
      // The guard rules out failures, but the compiler cannot narrow a type parameter.
      if (!isFailure(result)) return result as Exclude<R, SignalKFailure>;
      if (result.kind !== 'unauthorized') return toNotDone(result);
      if (found.token !== undefined) await saveAccess(disk, path, { state: 'none' });
      return request(signal);
    },
  };
}

function notDone(state: NotDone['state'], detail = ''): NotDone {
  return { kind: 'not_done', state, detail };
}

function toNotDone(failure: SignalKFailure): NotDone {
  return notDone(failure.kind, 'detail' in failure ? failure.detail : 'it denies access');
}

function isFailure(result: { readonly kind: string }): result is SignalKFailure {
  return ['unreachable', 'unauthorized', 'unsupported', 'failed'].includes(result.kind);
}

/** Formats 32 hex digits as a version 4 UUID (RFC 9562), which Signal K requires as a client ID. */
function toUuid(hex: string): string {
  const groups = [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...groups, hex.slice(20, 32)].join('-');
}
