import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Network } from './ports.ts';

/** How often the interfaces are looked at: a change is to be noticed within 2 s (spec: delivery), and a look costs microseconds and no packet. */
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
export function createNetworkComparison(look: () => Interfaces = networkInterfaces): () => boolean {
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
