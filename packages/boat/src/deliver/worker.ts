import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { License } from '../license/license.ts';
import { permitSending } from '../license/policy.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { createWake, type Wake } from '../platform/wake.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import { type CentralClient, createCentralClient } from './central-client.ts';
import { type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts';
import { loadCredentials, toFingerprint } from './credentials.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { deliverEntry } from './deliver-entry.ts';
import { createDivergence, type Divergence } from './divergence.ts';
import type { ReportDelivery } from './delivery-event.ts';
import { createDeliveryReporter, type DeliveryReporter } from './delivery-reporter.ts';
import { createEntrySelector, type EntrySelector } from './entry-selector.ts';
import { createPartFailures, type PartFailures } from './part-failures.ts';
import type { DataBudget, SendHold } from './policy/data-budget.ts';
import type { Destination } from './policy/destination-state.ts';
import { deadLetterEntry, type DeliveryResult, settleDelivery, waitUnspent } from './settle-delivery.ts';
import { createUploadMeter } from './upload-progress.ts';

/** Maximum interval between checks for due entries, in case the worker missed an event (docs/spec/delivery.md, "Delivering"). */
const BACKSTOP_MS = 30_000;

/** Minimum sleep when no entry is due. It prevents a busy loop if a delay ends within the same millisecond. */
const REST_MIN_MS = 5;

export interface WorkerDeps {
  readonly world: World;
  readonly ledger: Ledger;
  readonly license: License;
  readonly paths: SpoolPaths;
  readonly centralUrl: string | undefined;
  readonly partSizeBytes: number;
  readonly dataBudget: DataBudget;
  readonly bytesPerSecondMax: number | undefined;
  /** See `toCredentialsPaths`. */
  readonly credentialsPaths: readonly string[];
  /** The public half of the key that signs bundles, which is sent to central. Undefined if the boat has none. */
  readonly bundlePublicKey: string | undefined;
  /** Returns whether a time service has set the boat's clock. */
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean>;
  readonly report: ReportDelivery;
}

/**
 * Delivers the waiting entries one at a time, oldest first (docs/spec/delivery.md, "Delivering"). Sleeps while no entry
 * is due.
 */
export interface Worker {
  /**
   * Delivers until aborted, then rejects with the signal's reason. The next start resumes any entry that was being sent. Calls
   * `progressed` after each step: at least every 30 s while nothing is sent, and for each chunk that the link accepts. A worker
   * that hangs does not call it.
   */
  run(signal: AbortSignal, progressed?: () => void): Promise<void>;
  /** Makes the worker look for due entries immediately. */
  wake(): void;
  /**
   * Handles "Send now": ends all retry delays, tries central immediately and exempts the waiting entries from the data budget.
   * Throws like a ledger transaction.
   */
  sendNow(): void;
  destination(): Destination;
  /** Why due exports are on hold, or undefined if none is. */
  sendHold(): SendHold | undefined;
  /** Stops sending the entry if it is being sent. Once it resolves, the entry is not `uploading`. */
  release(queueId: string): Promise<void>;
  /** Dead-letters an entry that is not being sent. */
  deadLetter(entry: Entry, reason: string): Promise<Entry>;
}

/** One worker's components and state. */
interface WorkerContext extends Omit<WorkerDeps, 'report'> {
  readonly reporter: DeliveryReporter;
  readonly wakeUp: Wake;
  progressed: () => void;
  /** Undefined if CENTRAL_API_URL is not set. */
  readonly central: CentralClient | undefined;
  readonly breaker: CircuitBreaker;
  readonly selector: EntrySelector;
  readonly failures: PartFailures;
  readonly deadLetters: DeadLetters;
  readonly divergence: Divergence;
  /** True after a failure, until a change to the ledger has been committed. */
  isLedgerInDoubt: boolean;
  sendHold: SendHold | undefined;
  /** The entry that is being sent. */
  active:
    { readonly queueId: string; readonly stop: AbortController; readonly done: Promise<void> } | undefined;
}

export function createWorker(deps: WorkerDeps): Worker {
  const context = createContext(deps);
  const { breaker, selector, wakeUp } = context;
  return {
    run(signal, progressed = () => undefined) {
      context.progressed = progressed;
      return run(context, signal);
    },
    wake: () => wakeUp.wake(),
    sendNow() {
      try {
        selector.sendAllNow();
      } finally {
        // Also retry immediately if the ledger could not be written.
        breaker.reset();
        wakeUp.wake();
      }
    },
    destination: () => breaker.destination(),
    sendHold: () => context.sendHold,
    async release(queueId) {
      const { active } = context;
      if (active?.queueId !== queueId) return;
      active.stop.abort();
      await active.done;
    },
    deadLetter: (entry, reason) => deadLetterEntry(context, entry, reason),
  };
}

function createContext(deps: WorkerDeps): WorkerContext {
  const { world, ledger, centralUrl } = deps;
  const reporter = createDeliveryReporter(world.log, deps.report);
  const deadLetters = createDeadLetters(world, ledger, deps.paths);
  const context: WorkerContext = {
    ...deps,
    reporter,
    wakeUp: createWake(),
    progressed: () => undefined,
    central:
      centralUrl === undefined
        ? undefined
        : createCentralClient(world, { ...deps, centralUrl, progressed: () => context.progressed() }),
    breaker: createCircuitBreaker(world, reporter.report),
    selector: createEntrySelector(world, ledger, { ...deps, isMoving: deadLetters.isMoving }),
    failures: createPartFailures(),
    deadLetters,
    divergence: createDivergence(world, ledger),
    isLedgerInDoubt: false,
    sendHold: undefined,
    active: undefined,
  };
  return context;
}

async function run(context: WorkerContext, signal: AbortSignal): Promise<never> {
  for (;;) {
    signal.throwIfAborted();
    context.progressed();
    try {
      const restMs = await step(context, signal);
      if (restMs > 0) await rest(context, restMs, signal);
    } catch (error) {
      if (signal.aborted || !isExportError(error)) throw error;
      const { code, message, hint } = error;
      context.reporter.report({ kind: 'delivery_paused', code, message, hint });
      context.isLedgerInDoubt = true;
      // The entry may still be `uploading` if its new state could not be written. No other code claims entries.
      context.ledger.queue.resume();
      await rest(context, BACKSTOP_MS, signal);
    }
  }
}

/**
 * Delivers the next entry if one is due. Returns how many milliseconds the worker may sleep, or 0 if it should continue
 * immediately.
 */
async function step(context: WorkerContext, signal: AbortSignal): Promise<number> {
  const ready = await prepareToSend(context, signal);
  if (typeof ready === 'number') {
    context.sendHold = undefined;
    return ready;
  }
  const selection = context.selector.next(await context.world.network.isMetered?.(signal));
  context.sendHold = selection.hold;
  context.reporter.reportSelection(selection);
  const { entry } = selection;
  if (entry === undefined) return Math.max(REST_MIN_MS, Math.min(BACKSTOP_MS, context.selector.nextDueMs()));
  await deliverActive(context, { entry, ...ready }, signal);
  return 0;
}

/** Returns what is needed to send exports, or how many milliseconds the worker may sleep if no export can be sent now. */
async function prepareToSend(
  context: WorkerContext,
  signal: AbortSignal,
): Promise<Omit<Shipment, 'entry'> | number> {
  const { ledger, breaker, central, world } = context;
  if (ledger.queue.counts().pending === 0) return BACKSTOP_MS;
  // If the ledger is not writable, receipts cannot be stored, and parts would be sent again and again over a paid link.
  if (context.isLedgerInDoubt) ledger.proveWritable();
  context.isLedgerInDoubt = false;
  if (central === undefined) {
    const detail = 'CENTRAL_API_URL is not set';
    breaker.openBlocked({ status: 0, errorCode: 'CONFIG_INVALID', detail }, 'no central');
    return BACKSTOP_MS;
  }
  const credentials = await loadCredentials(world.disk, context.credentialsPaths);
  const configuration = toFingerprint(credentials);
  breaker.recordConfiguration(configuration);
  // This check precedes the tier check, which queries another program and whose result would not be used.
  const openMs = breaker.openForMs();
  if (openMs > 0) return Math.min(openMs, BACKSTOP_MS);
  const license = permitSending(await context.license.current(signal));
  context.reporter.reportPermission(license);
  if (license.kind === 'refused') return BACKSTOP_MS;
  if (credentials.kind === 'none') {
    const { code: errorCode, detail } = credentials;
    breaker.openBlocked({ status: 0, errorCode, detail }, configuration);
    return BACKSTOP_MS;
  }
  const maySend = async (): Promise<boolean> =>
    permitSending(await context.license.current(signal)).kind !== 'refused';
  const probeMs = await breaker.tryClose(central, maySend, signal);
  if (probeMs > 0) return Math.min(probeMs, BACKSTOP_MS);
  return { central, token: credentials.token, installationId: license.installationId, configuration };
}

/** An entry to send, with central's URL, the device token and the installation ID. */
interface Shipment {
  readonly entry: Entry;
  readonly central: CentralClient;
  readonly token: string;
  readonly installationId: string;
  readonly configuration: string;
}

/**
 * Delivers one entry, stopping if the owner cancels it. A cancelled entry returns to waiting. If the daemon stops, the entry
 * stays `uploading`.
 */
async function deliverActive(context: WorkerContext, shipment: Shipment, signal: AbortSignal): Promise<void> {
  const { entry } = shipment;
  const stop = new AbortController();
  const { promise: done, resolve: finish } = Promise.withResolvers<void>();
  context.active = { queueId: entry.queueId, stop, done };
  context.reporter.report({ kind: 'queue_changed' });
  try {
    await deliver(context, shipment, AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    if (signal.aborted || !stop.signal.aborted) throw error;
    waitUnspent(context, entry, { reason: 'cancelled', detail: 'Stopped by the owner', wireSizeBytes: 0 });
  } finally {
    context.active = undefined;
    finish();
  }
}

async function deliver(context: WorkerContext, shipment: Shipment, signal: AbortSignal): Promise<void> {
  const { entry, configuration } = shipment;
  context.reporter.report({ kind: 'delivery_started', queueId: entry.queueId });
  const result = await sendUntilDone(context, shipment, signal);
  await settleDelivery({ ...context, configuration }, entry, result);
  context.reporter.report({ kind: 'queue_changed' });
}

/** Sends the entry until it is delivered, delivery stops, or it must yield to a due entry in the small lane. */
async function sendUntilDone(
  context: WorkerContext,
  { entry, central, token, installationId }: Shipment,
  signal: AbortSignal,
): Promise<DeliveryResult> {
  const { partSizeBytes, breaker, selector, divergence, reporter } = context;
  const steps = deliverEntry(
    { ...context, central },
    { entry, token, installationId, partSizeBytes },
    signal,
  );
  const meter = createUploadMeter(context.world.clock, entry.wireSizeBytes);
  for (;;) {
    const next = await steps.next();
    if (next.done === true) return next.value;
    const { value } = next;
    context.progressed();
    switch (value.kind) {
      case 'part_started': {
        const progress = meter.progress(value.partIndex, value.partCount);
        reporter.report({ queueId: entry.queueId, ...value, ...progress });
        break;
      }
      case 'parts_cut':
        reporter.report({ queueId: entry.queueId, ...value });
        break;
      case 'central_answered':
        breaker.recordSuccess();
        break;
      case 'part_acknowledged':
        divergence.recordAccepted(entry);
        reporter.reportMissing(entry.queueId, value.report);
        meter.recordAcknowledged(value.wireSizeBytes);
        if (selector.mustYield(entry)) return { kind: 'paused' };
        break;
      default:
        return value satisfies never;
    }
  }
}

/** Sleeps until an entry may be due. While central is unreachable, a network change also ends the sleep. */
async function rest(context: WorkerContext, restMs: number, signal: AbortSignal): Promise<void> {
  const { world, ledger, breaker, wakeUp } = context;
  const resting = new AbortController();
  const isLinkAwaited = breaker.isWaitingForLink() && ledger.queue.counts().pending > 0;
  const linkChange = isLinkAwaited
    ? world.network.changed(AbortSignal.any([signal, resting.signal])).then(
        () => {
          breaker.recordNetworkChange();
          wakeUp.wake();
        },
        () => undefined,
      )
    : undefined;
  try {
    await wakeUp.wait(world.clock, restMs, signal);
  } finally {
    resting.abort();
    await linkChange;
  }
}
