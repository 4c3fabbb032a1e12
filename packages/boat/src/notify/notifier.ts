import type { Ledger } from '../ledger/ledger.ts';
import type { NotificationSubject } from '../ledger/notification.ts';
import type { License } from '../license/license.ts';
import { permitSending } from '../license/policy.ts';
import { isExportError } from '../platform/errors.ts';
import type { MonotonicMs, World } from '../platform/ports.ts';
import { createWake } from '../platform/wake.ts';
import {
  decideAfterWebhook,
  decideStep,
  findCondition,
  type QueueFacts,
  type Step,
  toLongWait,
} from './policy.ts';
import { areNotificationsOn } from './notification-switch.ts';
import { createSignalK } from './signalk.ts';
import { createSignalKAccess, type NotDone } from './signalk-access.ts';
import { createSignalKChannel, type SignalKChannel } from './signalk-channel.ts';
import { callWebhook } from './webhook.ts';

/** Interval at which the waiting exports' age is checked while nothing else happens. */
const IDLE_MS = 60 * 60_000;

/** Interval between checks that the Signal K server still shows its notifications. The server loses them when it restarts. */
const VERIFY_EVERY_MS = 5 * 60_000;

/**
 * First delay before the Signal K server is contacted again, doubled each time up to the maximum. It is short because the owner
 * may be about to approve the access.
 */
const SIGNALK_RETRY_MIN_MS = 60_000;
const SIGNALK_RETRY_MAX_MS = 15 * 60_000;

/** Minimum time between two queue checks, so that quick delivery of a backlog costs only one check per second. */
const LOOK_EVERY_MS = 1_000;

const SUBJECTS: readonly NotificationSubject[] = ['failed', 'waiting'];

export interface NotifierDeps {
  readonly world: Pick<World, 'clock' | 'random' | 'disk' | 'transport' | 'log'>;
  readonly ledger: Pick<Ledger, 'notifications' | 'facts'>;
  readonly license: License;
  /** The owner's settings. 0 days switches all notifications off. */
  readonly afterDays: number;
  readonly signalkUrl: string | undefined;
  readonly webhookUrl: string | undefined;
  /** The file that stores the state of access to the Signal K server. */
  readonly accessPath: string;
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean | undefined>;
}

/** Notifies the owner about exports that have failed or waited for too long, until the problem is resolved. */
export interface Notifier {
  /**
   * Compares the queue with what each channel shows, and sends the changes to the channels. Rejects with the signal's reason when
   * aborted. Opens no connection at tier 0 or while there is nothing to show or clear.
   */
  run(signal: AbortSignal): Promise<never>;
  /** Must be called after every queue change. Triggers a check. */
  wake(): void;
  /**
   * Runs one iteration of `run`. Returns the time until the next one is due. If the card or the ledger fails, the failure is
   * logged and the iteration ends.
   */
  look(signal: AbortSignal): Promise<number>;
  /** Returns each channel's state after its last step. */
  states(): ChannelStates;
}

/** For each channel, `ready` or the reason why it currently cannot show a notification. */
export interface ChannelStates {
  readonly signalk: 'ready' | NotDone['state'];
  /** `failing`: a call has failed and will be retried. */
  readonly webhook: 'ready' | 'failing';
}

/** Retries of a webhook call for one subject. The ledger records what the webhook accepted, so a restart loses only the delay. */
interface Retry {
  readonly tries: number;
  readonly failures: number;
  readonly dueMs: MonotonicMs;
}

interface SignalKWaits {
  /** Number of consecutive attempts in which the server did not carry out the step. */
  tries: number;
  retryDueMs: MonotonicMs;
  verifyDueMs: MonotonicMs;
}

interface Context extends NotifierDeps {
  readonly signalk: SignalKChannel | undefined;
  readonly retries: Map<NotificationSubject, Retry>;
  readonly signalkWaits: SignalKWaits;
  signalkState: ChannelStates['signalk'];
  /** The problem that was logged last. A problem is logged only once until it changes. */
  reported: string | undefined;
}

