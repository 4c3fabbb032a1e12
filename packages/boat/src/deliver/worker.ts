import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { License } from '../license/license.ts';
import { type LicenseRefusal, maySend } from '../license/policy.ts';
import { isExportError } from '../platform/errors.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createWake } from '../platform/wake.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { type Credentials, loadCredentials, toFingerprint } from './credentials.ts';
import { createCutOffs } from './cut-offs.ts';
import { deliverEntry, type EntryResult } from './deliver-entry.ts';
import { createDeadLetters } from './dead-letters.ts';
import { fetchHeldPartsIfUnsure } from './held-parts.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { createEntrySelector, type Selection } from './entry-selector.ts';
import { describeNextAttempt, nextAttempt } from './policy/backoff.ts';
import { chooseCoding } from './policy/content-coding.ts';
import { type DataBudget, describeSendHold, type SendHold } from './policy/data-budget.ts';
import type { Destination } from './policy/destination-state.ts';
import { confirmUnavailable, type Verdict } from './policy/verdict.ts';
import { sendPart } from './send-part.ts';

/** The worker looks at its queue at least this often, whatever it missed (docs/spec/delivery.md, "Delivering"). */
const BACKSTOP_MS = 30_000;

/** Shortest rest when nothing could be claimed: a wait that ends within the same millisecond must not become a busy loop. */
const MIN_REST_MS = 5;

/** What the worker tells while it works. */
export interface WorkerListener {
  queueChanged(): void;
  uploading(progress: {
    readonly queueId: string;
    readonly partIndex: number;
    readonly partCount: number;
  }): void;
  delivered(queueId: string): void;
  destinationChanged(destination: Destination): void;
}

export interface WorkerDeps {
  readonly world: World;
  readonly ledger: Ledger;
  readonly license: License;
  readonly paths: SpoolPaths;
  readonly centralUrl: string | undefined;
  readonly partSizeBytes: number;
  readonly dataBudget: DataBudget;
  readonly bytesPerSecondMax: number | undefined;
  /** `$ROOT/config/export-credentials.json`. */
  readonly credentialsPath: string;
  /** Whether a time service vouches for the boat's clock. */
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean>;
  readonly listener: WorkerListener;
}

/** Delivers what waits, one entry at a time, oldest first; sleeps when nothing waits (docs/spec/delivery.md, "Delivering"). */
export interface Worker {
  /** Works until aborted, then rejects with the signal's reason; an entry under way stays `uploading` and is resumed at the next start. */
  run(signal: AbortSignal): Promise<void>;
  /** Something may be due. `now`: central is tried at once and the owner's limits do not count; waits after spent attempts stay. */
  wake(urgency?: 'now'): void;
  destination(): Destination;
  /** Why a due export waits; undefined if the data budget holds none. */
  sendHold(): SendHold | undefined;
  /** If the entry is being sent, stops that; resolves when the entry is not `uploading` any more. */
  release(queueId: string): Promise<void>;
  /** Fails an entry that is not being sent: archives its file and rewinds its ranges. */
  deadLetter(entry: Entry, reason: string): Promise<Entry>;
}

