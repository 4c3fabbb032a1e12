import type { ContentCoding } from '@d3kos/protocol';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { SizeRange } from '../ledger/queue.ts';
import type { License } from '../license/license.ts';
import { type LicenseRefusal, maySend } from '../license/policy.ts';
import { isExportError } from '../platform/errors.ts';
import type { MonotonicMs, WallMs, World } from '../platform/ports.ts';
import { createWake } from '../platform/wake.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { type Credentials, loadCredentials, toFingerprint } from './credentials.ts';
import { deliverEntry, type EntryResult } from './deliver-entry.ts';
import { createGivingUp } from './give-up.ts';
import { askHeldIfBundled } from './held.ts';
import type { ProbeResult } from './outcome.ts';
import {
  type Allowance,
  BLOCKED_RETRY_MS,
  chooseCoding,
  confirmUnavailable,
  decideThrift,
  describeNextAttempt,
  describeThrift,
  dueIn,
  type Lane,
  laneOrder,
  misansweredDelay,
  nextAttempt,
  probeDelay,
  type Thrift,
  type Verdict,
} from './policy.ts';
import {
  type Destination,
  type DestinationEvent,
  describeDestination,
  initialDestination,
  nextDestination,
} from './policy-destination.ts';
import { probe } from './probe.ts';
import { sendPart } from './send-part.ts';

/** The worker looks at its queue at least this often, whatever it missed (spec: delivery, the backstop tick). */
const BACKSTOP_MS = 30_000;

/** Shortest rest when nothing could be claimed: a wait that ends within the same millisecond must not become a busy loop. */
const MIN_REST_MS = 5;

/** The sequence of an adopted export that another ledger counted. */
const FOREIGN_SEQUENCE = 0;

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
  readonly allowance: Allowance;
  readonly bytesPerSecondMax: number | undefined;
  /** `$ROOT/config/export-credentials.json`. */
  readonly credentialsPath: string;
  /** Whether a time service vouches for the boat's clock. */
  readonly clockSynchronized: () => Promise<boolean>;
  readonly listener: WorkerListener;
}

/** Delivers what waits, one entry at a time, oldest first; sleeps when nothing waits (spec: delivery, Delivering). */
export interface Worker {
  /** Works until aborted, then rejects with the signal's reason; an entry under way stays `uploading` and is resumed at the next start. */
  run(signal: AbortSignal): Promise<void>;
  /** Something may be due. `now`: central is tried at once and the owner's limits do not count; waits after spent attempts stay. */
  wake(urgency?: 'now'): void;
  destination(): Destination;
  /** Why something that is due waits: the owner's allowance; `affordable` when nothing does. */
  thrift(): Thrift;
  /** If the entry is being sent, stops that; resolves when the entry is not `uploading` any more. */
  release(queueId: string): Promise<void>;
  /** Fails an entry that is not being sent: archives its file, gives its ranges back. */
  giveUp(entry: Entry, reason: string): Promise<Entry>;
}