/** Returns undefined if all notifications are switched off in the settings. */
export function createNotifier(deps: NotifierDeps): Notifier | undefined {
  const { world, afterDays, signalkUrl, webhookUrl, accessPath } = deps;
  if (afterDays === 0 || (signalkUrl === undefined && webhookUrl === undefined)) return undefined;
  const wake = createWake();
  const context: Context = {
    ...deps,
    signalk: signalkUrl === undefined ? undefined : connectSignalK(world, signalkUrl, accessPath),
    retries: new Map(),
    signalkWaits: {
      tries: 0,
      retryDueMs: world.clock.monotonic(),
      verifyDueMs: world.clock.monotonic(),
    },
    signalkState: 'ready',
    reported: undefined,
  };
  return {
    states: () => ({
      signalk: context.signalkState,
      webhook: context.retries.size === 0 ? 'ready' : 'failing',
    }),
    wake: wake.wake,
    look: (signal) => look(context, signal),
    async run(signal) {
      for (;;) {
        const restMs = await look(context, signal);
        await wake.wait(world.clock, restMs, signal);
        await world.clock.sleep(LOOK_EVERY_MS, signal);
      }
    },
  };
}

function connectSignalK(world: NotifierDeps['world'], url: string, accessPath: string): SignalKChannel {
  const server = createSignalK(world, url);
  return createSignalKChannel(server, createSignalKAccess(world, server, accessPath));
}

/** See `Notifier.look`. */
async function look(context: Context, signal: AbortSignal): Promise<number> {
  try {
    const facts = await readFacts(context, signal);
    if (!areNotificationsOn(context.ledger.facts)) forgetWebhook(context);
    const isShown = SUBJECTS.some(
      (subject) => context.ledger.notifications.find('signalk', subject) !== undefined,
    );
    const isCallDue = listSteps(context, 'webhook', facts).length > 0;
    if (!isCallDue) context.retries.clear();
    const isDue = isCallDue || listSteps(context, 'signalk', facts).length > 0;
    if (!isDue && !isShown) return IDLE_MS;
    // At tier 0 the boat opens no connection (decision 0014).
    if (permitSending(await context.license.current(signal)).kind === 'refused') return IDLE_MS;
    const waits = [await tellSignalK(context, facts, signal), await tellWebhook(context, facts, signal)];
    return Math.min(IDLE_MS, ...waits);
  } catch (error) {
    if (signal.aborted || !isExportError(error)) throw error;
    report(context, 'warn', `Notifications are paused: ${error.message}`, error.hint);
    return IDLE_MS;
  }
}

async function readFacts(
  { world, ledger, afterDays, clockSynchronized }: Context,
  signal: AbortSignal,
): Promise<QueueFacts> {
  // If notifications are switched off, report an empty queue, so that the channels are cleared.
  if (!areNotificationsOn(ledger.facts)) return { failedCount: 0, waitingCount: 0, afterDays };
  const range = toLongWait(world.clock.wall(), afterDays);
  const waitingCount = ledger.notifications.waitingCount(range);
  // While the clock is known to be wrong, the age of exports is unknown. If the queue is empty, nothing is waiting, so ages do
  // not matter.
  const isKnown = waitingCount === 0 || (await clockSynchronized(signal)) !== false;
  return {
    failedCount: ledger.notifications.failedCount(),
    waitingCount: isKnown ? waitingCount : undefined,
    afterDays,
  };
}

/**
 * Forgets what the webhook accepted after the owner has switched notifications off. Calling the webhook now would wrongly report
 * that the exports were delivered. When notifications are switched on again, the webhook is called for the conditions at that
 * time.
 */
function forgetWebhook({ ledger, retries }: Context): void {
  for (const subject of SUBJECTS) ledger.notifications.remove('webhook', subject);
  retries.clear();
}

interface SubjectStep {
  readonly subject: NotificationSubject;
  readonly step: Exclude<Step, { kind: 'none' }>;
}

