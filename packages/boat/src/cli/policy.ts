import { SCHEDULED_TIER_MIN } from '@d3kos/protocol';

/** Maximum wait for the API. On a Pi 4 that boots from a slow card, it answers within 40 s. */
export const API_WAIT_MAX_MS = 60_000;
/** Polling interval while waiting for the API or the queue. */
export const POLL_INTERVAL_MS = 1_000;
/**
 * Maximum wait for the network at boot (docs/spec/delivery.md, "Restart, boot, schedule"). The legacy script
 * tried as long.
 */
export const NETWORK_WAIT_MAX_MS = 60_000;
/**
 * Maximum time for which `boot` reports the upload (docs/spec/delivery.md, "Restart, boot, schedule"). The legacy script checked
 * ten times. The export manager continues sending after this time.
 */
export const DRAIN_REPORT_MAX_MS = 5 * 60_000;
/** Interval at which an unchanged `Queue status` line is repeated, as in the legacy script. */
export const DRAIN_LINE_INTERVAL_MS = 30_000;
/** Time after which a `blocked` state counts. Before that, it may be left over from before this boot's first attempt. */
export const BLOCKED_COUNTS_AFTER_MS = 5_000;

/** The parts of a status that `boot` uses for its decision. */
export interface BootSnapshot {
  /** Number of pending and uploading entries. */
  readonly waitingCount: number;
  /** Undefined if unknown. */
  readonly tier: number | undefined;
  /** Whether the licence permits exports. The value may change if the tier service starts later than the export manager. */
  readonly canExport: boolean;
  /** The state as the API reports it. In an unknown state, `boot` keeps waiting. */
  readonly destinationState: string;
}

export type BootPhase = 'network' | 'drain';

/** The next step of `boot`. Every step except `wait` and `reached` ends the command. */
export type BootDecision =
  | { readonly kind: 'wait' }
  /** Central was reached. From this point, `boot` reports the upload. */
  | { readonly kind: 'reached' }
  | { readonly kind: 'drained' }
  /** The tier allows no exports. Waiting exports are kept. */
  | { readonly kind: 'tier_too_low' }
  /** The wait has ended, and the licence still does not permit exports. */
  | { readonly kind: 'not_permitted' }
  /** Central refuses this boat, or the device token or central's URL is missing. The owner must act. */
  | { readonly kind: 'blocked' }
  | { readonly kind: 'no_network' }
  /** Reporting ends, but delivery continues. */
  | { readonly kind: 'still_waiting' };

/** Decides the next step of `boot` from a status and the time since the phase began. */
export function decideBoot(phase: BootPhase, snapshot: BootSnapshot, elapsedMs: number): BootDecision {
  if (snapshot.waitingCount === 0) return { kind: 'drained' };
  if (snapshot.tier === 0) return { kind: 'tier_too_low' };
  if (snapshot.destinationState === 'blocked' && elapsedMs >= BLOCKED_COUNTS_AFTER_MS)
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

/** Central counts as reached even if it returns an error, because an error shows that the network works. */
function isReached(destinationState: string): boolean {
  return destinationState === 'online' || destinationState === 'unavailable';
}

/** Returns true if the tier is known not to include scheduled exports. For an unknown tier, the export manager decides. */
export function isBelowSchedule(tier: number | undefined): tier is number {
  return tier !== undefined && tier < SCHEDULED_TIER_MIN;
}

/** Returns the legacy script's message for a tier without scheduled exports. */
export function describeSkippedTier(tier: number): string {
  return `Scheduled export requires Tier ${SCHEDULED_TIER_MIN}+ (current: Tier ${tier})`;
}

/** The daily export's result. */
export type DailyOutcome =
  | { readonly kind: 'queued'; readonly queueId: string }
  /** An export was queued, but some categories could not be read. `missing` lists them with the reasons. */
  | { readonly kind: 'incomplete'; readonly queueId: string; readonly missing: readonly string[] }
  | { readonly kind: 'nothing_new' }
  /** The day's export already exists, for example because the timer fired twice. */
  | { readonly kind: 'already_done'; readonly slot: string | undefined }
  | { readonly kind: 'skipped'; readonly reason: string };

/**
 * Interprets the answer to a scheduled export request. If the answer for a skipped export has a slot, that slot was already
 * claimed. If it has none, the answer gives the reason.
 */
export function toDailyOutcome(answer: {
  readonly queued: boolean;
  readonly skipped?: boolean;
  readonly slot?: string | null;
  readonly queue_id?: string;
  readonly unread_categories?: readonly { readonly category: string; readonly detail: string }[];
  readonly message?: string;
}): DailyOutcome {
  if (answer.queued) {
    const queueId = answer.queue_id ?? 'unnamed';
    const missing = toUnreadLines(answer.unread_categories);
    return missing.length === 0 ? { kind: 'queued', queueId } : { kind: 'incomplete', queueId, missing };
  }
  if (answer.skipped !== true) return { kind: 'nothing_new' };
  if (answer.slot !== undefined) return { kind: 'already_done', slot: answer.slot ?? undefined };
  return { kind: 'skipped', reason: answer.message ?? 'no reason given' };
}

/** Returns one line per category that could not be read. */
export function toUnreadLines(
  unread: readonly { readonly category: string; readonly detail: string }[] = [],
): readonly string[] {
  return unread.map(
    ({ category, detail }) =>
      `⚠ ${category} could not be read: ${detail}. A later export will contain its records`,
  );
}
