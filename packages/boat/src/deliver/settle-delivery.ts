import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LicenseRefusal } from '../license/policy.ts';
import type { WallMs, World } from '../platform/ports.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { EntryResult } from './deliver-entry.ts';
import type { Divergence } from './divergence.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import type { DeliveryReporter } from './delivery-reporter.ts';
import type { EntrySelector } from './entry-selector.ts';
import type { PartFailures } from './part-failures.ts';
import { nextAttempt, refusedPartDelay } from './policy/backoff.ts';
import type { Verdict } from './policy/verdict.ts';

/** How this attempt to send an entry ended. `paused` means that the worker stopped it after an acknowledged part. */
export type DeliveryResult = EntryResult | { readonly kind: 'paused' };

export interface SettleDeps {
  readonly world: Pick<World, 'clock' | 'random'>;
  readonly ledger: Ledger;
  readonly breaker: CircuitBreaker;
  readonly selector: EntrySelector;
  readonly failures: PartFailures;
  readonly deadLetters: DeadLetters;
  readonly divergence: Divergence;
  readonly reporter: DeliveryReporter;
  /** The device token's fingerprint. A refusal by central lasts until it changes. */
  readonly configuration: string;
}

/**
 * Records the result of a delivery in the ledger, in the circuit breaker, and as an event. Afterwards the entry is no longer
 * `uploading`. Throws DISK_… and LEDGER_FAILED, leaving the entry waiting.
 */
export async function settleDelivery(deps: SettleDeps, entry: Entry, result: DeliveryResult): Promise<void> {
  switch (result.kind) {
    case 'delivered':
      deps.divergence.recordAccepted(entry);
      deps.selector.forget(entry.entryNo);
      deps.failures.forget(entry.entryNo);
      deps.reporter.report({ kind: 'delivered', queueId: entry.queueId });
      deps.reporter.reportMissing(entry.queueId, result.report);
      return;
    case 'paused':
      deps.ledger.queue.unclaim(entry.entryNo);
      deps.reporter.report({ kind: 'paused', queueId: entry.queueId });
      return;
    case 'not_permitted':
      settleRefusal(deps, entry, result.refusal, result.wireSizeBytes);
      return;
    case 'stopped':
      await settleVerdict(deps, entry, result);
      return;
    default:
      return result satisfies never;
  }
}

async function settleVerdict(
  deps: SettleDeps,
  entry: Entry,
  { verdict, wireSizeBytes }: Extract<EntryResult, { kind: 'stopped' }>,
): Promise<void> {
  deps.breaker.recordVerdict(verdict);
  switch (verdict.kind) {
    case 'unreachable':
      waitUnspent(deps, entry, { reason: 'unreachable', detail: verdict.detail, wireSizeBytes });
      return;
    case 'unavailable': {
      const delayMs = await spendAttempt(deps, entry, verdict, wireSizeBytes);
      // While central fails for all exports, the others must not use up their attempts.
      if (delayMs !== undefined && verdict.affects === 'central') deps.breaker.open(delayMs);
      return;
    }
    case 'unreadable':
      await spendAttempt(deps, entry, verdict, wireSizeBytes);
      return;
    case 'refused_on_the_way':
      stepAside(deps, entry, verdict, wireSizeBytes);
      return;
    case 'throttled':
      waitUnspent(deps, entry, { reason: 'throttled', detail: verdict.detail, wireSizeBytes });
      return;
    case 'blocked':
      waitUnspent(deps, entry, { reason: 'blocked', detail: verdict.detail, wireSizeBytes });
      deps.breaker.openBlocked(verdict, deps.configuration);
      return;
    case 'diverged':
      settleDivergence(deps, entry, verdict, wireSizeBytes);
      return;
    case 'rejected':
      deps.reporter.report({ kind: 'rejected', queueId: entry.queueId, detail: verdict.detail });
      deps.ledger.queue.addSent(entry.entryNo, wireSizeBytes, deps.world.clock.wall());
      await deadLetterEntry(deps, entry, verdict.detail);
      return;
    default:
      return verdict satisfies never;
  }
}

/**
 * Begins a new ledger, in which the entry is sent again. If power fails before the commit, central refuses the entry again, and
 * the new ledger begins at that point. docs/spec/protocol.md R74: "After 409 `LEDGER_DIVERGED` a boat MUST begin a new ledger,
 * give its waiting and failed exports new sequences and keys in it, and make its next export a full export."
 */