function listSteps(
  context: Context,
  channel: 'signalk' | 'webhook',
  facts: QueueFacts,
): readonly SubjectStep[] {
  const isOff = channel === 'signalk' ? context.signalkUrl === undefined : context.webhookUrl === undefined;
  if (isOff) return [];
  return SUBJECTS.flatMap((subject) => {
    const raised = context.ledger.notifications.find(channel, subject);
    const step = decideStep(channel, subject, findCondition(subject, facts), raised);
    return step.kind === 'none' ? [] : [{ subject, step }];
  });
}

/** Brings the Signal K server up to date. Returns the time until the next step is due. */
async function tellSignalK(context: Context, facts: QueueFacts, signal: AbortSignal): Promise<number> {
  const { world, ledger, signalk, signalkWaits: waits } = context;
  if (signalk === undefined) return IDLE_MS;
  const leftMs = waits.retryDueMs - world.clock.monotonic();
  if (leftMs > 0) return leftMs;
  const failure =
    (await verifyShown(context, signalk, signal)) ?? (await carryOutSteps(context, signalk, facts, signal));
  context.signalkState = failure?.state ?? 'ready';
  if (failure !== undefined) {
    reportSignalK(context, failure);
    const delayMs = Math.min(SIGNALK_RETRY_MIN_MS * 2 ** Math.min(waits.tries, 10), SIGNALK_RETRY_MAX_MS);
    waits.tries += 1;
    waits.retryDueMs = (world.clock.monotonic() + delayMs) as MonotonicMs;
    return delayMs;
  }
  waits.tries = 0;
  context.reported = undefined;
  const isShown = SUBJECTS.some((subject) => ledger.notifications.find('signalk', subject) !== undefined);
  return isShown ? Math.max(0, waits.verifyDueMs - world.clock.monotonic()) : IDLE_MS;
}

/** Deletes the ledger rows of notifications that the server no longer has, so that they are raised again. */
async function verifyShown(
  { world, ledger, signalkWaits: waits }: Context,
  signalk: SignalKChannel,
  signal: AbortSignal,
): Promise<NotDone | undefined> {
  if (waits.verifyDueMs > world.clock.monotonic()) return undefined;
  for (const subject of SUBJECTS) {
    const raised = ledger.notifications.find('signalk', subject);
    if (raised === undefined) continue;
    const verified = await signalk.verify(raised.remoteId, signal);
    if (verified.kind === 'not_done') return verified;
    if (verified.kind === 'gone') ledger.notifications.remove('signalk', subject);
  }
  waits.verifyDueMs = (world.clock.monotonic() + VERIFY_EVERY_MS) as MonotonicMs;
  return undefined;
}

async function carryOutSteps(
  context: Context,
  signalk: SignalKChannel,
  facts: QueueFacts,
  signal: AbortSignal,
): Promise<NotDone | undefined> {
  for (const { subject, step } of listSteps(context, 'signalk', facts)) {
    const result = await signalk.apply(subject, step, signal);
    if (result.kind === 'not_done') return result;
    record(context, 'signalk', { subject, step }, result.id);
    reportDone(context, 'signalk', { subject, step });
  }
  return undefined;
}

/** Records that a step needs no further call. `remoteId` is undefined for a cleared notification. */
function record(
  { ledger, world }: Context,
  channel: 'signalk' | 'webhook',
  { subject, step }: SubjectStep,
  remoteId: string | undefined,
): void {
  if (step.kind === 'clear' || remoteId === undefined) {
    ledger.notifications.remove(channel, subject);
    return;
  }
  const { exportCount } = step.condition;
  ledger.notifications.save(channel, subject, { exportCount, remoteId, atMs: world.clock.wall() });
}

/** Logs that a channel has carried out a step. */
function reportDone(
  { world }: Context,
  channel: 'signalk' | 'webhook',
  { subject, step }: SubjectStep,
): void {
  const message =
    step.kind === 'clear'
      ? `Cleared the notification about exports that ${describeSubject(subject)}`
      : `Notified the owner: ${step.condition.message}`;
  world.log.write('info', message, { channel });
}

