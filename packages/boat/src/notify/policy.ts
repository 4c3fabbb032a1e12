import type { NotificationChannel, NotificationSubject, RaisedNotification } from '../ledger/notification.ts';

const DAY_MS = 24 * 3_600_000;

/**
 * Creation times before 2020 come from a clock that was not set, because this program did not exist then. They do not show how
 * long an export has waited.
 */
const PLAUSIBLE_FROM_MS = Date.UTC(2020, 0, 1);

/** A problem that is shown to the owner until it is resolved. */
export interface Condition {
  readonly exportCount: number;
  /** Severity, as a Signal K state. */
  readonly state: 'alert' | 'warn';
  /** One sentence, without record content or text from other systems. */
  readonly message: string;
}

/** Counts from the queue. `waitingCount` is undefined while the clock is known to be wrong. */
export interface QueueFacts {
  readonly failedCount: number;
  readonly waitingCount: number | undefined;
  readonly afterDays: number;
}

/** Returns the range of creation times for exports that have waited for more than `afterDays` days. */
export function toLongWait(
  nowMs: number,
  afterDays: number,
): { readonly fromMs: number; readonly untilMs: number } {
  return { fromMs: PLAUSIBLE_FROM_MS, untilMs: nowMs - afterDays * DAY_MS };
}

/** Returns a subject's condition, `none` if there is nothing to report, or `unknown` if the counts are not sufficient. */
export function findCondition(
  subject: NotificationSubject,
  { failedCount, waitingCount, afterDays }: QueueFacts,
): Condition | 'none' | 'unknown' {
  switch (subject) {
    case 'failed':
      if (failedCount === 0) return 'none';
      return {
        exportCount: failedCount,
        state: 'warn',
        message: `${describeExports(failedCount)} could not be delivered. Data Management shows the reason.`,
      };
    case 'waiting': {
      if (waitingCount === undefined) return 'unknown';
      if (waitingCount === 0) return 'none';
      const verb = waitingCount === 1 ? 'has' : 'have';
      const days = afterDays === 1 ? 'a day' : `${afterDays} days`;
      return {
        exportCount: waitingCount,
        state: 'alert',
        message: `${describeExports(waitingCount)} ${verb} been waiting to be sent ashore for more than ${days}. Data Management shows the reason.`,
      };
    }
    default:
      return subject satisfies never;
  }
}

function describeExports(count: number): string {
  return count === 1 ? '1 export' : `${count} exports`;
}

/** The step that makes a channel show the current condition. */
export type Step =
  | { readonly kind: 'none' }
  | { readonly kind: 'raise'; readonly condition: Condition }
  | { readonly kind: 'update'; readonly condition: Condition; readonly remoteId: string }
  | { readonly kind: 'clear'; readonly remoteId: string };

/**
 * Compares the condition with what the channel shows. Signal K shows the current number of exports. A webhook sends a message to
 * a person, so it is called again only if more exports have failed, not each time one more export is waiting.
 */
export function decideStep(
  channel: NotificationChannel,
  subject: NotificationSubject,
  condition: ReturnType<typeof findCondition>,
  raised: RaisedNotification | undefined,
): Step {
  if (condition === 'unknown') return { kind: 'none' };
  if (condition === 'none')
    return raised === undefined ? { kind: 'none' } : { kind: 'clear', remoteId: raised.remoteId };
  if (raised === undefined) return { kind: 'raise', condition };
  const isNews =
    channel === 'signalk'
      ? condition.exportCount !== raised.exportCount
      : subject === 'failed' && condition.exportCount > raised.exportCount;
  return isNews ? { kind: 'update', condition, remoteId: raised.remoteId } : { kind: 'none' };
}

/** First delay before a webhook is called again, doubled after each failure up to the maximum. */
const WEBHOOK_RETRY_MIN_MS = 60_000;
const WEBHOOK_RETRY_MAX_MS = 60 * 60_000;

/**
 * Number of failed calls to a reachable webhook after which the boat gives up on a notification. The retries cover more than half
 * a day.
 */
const WEBHOOK_FAILURES_MAX = 20;

/** The result of calling a webhook. */
export type WebhookOutcome =
  | { readonly kind: 'accepted' }
  /** The receiver was not reached: the boat has no internet connection, or a captive portal answered. */
  | { readonly kind: 'unreachable'; readonly detail: string }
  /** The receiver or an intermediary failed. */
  | { readonly kind: 'failed'; readonly detail: string }
  /** The receiver permanently refuses the request. */
  | { readonly kind: 'refused'; readonly detail: string };

/** The decision after a call. `failures` is the number of consecutive calls that reached the receiver and failed. */
export type AfterWebhook =
  | { readonly kind: 'done' }
  | { readonly kind: 'give_up'; readonly detail: string }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly failures: number };

/**
 * Decides whether to call a webhook again after `tries` consecutive calls without success (at least 1, including this one). A
 * call that did not reach the receiver is retried without limit, at most once an hour. `fraction` in [0, 1) adds up to 10 % to the
 * delay.
 */
export function decideAfterWebhook(
  outcome: WebhookOutcome,
  {
    tries,
    failures,
    fraction,
  }: { readonly tries: number; readonly failures: number; readonly fraction: number },
): AfterWebhook {
  const delayMs =
    Math.min(WEBHOOK_RETRY_MIN_MS * 2 ** Math.min(tries - 1, 10), WEBHOOK_RETRY_MAX_MS) * (1 + fraction / 10);
  switch (outcome.kind) {
    case 'accepted':
      return { kind: 'done' };
    case 'refused':
      return { kind: 'give_up', detail: outcome.detail };
    case 'unreachable':
      return { kind: 'retry', delayMs, failures };
    case 'failed':
      if (failures + 1 >= WEBHOOK_FAILURES_MAX) return { kind: 'give_up', detail: outcome.detail };
      return { kind: 'retry', delayMs, failures: failures + 1 };
    default:
      return outcome satisfies never;
  }
}