export function createWorker(deps: WorkerDeps): Worker {
  const { world, ledger, listener } = deps;
  const { clock, log } = world;
  const laneSizes: Readonly<Record<Lane, SizeRange>> = {
    small: { overBytes: -1, upToBytes: deps.partSizeBytes },
    bulk: { overBytes: deps.partSizeBytes, upToBytes: Number.MAX_SAFE_INTEGER },
  };
  const wake = createWake();
  /** When waits that this run began end, by monotonic time; labels in the ledger count only after a restart. */
  const dueAt = new Map<number, MonotonicMs>();
  let destination = initialDestination(clock.wall());
  let offers: readonly ContentCoding[] = [];
  /** Central is not sent to before this: it was not reached, or said it is failing as a whole. */
  let holdUntil: MonotonicMs | undefined;
  let mustProbe = false;
  let probeFailures = 0;
  let misanswered = 0;
  let blockedWith: string | undefined;
  let toldRefusal: string | undefined;
  let served: Lane | undefined;
  /** Whose exports are sent, as the licence last said. */
  let installationId: string | undefined;
  /** Entries the owner wants sent whatever it costs. */
  const askedFor = new Set<number>();
  let isMetered: boolean | undefined;
  let thrift: Thrift = 'affordable';
  const givingUp = createGivingUp(world, ledger, deps.paths);
  let active:
    { readonly queueId: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  const inMs = (delayMs: number): MonotonicMs => (clock.monotonic() + delayMs) as MonotonicMs;
  const leftMs = (until: MonotonicMs): number => Math.max(0, until - clock.monotonic());

  const observe = (event: DestinationEvent): void => {
    const next = nextDestination(destination, event, clock.wall());
    const isNew = next.state !== destination.state;
    destination = next;
    if (!isNew) return;
    log.write(next.state === 'blocked' ? 'warn' : 'info', describeDestination(next));
    listener.destinationChanged(next);
  };
  const isDue = (entry: Entry): boolean =>
    !givingUp.isUnderWay(entry.entryNo) && waitOf(entry) === 0 && isAffordable(entry);
  const isAffordable = (entry: Entry): boolean => {
    const decided = decideThrift(deps.allowance, {
      sizeBytes: entry.fileSizeBytes,
      isMetered,
      monthBytes: ledger.queue.monthBytes(clock.wall()),
      isAskedFor: askedFor.has(entry.entryNo),
    });
    if (decided === 'affordable') return true;
    if (thrift !== decided) log.write('info', describeThrift(decided));
    thrift = decided;
    return false;
  };
  const waitOf = (entry: Entry): number => {
    const dueMs = dueAt.get(entry.entryNo);
    return dueIn({
      nowWallMs: clock.wall(),
      nextRetryAtWallMs: entry.nextRetryAtMs,
      attemptsSpent: entry.retryCount,
      ...(dueMs === undefined ? {} : { monotonic: { nowMs: clock.monotonic(), dueMs } }),
    });
  };
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
  const probeCentral = async (centralUrl: string, signal: AbortSignal): Promise<ProbeResult> => {
    const target = { centralUrl, clockSynchronized: await deps.clockSynchronized() };
    const result = await probe(world, target, signal);
    if (result.kind === 'central') offers = result.offers;
    return result;
  };

  /** Waits out an unreachable central: probes when it is time, and gives the wait that is left. */
  const reach = async (centralUrl: string, signal: AbortSignal): Promise<number> => {
    if (holdUntil !== undefined && leftMs(holdUntil) > 0) return leftMs(holdUntil);
    holdUntil = undefined;
    if (!mustProbe) return 0;
    const result = await probeCentral(centralUrl, signal);
    observe({ kind: 'probe', result });
    if (result.kind === 'central') {
      mustProbe = false;
      probeFailures = 0;
      return 0;
    }
    const delayMs = probeDelay(probeFailures, world.random.fraction());
    probeFailures += 1;
    holdUntil = inMs(delayMs);
    return delayMs;
  };

  const block = (errorCode: string, detail: string, blockedBy: string, status = 0): void => {
    observe({ kind: 'verdict', verdict: { kind: 'blocked', status, errorCode, detail } });
    blockedWith = blockedBy;
    holdUntil = inMs(BLOCKED_RETRY_MS);
    mustProbe = false;
  };
  /** A blocked central is tried again when the credentials change: enrolling needs no restart. */
  const noticeCredentials = (credentials: Credentials): void => {
    if (blockedWith === undefined || blockedWith === toFingerprint(credentials)) return;
    blockedWith = undefined;
    holdUntil = undefined;
    observe({ kind: 'configuration_changed' });
  };

  const giveUp = (entry: Entry, reason: string): Promise<Entry> => {
    dueAt.delete(entry.entryNo);
    return givingUp.giveUp(entry, reason);
  };

  const putBack = (entry: Entry, lastError: string, wireSizeBytes: number): void =>
    ledger.queue.putBack(entry.entryNo, {
      nextRetryAtMs: clock.wall(),
      lastError,
      wireSizeBytes,
      atMs: clock.wall(),
    });

  const settleUnavailable = async (
    entry: Entry,
    verdict: Extract<Verdict, { kind: 'unavailable' }>,
    probed: ProbeResult,
    wireSizeBytes: number,
  ): Promise<void> => {
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
    if (next.kind === 'failed') {
      await giveUp(entry, verdict.detail);
      return;
    }
    dueAt.set(entry.entryNo, inMs(next.delayMs));
    ledger.queue.putBack(entry.entryNo, {
      spent: attemptsSpent,
      nextRetryAtMs: (clock.wall() + next.delayMs) as WallMs,
      lastError: verdict.detail,
      wireSizeBytes,
      atMs: clock.wall(),
    });
    // A central whose health fails too is failing for every export: the others keep their attempts.
    if (probed.kind === 'unavailable') holdUntil = inMs(next.delayMs);
  };

  const settle = async (
    entry: Entry,
    stopped: Extract<EntryResult, { kind: 'stopped' }>,
    centralUrl: string,
    token: Credentials,
    signal: AbortSignal,
  ): Promise<void> => {
    const probed: ProbeResult | undefined =
      stopped.verdict.kind === 'unavailable' ? await probeCentral(centralUrl, signal) : undefined;
    const verdict = probed === undefined ? stopped.verdict : confirmUnavailable(stopped.verdict, probed);
    observe({ kind: 'verdict', verdict });
    switch (verdict.kind) {
      case 'unreachable': {
        log.write('info', `Export upload failed: ${entry.queueId} waits: ${verdict.detail}`);
        putBack(entry, verdict.detail, stopped.wireSizeBytes);
        // A place that answers probes as central and exports as something else is asked ever less often.
        misanswered = verdict.destination === 'captive_portal' ? misanswered + 1 : 0;
        mustProbe = true;
        probeFailures = 0;
        holdUntil = inMs(
          misanswered > 0
            ? misansweredDelay(misanswered, world.random.fraction())
            : probeDelay(0, world.random.fraction()),
        );
        return;
      }
      case 'unavailable':
        misanswered = 0;
        return settleUnavailable(
          entry,
          verdict,
          probed ?? { kind: 'nothing', code: '' },
          stopped.wireSizeBytes,
        );
      case 'blocked':
        putBack(entry, verdict.detail, stopped.wireSizeBytes);
        block(verdict.errorCode, verdict.detail, toFingerprint(token), verdict.status);
        return;
      case 'rejected':
        log.write(
          'warn',
          `Export rejected: ${entry.queueId}: ${verdict.detail}. Its records go with the next export`,
        );
        await giveUp(entry, verdict.detail);
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
    token: Credentials,
    signal: AbortSignal,
  ): Promise<void> => {
    if (token.kind !== 'token') throw new Error('delivering without a token');
    log.write('info', `Processing export: ${entry.queueId}`);
    const result = await deliverEntry(
      {
        world,
        ledger,
        partSizeBytes: deps.partSizeBytes,
        installationId: () => installationId,
        permit,
        askHeld: (exportId, until) =>
          askHeldIfBundled(deps, { centralUrl, token: token.token, exportId }, until),
        send: (part, sendSignal) =>
          sendPart(
            world,
            {
              centralUrl,
              token: token.token,
              coding: chooseCoding(offers),
              bytesPerSecondMax: deps.bytesPerSecondMax,
              ...part,
            },
            sendSignal,
          ),
        clockSynchronized: deps.clockSynchronized,
        mayGoOn: () => !ledger.queue.hasDue(isDue, laneSizes.small),
        onPart: (progress) => listener.uploading(progress),
        onAccepted: (offered) => {
          offers = offered;
          misanswered = 0;
          observe({ kind: 'accepted' });
        },
      },
      entry,
      signal,
    );
    if (result.kind === 'delivered') {
      dueAt.delete(entry.entryNo);
      log.write('info', `✓ Export uploaded successfully: ${entry.queueId}`);
      listener.delivered(entry.queueId);
    } else if (result.kind === 'paused') {
      ledger.queue.unclaim(entry.entryNo);
    } else if (result.kind === 'not_permitted') {
      putBack(entry, result.refusal.message, result.wireSizeBytes);
      tellRefusal(result.refusal);
    } else await settle(entry, result, centralUrl, token, signal);
    listener.queueChanged();
  };

  /** Sends one entry, abortable by its own controller: a cancelled entry is put back, a stopping daemon leaves it uploading. */
  const deliverActive = async (
    entry: Entry,
    centralUrl: string,
    token: Credentials,
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

  const claimNext = (): Entry | undefined => {
    // Exports of a ledger that was lost tell older news than this one's: they go first, or central could not tell.
    const foreign = ledger.queue.list('pending').find((entry) => entry.sequence === FOREIGN_SEQUENCE);
    if (foreign !== undefined)
      return ledger.queue.claim((entry) => entry.entryNo === foreign.entryNo && isDue(entry));
    for (const lane of laneOrder(served)) {
      const entry = ledger.queue.claim(isDue, laneSizes[lane]);
      if (entry === undefined) continue;
      served = lane;
      return entry;
    }
    return undefined;
  };

  /** Does the next thing there is to do, and gives how long nothing else is (0: go on). */
  const step = async (signal: AbortSignal): Promise<number> => {
    const soonest = ledger.queue.list('pending', 1)[0];
    if (soonest === undefined) return BACKSTOP_MS;
    const { centralUrl } = deps;
    if (centralUrl === undefined) {
      block('CONFIG_INVALID', 'CENTRAL_API_URL is not set', 'no central');
      return BACKSTOP_MS;
    }
    const refusal = await permit(signal);
    if (refusal !== undefined) {
      tellRefusal(refusal);
      return BACKSTOP_MS;
    }
    toldRefusal = undefined;
    const token = await loadCredentials(world.disk, deps.credentialsPath);
    noticeCredentials(token);
    if (token.kind === 'none') {
      block(token.code, token.detail, toFingerprint(token));
      return BACKSTOP_MS;
    }
    const heldMs = await reach(centralUrl, signal);
    if (heldMs > 0) return Math.min(heldMs, BACKSTOP_MS);
    isMetered = await world.network.isMetered?.(signal);
    const before = thrift;
    thrift = 'affordable';
    const entry = claimNext();
    if (entry === undefined) {
      if (before !== 'affordable' && thrift === 'affordable')
        log.write('info', 'Nothing waits for a cheaper connection any more');
      return Math.max(
        MIN_REST_MS,
        Math.min(BACKSTOP_MS, ...ledger.queue.list('pending').filter(isAffordable).map(waitOf)),
      );
    }
    await deliverActive(entry, centralUrl, token, signal);
    return 0;
  };

  /** Sleeps until something may be due; while central is not reached, a change of interfaces ends the sleep too. */
  const rest = async (delayMs: number, signal: AbortSignal): Promise<void> => {
    const resting = new AbortController();
    const isLinkWaited = mustProbe && ledger.queue.counts().pending > 0;
    const link = isLinkWaited
      ? world.network.changed(AbortSignal.any([signal, resting.signal])).then(
          () => hurry(),
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
  const hurry = (): void => {
    holdUntil = undefined;
    probeFailures = 0;
    wake.wake();
  };

  return {
    async run(signal) {
      for (;;) {
        signal.throwIfAborted();
        let delayMs: number;
        try {
          delayMs = await step(signal);
        } catch (error) {
          if (signal.aborted || !isExportError(error)) throw error;
          log.write('warn', `Delivery pauses: ${error.message}`, { code: error.code, hint: error.hint });
          delayMs = BACKSTOP_MS;
          // The entry under way may still say `uploading` because its state could not be written; nobody else claims.
          await rest(delayMs, signal);
          ledger.queue.resume();
          continue;
        }
        if (delayMs > 0) await rest(delayMs, signal);
      }
    },
    wake(urgency) {
      if (urgency === 'now') {
        // What central asked for, and the attempts an entry has left, are not the owner's to spend by asking again.
        for (const entry of ledger.queue.list('pending')) askedFor.add(entry.entryNo);
        blockedWith = undefined;
        mustProbe = destination.state !== 'online' && destination.state !== 'unknown';
        hurry();
      } else wake.wake();
    },
    destination: () => destination,
    thrift: () => thrift,
    async release(queueId) {
      if (active?.queueId !== queueId) return;
      active.stop.abort();
      await active.done;
    },
    giveUp,
  };
}
