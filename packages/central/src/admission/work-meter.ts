import { METERED_INSTALLATIONS_MAX, toDecayedMs, type WorkBudget } from './policy.ts';

/** Counts the processor time that the requests of each installation take on this node. It forgets at the rate of the budget. */
export interface WorkMeter {
  charge(installationId: string, cpuMs: number): void;
  /** Processor time charged to the installation and not yet forgotten. */
  spentMs(installationId: string): number;
}

/** Creates a meter. Its memory is bounded: it drops installations whose time is forgotten. */
export function createWorkMeter(budget: WorkBudget, monotonic: () => number): WorkMeter {
  const meters = new Map<string, { readonly spentMs: number; readonly atMs: number }>();
  let sweepSize = METERED_INSTALLATIONS_MAX;
  const spentMs = (installationId: string): number => {
    const meter = meters.get(installationId);
    return meter === undefined ? 0 : toDecayedMs(meter.spentMs, monotonic() - meter.atMs, budget);
  };
  const sweep = () => {
    for (const id of meters.keys()) if (spentMs(id) === 0) meters.delete(id);
    // Twice the rest, so that a sweep runs at most once for each entry that it visits.
    sweepSize = Math.max(METERED_INSTALLATIONS_MAX, 2 * meters.size);
  };
  return {
    charge(installationId, cpuMs) {
      meters.set(installationId, { spentMs: spentMs(installationId) + cpuMs, atMs: monotonic() });
      if (meters.size > sweepSize) sweep();
    },
    spentMs,
  };
}