function settleDivergence(
  deps: SettleDeps,
  entry: Entry,
  { detail }: Extract<Verdict, { kind: 'diverged' }>,
  wireSizeBytes: number,
): void {
  waitUnspent(deps, entry, { reason: 'diverged', detail, wireSizeBytes });
  const change = deps.divergence.settle(detail);
  if (change === undefined) {
    deps.breaker.openBlocked({ status: 409, errorCode: 'LEDGER_DIVERGED', detail }, deps.configuration);
    return;
  }
  deps.failures.forget(entry.entryNo);
  deps.reporter.report({ kind: 'ledger_begun', queueId: entry.queueId, change });
}

function settleRefusal(deps: SettleDeps, entry: Entry, refusal: LicenseRefusal, wireSizeBytes: number): void {
  waitUnspent(deps, entry, { reason: 'not_permitted', detail: refusal.message, wireSizeBytes });
  deps.reporter.reportPermission(refusal);
}

/** Counts an attempt. Returns the retry delay, or undefined if this was the last attempt and the entry failed. */
async function spendAttempt(
  deps: SettleDeps,
  entry: Entry,
  { detail, retryAfterMs }: { readonly detail: string; readonly retryAfterMs?: number },
  wireSizeBytes: number,
): Promise<number | undefined> {
  const { clock, random } = deps.world;
  const attemptsSpent = (deps.ledger.queue.get(entry.entryNo)?.retryCount ?? 0) + 1;
  const next = nextAttempt({ attemptsSpent, retryAfterMs, fraction: random.fraction() });
  deps.reporter.report({ kind: 'attempt_spent', queueId: entry.queueId, detail, next });
  if (next.kind === 'dead_letter') {
    deps.ledger.queue.addSent(entry.entryNo, wireSizeBytes, clock.wall());
    await deadLetterEntry(deps, entry, detail);
    return undefined;
  }
  deps.selector.setWait(entry.entryNo, next.delayMs);
  deps.ledger.queue.putBack(entry.entryNo, {
    spent: attemptsSpent,
    nextRetryAtMs: (clock.wall() + next.delayMs) as WallMs,
    lastError: detail,
    wireSizeBytes,
    atMs: clock.wall(),
  });
  return next.delayMs;
}

/**
 * Delays only the export that an intermediary refuses, so that the others are still sent. Resets its attempt count to 0, because
 * central was not at fault.
 */
function stepAside(
  deps: SettleDeps,
  entry: Entry,
  { detail, retryAfterMs }: Extract<Verdict, { kind: 'refused_on_the_way' }>,
  wireSizeBytes: number,
): void {
  const { clock, random } = deps.world;
  // A part may have been acknowledged since the entry was claimed.
  const refusals = (deps.ledger.queue.get(entry.entryNo)?.refusalCount ?? 0) + 1;
  const delayMs = refusedPartDelay({ refusals, retryAfterMs, fraction: random.fraction() });
  deps.reporter.report({ kind: 'stepped_aside', queueId: entry.queueId, detail, delayMs });
  deps.selector.setWait(entry.entryNo, delayMs);
  deps.ledger.queue.putBack(entry.entryNo, {
    spent: 0,
    refusals,
    nextRetryAtMs: (clock.wall() + delayMs) as WallMs,
    lastError: detail,
    wireSizeBytes,
    atMs: clock.wall(),
  });
}

/** Returns an `uploading` entry to waiting without counting an attempt. */
export function waitUnspent(
  { world, ledger, reporter }: Pick<SettleDeps, 'world' | 'ledger' | 'reporter'>,
  entry: Entry,
  why: {
    readonly reason: Extract<DeliveryEvent, { kind: 'waits_unspent' }>['reason'];
    readonly detail: string;
    readonly wireSizeBytes: number;
  },
): void {
  reporter.report({ kind: 'waits_unspent', queueId: entry.queueId, reason: why.reason, detail: why.detail });
  ledger.queue.putBack(entry.entryNo, {
    nextRetryAtMs: world.clock.wall(),
    lastError: why.detail,
    wireSizeBytes: why.wireSizeBytes,
    atMs: world.clock.wall(),
  });
}

/** Dead-letters an entry that is not being sent. Throws the same errors as `DeadLetters.deadLetter`. */
export async function deadLetterEntry(
  deps: Pick<SettleDeps, 'selector' | 'failures' | 'deadLetters' | 'reporter'>,
  entry: Entry,
  reason: string,
): Promise<Entry> {
  deps.selector.forget(entry.entryNo);
  deps.failures.forget(entry.entryNo);
  const failed = await deps.deadLetters.deadLetter(entry, reason);
  deps.reporter.report({ kind: 'dead_lettered', queueId: entry.queueId, reason });
  return failed;
}
