import { execFile } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Network } from './ports.ts';

/** How often the interfaces are looked at: a change is to be noticed within 2 s (docs/spec/delivery.md, "Delivering"), and a look costs microseconds and no packet. */
const LOOK_EVERY_MS = 1_500;

/** What of an interface can change: its address, per interface and family. */
type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * The machine's network, looked at only while somebody waits for a change. A change between two waits is told by the
 * next one at once. `look` and `everyMs` are for tests.
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

/** Tells whether the interfaces have changed since it was last asked. */
export function createNetworkChangeCheck(look: () => Interfaces = networkInterfaces): () => boolean {
  let known = toFingerprint(look());
  return () => {
    const seen = toFingerprint(look());
    const isOther = seen !== known;
    known = seen;
    return isOther;
  };
}

/** Addresses other than loopback's, in an order that does not depend on the system's. */
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

/** Node's own sleep rejects with an AbortError; the port promises the signal's reason. */
async function sleepOrThrow(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(delayMs, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

const run = promisify(execFile);

/** Longest a question to the network manager may take. */
const METERED_DEADLINE_MS = 2_000;
/** How long its answer is believed: a change of connection is a matter of minutes, and each question is a process. */
const METERED_KEPT_MS = 60_000;

/** NetworkManager's `Metered`: 1 yes, 2 no, 3 and 4 the same as a guess, 0 unknown. */
const METERED_VALUES: Readonly<Record<string, boolean>> = { '1': true, '2': false, '3': true, '4': false };

/**
 * Asks NetworkManager over D-Bus whether the connection in use is metered. Undefined where there is no NetworkManager, no
 * `busctl`, or no answer in time: unknown is not no.
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
      // No network manager to ask is how most machines answer.
      signal.throwIfAborted();
    }
    known = { atMs: performance.now(), isMetered };
    return isMetered;
  };
}
