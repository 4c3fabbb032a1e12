import type { WorkMeter } from '../admission/work-meter.ts';
import { findExceeded, NOTHING_USED, type QuotaAmount, type Use } from '../import/quota-policy.ts';
import { addUse, loadOverride, toDayLeftMs } from '../import/usage.ts';
import type { MonotonicClock, Store, WallClock } from '../platform/ports.ts';

/** After this many requests without a stored part, an installation's usage is written to the database. */
const BILL_REQUESTS = 50;

/** After this much CPU time for such requests, the usage is written. */
const BILL_CPU_MS = 1_000;

/**
 * Longest time for which a node refuses an installation that is over its quota without querying the database again. A changed
 * quota takes effect when this time ends. A boat that honours `Retry-After` waits longer.
 */
const BLOCKED_MAX_MS = 5 * 60_000;

/** Applies the daily quotas to requests that store nothing, and refuses installations over their quota without a query. */
export interface QuotaGuard {
  /** Returns the quota that the installation exceeded recently, or undefined. */
  blockedBy(installationId: string): QuotaAmount | undefined;
  /** Blocks an installation that has exceeded this quota, at most until the day (UTC) ends. */
  block(installationId: string, amount: QuotaAmount): void;
  /**
   * Writes an installation's usage to the database once it exceeds one of the thresholds above, and blocks an installation over
   * its quota.
   */
  settle(installationId: string): Promise<void>;
}

/** Creates a node's guard. */
export function createQuotaGuard(
  world: { readonly store: Store; readonly wall: WallClock; readonly monotonic: MonotonicClock },
  quota: Use,
  meter: WorkMeter,
): QuotaGuard {
  const blocked = new Map<string, { readonly amount: QuotaAmount; readonly untilMs: number }>();
  const block = (installationId: string, amount: QuotaAmount) => {
    const blockedMs = Math.min(BLOCKED_MAX_MS, toDayLeftMs(world.wall()));
    blocked.set(installationId, { amount, untilMs: world.monotonic() + blockedMs });
  };
  return {
    block,
    blockedBy(installationId) {
      const held = blocked.get(installationId);
      if (held === undefined) return undefined;
      if (world.monotonic() < held.untilMs) return held.amount;
      blocked.delete(installationId);
      return undefined;
    },
    async settle(installationId) {
      const { requests, cpuMs } = meter.unbilled(installationId);
      if (requests < BILL_REQUESTS && cpuMs < BILL_CPU_MS) return;
      const used = await meter.bill(
        installationId,
        (unbilled) => addUse(world.store, installationId, world.wall(), { ...NOTHING_USED, ...unbilled }),
        () => true,
      );
      const override = await loadOverride(world.store, installationId);
      const amount = findExceeded(used, NOTHING_USED, quota, override);
      if (amount !== undefined) block(installationId, amount);
    },
  };
}