export function createWorker(deps: WorkerDeps): Worker {
  const { world, ledger, listener } = deps;
  const { clock, log } = world;
  const wake = createWake();
  const deadLetters = createDeadLetters(world, ledger, deps.paths);
  const breaker = createCircuitBreaker(world, deps.clockSynchronized, (destination) =>
    listener.destinationChanged(destination),
  );
  const cutOffs = createCutOffs();
  const selector = createEntrySelector(world, ledger, { ...deps, isMoving: deadLetters.isMoving });
  let sendHold: SendHold | undefined;
  let reportedHold: SendHold | undefined;
  /** Something failed since the ledger last took a change. */
  let isLedgerInDoubt = false;
  let toldRefusal: string | undefined;
  /** Whose exports are sent, as the licence last said. */
  let installationId: string | undefined;
  let active:
    { readonly queueId: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  const tellRefusal = (refusal: Pick<LicenseRefusal, 'message' | 'hint'>): void => {
    if (toldRefusal === refusal.message) return;
    toldRefusal = refusal.message;
    log.write('warn', `Nothing is sent: ${refusal.message}`, { hint: refusal.hint });
  };
  const permit = async (signal: AbortSignal): Promise<LicenseRefusal | undefined> => {
    const known = await deps.license.current(signal);
    if (known.kind === 'refused') return known;
    installationId = known.installationId;
    const permission = maySend(known.tier);
    return permission.kind === 'refused' ? permission : undefined;
  };
  const deadLetter = (entry: Entry, reason: string): Promise<Entry> => {
    selector.forget(entry.entryNo);
    cutOffs.forget(entry.entryNo);
    return deadLetters.deadLetter(entry, reason);
  };
  const putBack = (entry: Entry, lastError: string, wireSizeBytes: number): void =>
    ledger.queue.putBack(entry.entryNo, {
      nextRetryAtMs: clock.wall(),
      lastError,
      wireSizeBytes,
      atMs: clock.wall(),
    });

  /** Reports a hold when it begins, and when nothing is held any more. */
  const reportHold = ({ entry, hold }: Selection): void => {
    sendHold = hold;
    if (hold !== undefined && hold !== reportedHold) log.write('info', describeSendHold(hold));
    if (hold === undefined && entry === undefined && reportedHold !== undefined)
      log.write('info', 'No export waits for another connection or the next month any more');
    reportedHold = hold;
  };

  /** Spends an attempt. Gives how long the entry waits; undefined where it failed. */
  const spend = async (
    entry: Entry,
    verdict: Extract<Verdict, { kind: 'unavailable' }>,
    wireSizeBytes: number,
  ): Promise<number | undefined> => {
    const attemptsSpent = (ledger.queue.get(entry.entryNo)?.retryCount ?? 0) + 1;
    const next = nextAttempt({
      attemptsSpent,
      retryAfterMs: verdict.retryAfterMs,
      fraction: world.random.fraction(),
    });
    log.write(
      'info',
      `Export upload failed: ${entry.queueId}: ${verdict.detail}. ${describeNextAttempt(next)}`,
    );
    if (next.kind === 'dead_letter') {
      await deadLetter(entry, verdict.detail);
      return undefined;
    }
    selector.setWait(entry.entryNo, next.delayMs);
    ledger.queue.putBack(entry.entryNo, {
      spent: attemptsSpent,
      nextRetryAtMs: (clock.wall() + next.delayMs) as WallMs,
      lastError: verdict.detail,
      wireSizeBytes,
      atMs: clock.wall(),
    });
    return next.delayMs;
  };

  const settle = async (
    entry: Entry,
    { verdict: first, wireSizeBytes }: Extract<EntryResult, { kind: 'stopped' }>,
    centralUrl: string,
    token: Credentials,
    signal: AbortSignal,
  ): Promise<void> => {
    // The send may have taken minutes, and at tier 0 not one connection is opened.
    const refusal = first.kind === 'unavailable' ? await permit(signal) : undefined;
    if (refusal !== undefined) {
      putBack(entry, refusal.message, wireSizeBytes);
      tellRefusal(refusal);
      return;
    }
    const probed = first.kind === 'unavailable' ? await breaker.look(centralUrl, signal) : undefined;
    const verdict = probed === undefined ? first : confirmUnavailable(first, probed);
    breaker.observe({ kind: 'verdict', verdict });
    switch (verdict.kind) {
      case 'unreachable':
        log.write('info', `Export upload failed: ${entry.queueId} waits: ${verdict.detail}`);
        putBack(entry, verdict.detail, wireSizeBytes);
        breaker.lost(verdict);
        return;
      case 'unavailable': {
        const delayMs = await spend(entry, verdict, wireSizeBytes);
        // A central whose health fails too is failing for every export: the others keep their attempts.
        if (delayMs !== undefined && probed?.kind === 'unavailable') breaker.hold(delayMs);
        return;
      }
      case 'blocked':
        putBack(entry, verdict.detail, wireSizeBytes);
        breaker.block(verdict, toFingerprint(token));
        return;
      case 'rejected':
        log.write(
          'warn',
          `Export rejected: ${entry.queueId}: ${verdict.detail}. Its records go with the next export`,
        );
        await deadLetter(entry, verdict.detail);
        return;
      case 'delivered':
      case 'cut_smaller':
        throw new Error(`a ${verdict.kind} verdict does not stop an entry`);
      default:
        return verdict satisfies never;
    }
  };

  const deliver = async (
    entry: Entry,
    centralUrl: string,
    token: Extract<Credentials, { kind: 'token' }>,
    signal: AbortSignal,
  ): Promise<void> => {
    log.write('info', `Processing export: ${entry.queueId}`);
    const result = await deliverEntry(
      {
        world,
        ledger,
        partSizeBytes: deps.partSizeBytes,
        installationId: () => installationId,
        permit,
        fetchHeldParts: (question, until) =>
          fetchHeldPartsIfUnsure(deps, { centralUrl, token: token.token, ...question }, until),
        cutOffs,
        send: (part, sendSignal) =>
          sendPart(
            world,
            {
              centralUrl,
              token: token.token,
              coding: chooseCoding(breaker.offers()),
              bytesPerSecondMax: deps.bytesPerSecondMax,
              ...part,
            },
            sendSignal,
          ),
        clockSynchronized: deps.clockSynchronized,
        mayGoOn: () => !selector.isSmallDue(),
        onPart: (progress) => listener.uploading(progress),
        onAccepted: (offers) => breaker.accepted(offers),
      },
      entry,
      signal,
    );
    switch (result.kind) {
      case 'delivered':
        selector.forget(entry.entryNo);
        cutOffs.forget(entry.entryNo);
        log.write('info', `✓ Export uploaded successfully: ${entry.queueId}`);
        listener.delivered(entry.queueId);
        break;
      case 'paused':
        ledger.queue.unclaim(entry.entryNo);
        break;
      case 'not_permitted':
        putBack(entry, result.refusal.message, result.wireSizeBytes);
        tellRefusal(result.refusal);
        break;
      case 'unreadable':
        await spend(entry, { kind: 'unavailable', detail: result.detail }, 0);
        break;
      case 'stopped':
        await settle(entry, result, centralUrl, token, signal);
        break;
      default:
        return result satisfies never;
    }
    listener.queueChanged();
  };

  /** Sends one entry, abortable by its own controller: a cancelled entry is put back, a stopping daemon leaves it uploading. */
  const deliverActive = async (
    entry: Entry,
    centralUrl: string,
    token: Extract<Credentials, { kind: 'token' }>,
    signal: AbortSignal,
  ): Promise<void> => {
    const stop = new AbortController();
    const { promise: done, resolve: finish } = Promise.withResolvers<void>();
    active = { queueId: entry.queueId, stop, done };
    listener.queueChanged();
    try {
      await deliver(entry, centralUrl, token, AbortSignal.any([signal, stop.signal]));
    } catch (error) {
      if (signal.aborted || !stop.signal.aborted) throw error;
      putBack(entry, 'Stopped by the owner', 0);
    } finally {
      active = undefined;
      finish();
    }
  };

  /** Does the next thing there is to do, and gives how long nothing else is (0: go on). */
  const step = async (signal: AbortSignal): Promise<number> => {
    if (ledger.queue.counts().pending === 0) return BACKSTOP_MS;
    // What is sent while no receipt can be kept is sent again and again, over a link that may cost by the byte.
    if (isLedgerInDoubt) ledger.proveWritable();
    isLedgerInDoubt = false;
    const { centralUrl } = deps;
    if (centralUrl === undefined) {
      const detail = 'CENTRAL_API_URL is not set';
      breaker.block({ status: 0, errorCode: 'CONFIG_INVALID', detail }, 'no central');
      return BACKSTOP_MS;
    }
    const token = await loadCredentials(world.disk, deps.credentialsPath);
    breaker.notice(toFingerprint(token));
    // Before the tier is asked: it is another program on this boat, and nothing would come of its answer.
    const heldMs = breaker.heldMs();
    if (heldMs > 0) return Math.min(heldMs, BACKSTOP_MS);
    const refusal = await permit(signal);
    if (refusal !== undefined) {
      tellRefusal(refusal);
      return BACKSTOP_MS;
    }
    toldRefusal = undefined;
    if (token.kind === 'none') {
      breaker.block({ status: 0, errorCode: token.code, detail: token.detail }, toFingerprint(token));
      return BACKSTOP_MS;
    }
    const awayMs = await breaker.wait(centralUrl, signal);
    if (awayMs > 0) return Math.min(awayMs, BACKSTOP_MS);
    const selection = selector.next(await world.network.isMetered?.(signal));
    reportHold(selection);
    const { entry } = selection;
    if (entry === undefined) return Math.max(MIN_REST_MS, Math.min(BACKSTOP_MS, selector.nextDueMs()));
    await deliverActive(entry, centralUrl, token, signal);
    return 0;
  };

  /** Sleeps until something may be due; while central is not reached, a change of interfaces ends the sleep too. */
  const rest = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    const resting = new AbortController();
    const isLinkWaited = breaker.isLinkWaited() && ledger.queue.counts().pending > 0;
    const link = isLinkWaited
      ? world.network.changed(AbortSignal.any([signal, resting.signal])).then(
          () => {
            breaker.hurry();
            wake.wake();
          },
          () => undefined,
        )
      : undefined;
    try {
      await wake.wait(clock, delayMs, signal);
    } finally {
      resting.abort();
      await link;
    }
  };

  return {
    async run(signal) {
      for (;;) {
        signal.throwIfAborted();
        try {
          const delayMs = await step(signal);
          if (delayMs > 0) await rest(delayMs, signal);
        } catch (error) {
          if (signal.aborted || !isExportError(error)) throw error;
          log.write('warn', `Delivery pauses: ${error.message}`, { code: error.code, hint: error.hint });
          isLedgerInDoubt = true;
          // The entry under way may still say `uploading` because its state could not be written; nobody else claims.
          ledger.queue.resume();
          await rest(BACKSTOP_MS, signal);
        }
      }
    },
    wake(urgency) {
      if (urgency === 'now') {
        selector.sendAllNow();
        breaker.tryNow();
      }
      wake.wake();
    },
    destination: () => breaker.destination(),
    sendHold: () => sendHold,
    async release(queueId) {
      if (active?.queueId !== queueId) return;
      active.stop.abort();
      await active.done;
    },
    deadLetter,
  };
}
