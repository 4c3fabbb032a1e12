/** Longest wait for an API that answers: a Pi 4 that boots from a slow card has it up within 40 s. */
export const API_WAIT_MAX_MS = 60_000;
/** Between two looks for the API, and between two looks at the queue while it drains. */
export const POLL_INTERVAL_MS = 1_000;
/** Longest wait for the network at boot (docs/spec/delivery.md, "Restart, boot, schedule"; the seed's twelve pings). */
export const NETWORK_WAIT_MAX_MS = 60_000;
/** Longest report of the drain (docs/spec/delivery.md, "Restart, boot, schedule"; the seed's ten looks). The export manager goes on without it. */
export const DRAIN_REPORT_MAX_MS = 5 * 60_000;
/** How often the drain's queue line is repeated although nothing changed: the seed's interval. */
export const DRAIN_LINE_INTERVAL_MS = 30_000;
/** From when a `blocked` is believed: sooner it may be what was known before this boot's first attempt. */
export const BLOCKED_BELIEVED_AFTER_MS = 5_000;

/** What `boot` decides on, from one status of the export manager. */
export interface BootSnapshot {
  /** Pending and uploading entries. */
  readonly waitingCount: number;
  /** Undefined: unknown. */
  readonly tier: number | undefined;
  /** True where no licence refuses; a tier API that starts later than the boat may lift it. */
  readonly canExport: boolean;
  /** As the API names it; a state this version does not know is waited out. */
  readonly destinationState: string;
}

export type BootPhase = 'network' | 'drain';

/** What `boot` does next. All but `wait` and `reached` end it. */
export type BootDecision =
  | { readonly kind: 'wait' }
  /** Central was reached: from here the drain is reported. */
  | { readonly kind: 'reached' }
  | { readonly kind: 'drained' }
  /** The tier allows no export; what waits stays. */
  | { readonly kind: 'tier_too_low' }
  /** The licence refuses although the wait is over. */
  | { readonly kind: 'not_permitted' }
  /** Central refuses this boat, or there is no token or no central to send to: the owner has something to do. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'no_network' }
  /** The report ends; the delivery goes on. */
  | { readonly kind: 'still_waiting' };

/** Decides from a status and the time since the phase began. */
export function decideBoot(phase: BootPhase, snapshot: BootSnapshot, elapsedMs: number): BootDecision {
  if (snapshot.waitingCount === 0) return { kind: 'drained' };
  if (snapshot.tier === 0) return { kind: 'tier_too_low' };
  if (snapshot.destinationState === 'blocked' && elapsedMs >= BLOCKED_BELIEVED_AFTER_MS)
    return { kind: 'blocked' };
  switch (phase) {
    case 'network':
      if (isReached(snapshot.destinationState)) return { kind: 'reached' };
      if (elapsedMs < NETWORK_WAIT_MAX_MS) return { kind: 'wait' };
      return snapshot.canExport ? { kind: 'no_network' } : { kind: 'not_permitted' };
    case 'drain':
      return elapsedMs < DRAIN_REPORT_MAX_MS ? { kind: 'wait' } : { kind: 'still_waiting' };
    default:
      return phase satisfies never;
  }
}

/** A central that answers and fails is reached as well: there is a network. */
function isReached(destinationState: string): boolean {
  return destinationState === 'online' || destinationState === 'unavailable';
}

/** The lowest tier whose exports are made by the schedule (docs/spec/sources.md, "Tier and licence"). */
const SCHEDULED_TIER_MIN = 2;

/** True where the daily export is known to be skipped; an unknown tier is the export manager's to judge. */
export function isBelowSchedule(tier: number | undefined): tier is number {
  return tier !== undefined && tier < SCHEDULED_TIER_MIN;
}

/** The seed's words for a daily export that the tier does not allow. */
export function describeSkippedTier(tier: number): string {
  return `Scheduled export requires Tier ${SCHEDULED_TIER_MIN}+ (current: Tier ${tier})`;
}

/** How the daily export ended. */
export type DailyOutcome =
  | { readonly kind: 'queued'; readonly queueId: string }
  | { readonly kind: 'nothing_new' }
  /** This day's export was made before: a timer that fires twice makes one. */
  | { readonly kind: 'already_done'; readonly slot: string | undefined }
  | { readonly kind: 'skipped'; readonly reason: string };

/** Reads the answer to a scheduled export. A skip that names a slot says that the slot is taken; one without, why none is owed. */
export function toDailyOutcome(answer: {
  readonly queued: boolean;
  readonly skipped?: boolean;
  readonly slot?: string | null;
  readonly queue_id?: string;
  readonly message?: string;
}): DailyOutcome {
  if (answer.queued) return { kind: 'queued', queueId: answer.queue_id ?? 'unnamed' };
  if (answer.skipped !== true) return { kind: 'nothing_new' };
  if (answer.slot !== undefined) return { kind: 'already_done', slot: answer.slot ?? undefined };
  return { kind: 'skipped', reason: answer.message ?? 'no reason given' };
}
