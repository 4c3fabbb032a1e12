import { METERED_INSTALLATIONS_MAX, toDecayedMs, type WorkBudget } from './policy.ts';

/** An installation's usage that has not yet been written to the database. */
export interface Unbilled {
  readonly requests: number;
  readonly cpuMs: number;
}

/** Counts the requests and the CPU time of each installation on this node. CPU time decays at the budget's rate. */
export interface WorkMeter {
  countRequest(installationId: string): void;
  charge(installationId: string, cpuMs: number): void;
  /** The installation's charged CPU time, less what has decayed. */
  spentMs(installationId: string): number;
  /** The installation's usage since it was last billed. */
  unbilled(installationId: string): Unbilled;
  /**
   * Passes the installation's usage to `write`, which writes it to the database, and returns its result. If `write` throws, or
   * `isWritten` is false for its result, the usage remains unbilled. Calls at the same time never pass the same usage.
   */
  bill<Result>(
    installationId: string,
    write: (unbilled: Unbilled) => Promise<Result>,
    isWritten: (result: Result) => boolean,
  ): Promise<Result>;
}

interface Meter {
  spentMs: number;
  atMs: number;
  requests: number;
  cpuMs: number;
}

/**
 * Creates a meter with bounded memory. It drops installations whose time has decayed, even if a few of their requests were
 * never billed.
 */
export function createWorkMeter(budget: WorkBudget, monotonic: () => number): WorkMeter {
  const meters = new Map<string, Meter>();
  let sweepSize = METERED_INSTALLATIONS_MAX;
  const spentMs = (installationId: string): number => {
    const meter = meters.get(installationId);
    return meter === undefined ? 0 : toDecayedMs(meter.spentMs, monotonic() - meter.atMs, budget);
  };
  const sweep = () => {
    for (const id of meters.keys()) if (spentMs(id) === 0) meters.delete(id);
    // Twice the number of remaining entries, so that the amortized cost of the sweeps is constant for each new entry.
    sweepSize = Math.max(METERED_INSTALLATIONS_MAX, 2 * meters.size);
  };
  const open = (installationId: string): Meter => {
    const held = meters.get(installationId);
    if (held !== undefined) return held;
    if (meters.size >= sweepSize) sweep();
    const meter = { spentMs: 0, atMs: monotonic(), requests: 0, cpuMs: 0 };
    meters.set(installationId, meter);
    return meter;
  };
  const unbilled = (installationId: string): Unbilled => {
    const { requests = 0, cpuMs = 0 } = meters.get(installationId) ?? {};
    return { requests, cpuMs };
  };
  const add = (installationId: string, { requests, cpuMs }: Unbilled) => {
    const meter = open(installationId);
    meter.requests += requests;
    meter.cpuMs += cpuMs;
  };
  return {
    countRequest: (installationId) => add(installationId, { requests: 1, cpuMs: 0 }),
    charge(installationId, cpuMs) {
      const meter = open(installationId);
      meter.spentMs = spentMs(installationId) + cpuMs;
      meter.atMs = monotonic();
      meter.cpuMs += cpuMs;
    },
    spentMs,
    unbilled,
    async bill(installationId, write, isWritten) {
      const taken = unbilled(installationId);
      add(installationId, { requests: -taken.requests, cpuMs: -taken.cpuMs });
      let isBilled = false;
      try {
        const result = await write(taken);
        isBilled = isWritten(result);
        return result;
      } finally {
        // If a commit's result is lost with the connection, the usage may be counted twice. It is never lost.
        if (!isBilled) add(installationId, taken);
      }
    },
  };
}
