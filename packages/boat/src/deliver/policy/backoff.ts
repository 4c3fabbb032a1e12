/** Waits before the three retries (docs/spec/delivery.md, "Delivering"; the legacy exporter's `mark_failed`). */
const RETRY_DELAYS_MS: readonly number[] = [0, 5 * 60_000, 15 * 60_000];

/** Retries after the first send. The fourth spent attempt dead-letters the export. */
const RETRIES_MAX = RETRY_DELAYS_MS.length;

/** Upward jitter of every wait, as a fraction of it. Boats that lost one central together must not return together. */
const JITTER_FRACTION = 0.1;

/** Longest wait before a retry. A `Retry-After` cannot exceed it (docs/spec/protocol.md R42). */
export const RETRY_DELAY_MAX_MS = 60 * 60_000;

/** What follows a spent attempt. `retry` counts from 1 to 3; `nominalDelayMs` is the wait without its jitter. */
export type NextAttempt =
  | {
      readonly kind: 'retry';
      readonly retry: number;
      readonly delayMs: number;
      readonly nominalDelayMs: number;
    }
  | { readonly kind: 'dead_letter' };

/**
 * What follows after `attemptsSpent` attempts (1 or more, including the one just spent) since the last acknowledged part.
 * The schedule is that of the legacy exporter's `mark_failed`: attempt 1 retries at once, attempt 2 after 5 minutes,
 * attempt 3 after 15 minutes, and attempt 4 dead-letters the export. `fraction` in [0, 1) adds up to 10 %. A longer
 * `retryAfterMs` replaces the wait. No wait exceeds RETRY_DELAY_MAX_MS.
 */
export function nextAttempt(spent: {
  readonly attemptsSpent: number;
  readonly retryAfterMs: number | undefined;
  readonly fraction: number;
}): NextAttempt {
  const baseMs = RETRY_DELAYS_MS[spent.attemptsSpent - 1];
  if (baseMs === undefined) return { kind: 'dead_letter' };
  const nominalDelayMs = Math.min(Math.max(baseMs, spent.retryAfterMs ?? 0), RETRY_DELAY_MAX_MS);
  const delayMs = withJitter(nominalDelayMs, spent.fraction, RETRY_DELAY_MAX_MS);
  return { kind: 'retry', retry: spent.attemptsSpent, delayMs, nominalDelayMs };
}

function withJitter(delayMs: number, fraction: number, maxMs: number): number {
  return Math.min(Math.round(delayMs * (1 + JITTER_FRACTION * fraction)), maxMs);
}

/**
 * The log line for the next attempt, in the legacy exporter's words. The legacy exporter promises both "immediate, 5min,
 * 15min" and the line "Retry 1/3 in 5 minutes". Both hold if the number counts the retries already made when the wait
 * begins. The immediate retry has no number; then follow "Retry 1/3 in 5 minutes" and "Retry 2/3 in 15 minutes".
 */
export function describeNextAttempt(next: NextAttempt): string {
  if (next.kind === 'dead_letter') return `No retry left after ${RETRIES_MAX}/${RETRIES_MAX}`;
  if (next.delayMs === 0) return 'Retry immediately';
  return `Retry ${next.retry - 1}/${RETRIES_MAX} in ${describeDelay(next.nominalDelayMs)}`;
}

function describeDelay(delayMs: number): string {
  const minutes = Math.round(delayMs / 60_000);
  if (minutes < 1) return `${Math.max(1, Math.round(delayMs / 1000))} seconds`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** First and longest wait between probes of a destination that does not answer (docs/spec/delivery.md, "Delivering"). */
const PROBE_DELAY_MIN_MS = 5_000;
const PROBE_DELAY_MAX_MS = 60_000;

/** The wait before the next probe after `failures` failed probes in a row (0: the first wait). It doubles from 5 s to 60 s. */
export function probeDelay(failures: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(failures, 10), PROBE_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, PROBE_DELAY_MAX_MS);
}

/**
 * The wait before the next send if probes reach central but the last `times` sends in a row (1 or more) got foreign
 * answers. A proxy that accepts small requests and refuses large ones would otherwise receive a whole part each minute
 * for ever, on a connection that the owner pays for. The wait doubles from 5 s to 1 h. No attempt is spent.
 */
export function foreignAnswerDelay(times: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(times - 1, 20), RETRY_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, RETRY_DELAY_MAX_MS);
}

/** How long a blocked destination stays closed to sends before the next try (docs/spec/protocol.md R46). */
export const BLOCKED_RETRY_MS = 60 * 60_000;

/** The clocks and labels that decide when an entry is due. */
export interface DueFacts {
  /** The wall clock now, and the wall time stored with the entry. Both may be wrong. */
  readonly nowWallMs: number;
  readonly nextRetryAtWallMs: number;
  /** Attempts spent. An entry that spent none is due at once. */
  readonly attemptsSpent: number;
  /** The monotonic clock now, and the end of the wait on it. Set only for a wait that this run of the program began; it then decides alone. */
  readonly monotonic?: { readonly nowMs: number; readonly dueMs: number };
}

/**
 * How long until an entry is due, in milliseconds; 0 if it is due now. Monotonic time decides a wait that this run began.
 * After a restart only the wall time stored with the entry is left. A stored time further away than any wait allows was
 * written before the clock was set back, so the entry is due now (docs/spec/delivery.md, "Clock"). An entry that spent no
 * attempt is due now, too. A clock set forward makes an entry due early, which spends nothing by itself.
 */
export function dueIn(facts: DueFacts): number {
  if (facts.monotonic !== undefined) return Math.max(0, facts.monotonic.dueMs - facts.monotonic.nowMs);
  if (facts.attemptsSpent === 0) return 0;
  const leftMs = facts.nextRetryAtWallMs - facts.nowWallMs;
  return leftMs > RETRY_DELAY_MAX_MS ? 0 : Math.max(0, leftMs);
}
