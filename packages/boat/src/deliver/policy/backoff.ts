/** Waits before the three retries (docs/spec/delivery.md, "Delivering"; the legacy exporter's `mark_failed`). */
const RETRY_DELAYS_MS: readonly number[] = [0, 5 * 60_000, 15 * 60_000];

/** Number of retries after the first send. The export is dead-lettered after the fourth counted attempt. */
const RETRIES_MAX = RETRY_DELAYS_MS.length;

/**
 * Jitter added to every wait, as a fraction of the wait. Boats that lost central at the same time must not all return at once.
 */
const JITTER_FRACTION = 0.1;

/** Maximum wait before a retry. A `Retry-After` cannot exceed it (docs/spec/protocol.md R42). */
export const RETRY_DELAY_MAX_MS = 60 * 60_000;

/** The next step after a counted attempt. `retry` is 1 to 3; `nominalDelayMs` is the wait without jitter. */
export type NextAttempt =
  | {
      readonly kind: 'retry';
      readonly retry: number;
      readonly delayMs: number;
      readonly nominalDelayMs: number;
    }
  | { readonly kind: 'dead_letter' };

/**
 * Returns the next step after `attemptsSpent` attempts (1 or more, including the latest) since the last acknowledged part. The
 * schedule is the same as in the legacy exporter's `mark_failed`. Attempt 1 is retried at once, attempt 2 after 5 minutes and
 * attempt 3 after 15 minutes. Attempt 4 dead-letters the export. `fraction` in [0, 1) adds up to 10 %. A longer `retryAfterMs`
 * replaces the wait. No wait exceeds RETRY_DELAY_MAX_MS.
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
 * Returns the log line for the next attempt, in the legacy exporter's words. The legacy exporter promises both "immediate, 5min,
 * 15min" and the line "Retry 1/3 in 5 minutes". Both are true if the number counts the retries already made when the wait begins.
 * The immediate retry has no number. The later retries are logged as "Retry 1/3 in 5 minutes" and "Retry 2/3 in 15 minutes".
 */
export function describeNextAttempt(next: NextAttempt): string {
  if (next.kind === 'dead_letter') return `No retry left after ${RETRIES_MAX}/${RETRIES_MAX}`;
  if (next.delayMs === 0) return 'Retry immediately';
  return `Retry ${next.retry - 1}/${RETRIES_MAX} in ${describeDelay(next.nominalDelayMs)}`;
}

/** Describes a wait in words, rounded to seconds below half a minute and to minutes above. */
export function describeDelay(delayMs: number): string {
  const minutes = Math.round(delayMs / 60_000);
  if (minutes < 1) return `${Math.max(1, Math.round(delayMs / 1000))} seconds`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/**
 * Interval between probes while an outage is still short. A link that comes back within two minutes is detected within 2.5 s
 * (docs/spec/delivery.md, "Delivering").
 */
export const QUICK_PROBE_DELAY_MS = 2_000;
/** Number of probes at that interval, which take two minutes. */
const QUICK_PROBES = 60;
/** Maximum wait between probes. It limits the bytes sent during a long outage and the delay after the outage ends. */
const PROBE_DELAY_MAX_MS = 60_000;

/** True while probes are sent every QUICK_PROBE_DELAY_MS, after `probes` consecutive probes that did not reach central. */
export function isQuickProbe(probes: number): boolean {
  return probes < QUICK_PROBES;
}

/**
 * Returns the wait before the next probe after `probes` consecutive probes that did not reach central (0 for the first wait): 2 s
 * for the first two minutes, then doubling up to 60 s.
 */
export function probeDelay(probes: number, fraction: number): number {
  const doublings = Math.min(Math.max(0, probes - QUICK_PROBES + 1), 10);
  const baseMs = Math.min(QUICK_PROBE_DELAY_MS * 2 ** doublings, PROBE_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, PROBE_DELAY_MAX_MS);
}

/** The first wait after a refused part, long enough for a proxy to restart. */
const REFUSED_PART_MIN_MS = 10_000;

/**
 * Returns the wait after a part was refused `refusals` times in a row (1 or more), either by an intermediary, so that the export
 * steps aside, or by central with 429. The wait doubles from 10 s to 1 h, because each attempt sends a part over a connection
 * that the owner pays for. A longer `retryAfterMs` replaces it, up to 1 h. `fraction` in [0, 1) adds up to 10 %.
 */
export function refusedPartDelay(refused: {
  readonly refusals: number;
  readonly retryAfterMs: number | undefined;
  readonly fraction: number;
}): number {
  const baseMs = REFUSED_PART_MIN_MS * 2 ** Math.min(refused.refusals - 1, 10);
  const delayMs = Math.min(Math.max(baseMs, refused.retryAfterMs ?? 0), RETRY_DELAY_MAX_MS);
  return withJitter(delayMs, refused.fraction, RETRY_DELAY_MAX_MS);
}

/**
 * Number of consecutive sends that an intermediary may refuse before the worker pauses between sends. Fewer refusals may affect
 * only individual exports, and the exports behind those must not wait.
 */
const REFUSALS_BEFORE_PAUSE = 5;
const REFUSED_PAUSE_MIN_MS = 5_000;
const REFUSED_PAUSE_MAX_MS = 10 * 60_000;

/**
 * Returns the pause before the next send after an intermediary refused the last `times` sends (1 or more), whichever exports they
 * belonged to. Without this pause, a proxy that accepts probes but refuses every export would receive a part of each waiting
 * export in quick succession. The pause doubles from 5 s to 10 minutes. No attempt is spent.
 */
export function refusedSendsPause(times: number, fraction: number): number {
  if (times < REFUSALS_BEFORE_PAUSE) return 0;
  const baseMs = REFUSED_PAUSE_MIN_MS * 2 ** Math.min(times - REFUSALS_BEFORE_PAUSE, 20);
  return withJitter(Math.min(baseMs, REFUSED_PAUSE_MAX_MS), fraction, REFUSED_PAUSE_MAX_MS);
}

/** Time until the next attempt to send when the destination is blocked (docs/spec/protocol.md R46). */
export const BLOCKED_RETRY_MS = 60 * 60_000;
