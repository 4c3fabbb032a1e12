import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Network } from './ports.ts';

/**
 * Interval at which the interfaces are read. A change must be detected within 2 s (docs/spec/delivery.md, "Delivering"). A
 * read takes microseconds and sends no packet.
 */
const LOOK_EVERY_MS = 1_500;

type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * Creates the machine's network. It reads the interfaces only while a caller is waiting for a change. The next wait immediately
 * reports a change that occurred between two waits. `look` reads the interfaces and is called every `everyMs`.
 */
export function createNetwork(
  options: { readonly look?: () => Interfaces; readonly everyMs?: number } = {},
): Network {
  const look = options.look ?? networkInterfaces;
  const everyMs = options.everyMs ?? LOOK_EVERY_MS;
  let known = toFingerprint(look());
  return {
    changed: async (signal) => {
      signal.throwIfAborted();
      for (;;) {
        const seen = toFingerprint(look());
        if (seen !== known) {
          known = seen;
          return;
        }
        await sleepOrThrow(everyMs, signal);
      }
    },
  };
}

/** Returns the current interfaces as text that changes whenever an interface or an address changes. */
export function readNetworkFingerprint(): string {
  return toFingerprint(networkInterfaces());
}

/** Formats all addresses except loopback, in a fixed order. */
function toFingerprint(interfaces: Interfaces): string {
  return Object.entries(interfaces)
    .flatMap(([name, addresses]) =>
      (addresses ?? [])
        .filter(({ internal }) => !internal)
        .map(({ cidr, address }) => `${name} ${cidr ?? address}`),
    )
    .toSorted()
    .join('\n');
}

/** Node's own sleep rejects with an AbortError, whereas the port promises the signal's reason. */
async function sleepOrThrow(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

const run = promisify(execFile);

/** Timeout for a query to NetworkManager. */
const METERED_DEADLINE_MS = 2_000;
/** How long an answer is cached. Every query starts a process, and connections may change within minutes. */
const METERED_KEPT_MS = 60_000;

/** NetworkManager's property `Metered`: 1 is yes, 2 is no, 3 is a guessed yes, 4 is a guessed no, 0 is unknown. */
const METERED_VALUES: Readonly<Record<string, boolean>> = { '1': true, '2': false, '3': true, '4': false };

/**
 * Returns a function that queries NetworkManager over D-Bus and reports whether the active connection is metered. It
 * resolves to undefined if NetworkManager or `busctl` is missing or does not answer in time.
 */
export function createMeteredQuery(
  program = 'busctl',
): (signal: AbortSignal) => Promise<boolean | undefined> {
  const name = 'org.freedesktop.NetworkManager';
  let known: { readonly atMs: number; readonly isMetered: boolean | undefined } | undefined;
  return async (signal) => {
    if (known !== undefined && performance.now() - known.atMs < METERED_KEPT_MS) return known.isMetered;
    let isMetered: boolean | undefined;
    try {
      const { stdout } = await run(
        program,
        ['get-property', name, '/org/freedesktop/NetworkManager', name, 'Metered'],
        {
          timeout: METERED_DEADLINE_MS,
          signal,
        },
      );
      isMetered = METERED_VALUES[/^u ([0-9])/.exec(stdout)?.[1] ?? ''];
    } catch {
      // Most machines have no NetworkManager.
      signal.throwIfAborted();
    }
    known = { atMs: performance.now(), isMetered };
    return isMetered;
  };
}
