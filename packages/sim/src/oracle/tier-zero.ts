import type { VirtualClock } from '../clock.ts';
import type { SimNetwork } from '../network.ts';
import type { Violate } from './violations.ts';

/** Maximum time until a request that was permitted just before tier 0 has begun. */
const GRACE_MS = 3_000;

/** Checks that the boat opens no connection at tier 0. */
export interface TierZeroCheck {
  /** Called when tier 0 begins. */
  begin(): void;
  /** Called when tier 0 ends or the tier changes again. Reports connections opened in the meantime. */
  end(): void;
}

export function createTierZeroCheck(
  clock: VirtualClock,
  network: Pick<SimNetwork, 'traffic'>,
  violate: Violate,
): TierZeroCheck {
  let cancel: () => void = () => undefined;
  let attemptsBefore: number | undefined;
  return {
    begin: () => {
      cancel = clock.at(clock.now() + GRACE_MS, () => {
        attemptsBefore = network.traffic().attempts;
      });
    },
    end: () => {
      cancel();
      const opened = attemptsBefore === undefined ? 0 : network.traffic().attempts - attemptsBefore;
      attemptsBefore = undefined;
      if (opened > 0) violate(`${opened} connections at tier 0`);
    },
  };
}
