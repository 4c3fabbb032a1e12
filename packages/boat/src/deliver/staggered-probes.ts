import type { World } from '../platform/ports.ts';
import type { CentralClient } from './central-client.ts';
import type { ProbeResult } from './outcome.ts';
import { QUICK_PROBE_DELAY_MS } from './policy/backoff.ts';

/**
 * Maximum number of probes running at once. On a link that drops every packet, a probe ends after the transport's connect timeout
 * of 15 s, which eight probes cover.
 */
const PROBES_MAX = 8;

/**
 * Probes central, and starts another probe every 2 s until one reaches it. When the link comes back, a probe that began during
 * the outage may be stuck in a name lookup or between two retransmissions, while a new one is answered immediately. Calls
 * `mayProbe` before every probe except the first, because the tier may have fallen to 0. Returns the number of probes and a
 * result: the first that reached central, otherwise the last, or undefined if `mayProbe` forbade a probe. Rejects when aborted.
 * Once the returned promise settles, no probe is running.
 */
export async function probeStaggered(
  central: Pick<CentralClient, 'probe'>,
  clock: World['clock'],
  mayProbe: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<{ readonly result: ProbeResult | undefined; readonly probes: number }> {
  const stop = new AbortController();
  const until = AbortSignal.any([signal, stop.signal]);
  const running = new Set<Promise<ProbeResult>>();
  const start = (): void => {
    const probe = central.probe(until).finally(() => running.delete(probe));
    // All results are awaited below, except those of probes that get aborted at the end.
    probe.catch(() => undefined);
    running.add(probe);
  };
  try {
    for (let probes = 1; ; probes += 1) {
      start();
      const isLast = probes === PROBES_MAX;
      const pause = isLast ? [] : [clock.sleep(QUICK_PROBE_DELAY_MS, until).then(() => undefined)];
      const result = await firstResult(running, pause, isLast);
      if (result !== undefined) return { result, probes };
      if (!(await mayProbe())) return { result: undefined, probes };
    }
  } finally {
    stop.abort();
    await Promise.allSettled(running);
  }
}

/**
 * Returns the first result that reached central. If no probe is running or `isLast` is set, returns the first result of any kind.
 * Returns undefined if the pause ends first.
 */
async function firstResult(
  running: ReadonlySet<Promise<ProbeResult>>,
  pause: readonly Promise<undefined>[],
  isLast: boolean,
): Promise<ProbeResult | undefined> {
  for (;;) {
    const result = await Promise.race([...running, ...pause]);
    if (result === undefined || result.kind === 'central' || isLast || running.size === 0) return result;
  }
}