function describeSubject(subject: NotificationSubject): string {
  return subject === 'failed' ? 'could not be delivered' : 'wait';
}

/** Calls the webhook about changes, if a call is due. Returns the time until the next step is due. */
async function tellWebhook(context: Context, facts: QueueFacts, signal: AbortSignal): Promise<number> {
  const { world, webhookUrl, retries } = context;
  if (webhookUrl === undefined) return IDLE_MS;
  const steps = listSteps(context, 'webhook', facts);
  for (const subject of SUBJECTS) if (!steps.some((one) => one.subject === subject)) retries.delete(subject);
  let restMs = IDLE_MS;
  for (const one of steps) {
    const { subject, step } = one;
    const retry = retries.get(subject);
    const leftMs = retry === undefined ? 0 : retry.dueMs - world.clock.monotonic();
    if (leftMs > 0) {
      restMs = Math.min(restMs, leftMs);
      continue;
    }
    const license = permitSending(await context.license.current(signal));
    if (license.kind === 'refused') return IDLE_MS;
    const body = {
      service: 'd3kos-export-manager',
      installation_id: license.installationId,
      event: step.kind === 'clear' ? 'cleared' : 'raised',
      subject,
      export_count: step.kind === 'clear' ? 0 : step.condition.exportCount,
      message:
        step.kind === 'clear'
          ? `No ${subject === 'failed' ? 'failed exports remain' : 'exports have waited too long'}.`
          : step.condition.message,
    } as const;
    const outcome = await callWebhook(world, webhookUrl, body, signal);
    const tries = (retry?.tries ?? 0) + 1;
    const next = decideAfterWebhook(outcome, {
      tries,
      failures: retry?.failures ?? 0,
      fraction: world.random.fraction(),
    });
    if (next.kind === 'retry') {
      const { delayMs, failures } = next;
      retries.set(subject, { tries, failures, dueMs: (world.clock.monotonic() + delayMs) as MonotonicMs });
      restMs = Math.min(restMs, delayMs);
      continue;
    }
    retries.delete(subject);
    record(context, 'webhook', one, step.kind === 'clear' ? undefined : '');
    if (next.kind === 'give_up')
      world.log.write(
        'warn',
        `The webhook did not accept a notification, and the call will not be retried: ${next.detail}`,
        { hint: 'Check "webhook_url" in config/export.json.' },
      );
    else reportDone(context, 'webhook', one);
  }
  return restMs;
}

/** Logs why the Signal K server does not show a notification. A reason is logged only once until it changes. */
function reportSignalK(context: Context, { state, detail }: NotDone): void {
  const url = context.signalkUrl ?? '';
  switch (state) {
    case 'awaiting_approval':
      report(
        context,
        'info',
        'Signal K is waiting for the owner to allow notifications from the export manager',
        'Approve "d3kOS export" on the Signal K admin page, under Security, Access Requests.',
      );
      return;
    case 'denied':
      report(
        context,
        'info',
        'The owner denied access to Signal K, so it shows no notifications about exports',
        `To be asked again, remove ${context.accessPath} and restart. To stop using Signal K, set "signalk_url" to "off".`,
      );
      return;
    case 'unreachable':
      report(
        context,
        'info',
        `Signal K does not answer at ${url}: ${detail}`,
        'If the boat has no Signal K server, set "signalk_url" to "off".',
      );
      return;
    case 'unauthorized':
    case 'unsupported':
    case 'failed':
      report(
        context,
        'warn',
        `Signal K cannot show a notification: ${detail}`,
        'Update the Signal K server, or set "signalk_url" to "off".',
      );
      return;
    default:
      state satisfies never;
  }
}

function report(context: Context, level: 'info' | 'warn', message: string, hint: string): void {
  if (context.reported === message) return;
  context.reported = message;
  context.world.log.write(level, message, { hint });
}
