/** Waits before the three retries (docs/spec/delivery.md, "Delivering"; the legacy exporter's `mark_failed`). */
const RETRY_DELAYS_MS: readonly number[] = [0, 5 * 60_000, 15 * 60_000];

/** Retries after the first send. The fourth spent attempt dead-letters the export. */
const RETRIES_MAX = RETRY_DELAYS_MS.length;

/**
 * Jitter that lengthens every wait, as a fraction of the wait. Boats that lost central at the same time must not return
 * at the same time.
 */
const JITTER_FRACTION = 0.1;

/** Maximum wait before a retry. A `Retry-After` cannot exceed it (docs/spec/protocol.md R42). */
export const RETRY_DELAY_MAX_MS = 60 * 60_000;

/** The next step after a spent attempt. `retry` counts from 1 to 3; `nominalDelayMs` is the wait without its jitter. */
export type NextAttempt =
  | {
      readonly kind: 'retry';
      readonly retry: number;
      readonly delayMs: number;
      readonly nominalDelayMs: number;
    }
  | { readonly kind: 'dead_letter' };

/**
 * Returns the next step after `attemptsSpent` attempts (1 or more, including the one just spent) since the last
 * acknowledged part. The schedule is the same as in the legacy exporter's `mark_failed`. Attempt 1 is retried at once,
 * attempt 2 after 5 minutes and attempt 3 after 15 minutes. Attempt 4 dead-letters the export. `fraction` in [0, 1)
 * adds up to 10 %. A longer `retryAfterMs` replaces the wait. No wait exceeds RETRY_DELAY_MAX_MS.
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
 * The log line for the next attempt, in the legacy exporter's words. The legacy exporter promises both "immediate,
 * 5min, 15min" and the line "Retry 1/3 in 5 minutes". Both hold if the number counts the retries already made when the
 * wait begins. The immediate retry has no number. The lines of the later retries are "Retry 1/3 in 5 minutes" and
 * "Retry 2/3 in 15 minutes".
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

/**
 * Initial and maximum wait between probes of a destination that does not answer (docs/spec/delivery.md, "Delivering").
 */
const PROBE_DELAY_MIN_MS = 5_000;
const PROBE_DELAY_MAX_MS = 60_000;

/**
 * The wait before the next probe after `failures` failed probes in a row (0 for the first wait). It doubles from 5 s to
 * 60 s.
 */
export function probeDelay(failures: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(failures, 10), PROBE_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, PROBE_DELAY_MAX_MS);
}

/**
 * The wait before the next send if probes reach central but the last `times` sends in a row (1 or more) got foreign
 * answers. A proxy that accepts small requests but refuses large ones would otherwise receive a whole part every minute
 * indefinitely, over a connection that the owner pays for. The wait doubles from 5 s to 1 h. No attempt is spent.
 */
export function foreignAnswerDelay(times: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(times - 1, 20), RETRY_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, RETRY_DELAY_MAX_MS);
}

/** Time until the next try to send to a blocked destination (docs/spec/protocol.md R46). */
export const BLOCKED_RETRY_MS = 60 * 60_000;

/** The clock readings and stored times that determine when an entry is due. */
export interface DueFacts {
  /** The current wall time and the wall time stored with the entry. Both may be wrong. */
  readonly nowWallMs: number;
  readonly nextRetryAtWallMs: number;
  /** Number of spent attempts. An entry without a spent attempt is due at once. */
  readonly attemptsSpent: number;
  /**
   * The current monotonic time and the end of the wait in monotonic time. Set only for a wait that began in this run of
   * the program. The wall times are then ignored.
   */
  readonly monotonic?: { readonly nowMs: number; readonly dueMs: number };
}

/**
 * Returns the milliseconds until an entry is due, or 0 if it is due now. For a wait that began in this run, only
 * monotonic time counts. After a restart, only the wall time stored with the entry is available. A stored time further
 * away than any wait allows was written before the clock was set back, so the entry is due now (docs/spec/delivery.md,
 * "Clock"). An entry without a spent attempt is also due now. A clock that is set forward makes an entry due early, but
 * this alone spends no attempt.
 */
export function dueIn(facts: DueFacts): number {
  if (facts.monotonic !== undefined) return Math.max(0, facts.monotonic.dueMs - facts.monotonic.nowMs);
  if (facts.attemptsSpent === 0) return 0;
  const leftMs = facts.nextRetryAtWallMs - facts.nowWallMs;
  return leftMs > RETRY_DELAY_MAX_MS ? 0 : Math.max(0, leftMs);
}
