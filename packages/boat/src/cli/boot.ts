import { isExportError } from '../platform/errors.ts';
import type { Clock, MonotonicMs } from '../platform/ports.ts';
import type { Answer } from '../api/contract.ts';
import type { Api, ApiAnswer } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';
import { toExportCount } from './tables.ts';
import {
  type BootDecision,
  type BootPhase,
  type BootSnapshot,
  DRAIN_LINE_INTERVAL_MS,
  DRAIN_REPORT_MAX_MS,
  decideBoot,
  NETWORK_WAIT_MAX_MS,
  POLL_INTERVAL_MS,
} from './policy.ts';
import { waitForApi } from './wait-for-api.ts';

/** Dependencies of commands that wait. */
export interface WaitingContext {
  readonly clock: Clock;
  readonly api: Api;
  readonly output: Output;
  readonly signal: AbortSignal;
}

type BootOutcome = 'nothing_waits' | Exclude<BootDecision['kind'], 'wait' | 'reached'>;

/**
 * Runs `d3kos-export boot`: waits until the API answers, starts delivery, waits for the network, and reports progress
 * (docs/spec/delivery.md, "Restart, boot, schedule"). The export manager delivers with or without this command. A missing network
 * counts as success. `d3kos-export-boot.service` runs it whenever the boat starts, and `decideBoot` decides when it ends. Throws
 * DAEMON_UNREACHABLE if the export manager does not start.
 */
export async function runBoot(context: WaitingContext): Promise<ExitCode> {
  const { clock, api, output, signal } = context;
  output.progress('=== d3kOS Export Boot-time Upload ===');
  await waitForApi(clock, api, signal);
  const first = await loadStatus(context);
  const waitingCount = countWaiting(first.value);
  output.progress(`Queue status: ${waitingCount} pending exports`);
  if (waitingCount === 0) {
    output.progress('No pending exports');
    return finish(context, 'nothing_waits', first, first);
  }
  output.progress('Processing pending exports...');
  await api.call('process');
  output.progress('Waiting for network...');
  const network = await watch(context, 'network');
  if (network.outcome !== 'reached') return finish(context, network.outcome, first, network.status);
  output.progress('✓ Network available');
  const drain = await watch(context, 'drain');
  if (drain.outcome === 'reached') throw new Error('the network was reached while draining');
  return finish(context, drain.outcome, first, drain.status);
}

/**
 * Polls the status every second until the policy ends the phase. Reports the number of waiting exports whenever it changes, and
 * every 30 s.
 */
async function watch(
  context: WaitingContext,
  phase: BootPhase,
): Promise<{
  readonly outcome: Exclude<BootDecision['kind'], 'wait'>;
  readonly status: ApiAnswer<'status'>;
}> {
  const { clock, output, signal } = context;
  const beganMs = clock.monotonic();
  let reported: { readonly waitingCount: number; readonly atMs: MonotonicMs } | undefined;
  for (;;) {
    const status = await loadStatus(context);
    const nowMs = clock.monotonic();
    const decision = decideBoot(phase, toSnapshot(status.value), nowMs - beganMs);
    const waitingCount = countWaiting(status.value);
    const isDue =
      reported === undefined ||
      reported.waitingCount !== waitingCount ||
      nowMs - reported.atMs >= DRAIN_LINE_INTERVAL_MS;
    if (phase === 'drain' && isDue) {
      output.progress(`Queue status: ${waitingCount} pending`);
      reported = { waitingCount, atMs: nowMs };
    }
    if (decision.kind !== 'wait') return { outcome: decision.kind, status };
    await clock.sleep(POLL_INTERVAL_MS, signal);
  }
}

/** Loads the status. If the export manager is restarting, waits for it first. */
async function loadStatus({ clock, api, signal }: WaitingContext): Promise<ApiAnswer<'status'>> {
  try {
    return await api.call('status');
  } catch (error) {
    if (!isExportError(error, 'DAEMON_UNREACHABLE')) throw error;
    await waitForApi(clock, api, signal);
    return api.call('status');
  }
}

function finish(
  { output }: WaitingContext,
  outcome: BootOutcome,
  first: ApiAnswer<'status'>,
  last: ApiAnswer<'status'>,
): ExitCode {
  const failedCount = Math.max(0, last.value.queue.failed_count - first.value.queue.failed_count);
  for (const line of describeEnd(outcome, last.value, failedCount)) output.progress(line);
  output.progress('=== Boot-time upload complete ===');
  const exitCode = toBootExitCode(outcome, failedCount);
  output.result(
    { success: exitCode === EXIT.done, outcome, newly_failed_count: failedCount, status: last.raw },
    [],
  );
  return exitCode;
}

/** Returns the final lines. Whatever the outcome, they report newly failed exports. */
function describeEnd(outcome: BootOutcome, status: Answer<'status'>, failedCount: number): readonly string[] {
  const { explanation } = status.destination;
  const waits = `The export manager will keep trying to send ${toExportCount(countWaiting(status))}`;
  const failed =
    failedCount === 0
      ? []
      : [
          `⚠ ${toExportCount(failedCount)} failed. The next export will contain their records. See d3kos-export queue list`,
        ];
  switch (outcome) {
    case 'nothing_waits':
      return failed;
    case 'drained':
      return failedCount === 0 ? ['✓ All exports uploaded'] : failed;
    case 'no_network':
      return [
        ...failed,
        `⚠ No network after ${NETWORK_WAIT_MAX_MS / 1_000} seconds (${status.destination.state}). ${waits}. ${explanation}`.trimEnd(),
      ];
    case 'tier_too_low':
      return [...failed, '⚠ Tier 0 does not have export capability. Waiting exports are kept and not sent'];
    case 'not_permitted':
      return [
        ...failed,
        `⚠ Nothing is sent: ${status.error ?? 'the licence does not permit exports'}. ${status.hint ?? ''}`.trimEnd(),
      ];
    case 'blocked':
      return [...failed, `⚠ ${explanation}`];
    case 'still_waiting':
      return [
        ...failed,
        `⚠ Not all exports were sent within ${DRAIN_REPORT_MAX_MS / 60_000} minutes. ${waits}`,
      ];
    default:
      return outcome satisfies never;
  }
}

function toBootExitCode(outcome: BootOutcome, failedCount: number): ExitCode {
  switch (outcome) {
    case 'blocked':
    case 'not_permitted':
      return EXIT.refused;
    case 'nothing_waits':
    case 'drained':
    case 'no_network':
    case 'tier_too_low':
    case 'still_waiting':
      return failedCount === 0 ? EXIT.done : EXIT.failed;
    default:
      return outcome satisfies never;
  }
}

function countWaiting({ queue }: Answer<'status'>): number {
  return queue.pending_count + queue.uploading_count;
}

function toSnapshot(status: Answer<'status'>): BootSnapshot {
  return {
    waitingCount: countWaiting(status),
    tier: status.tier ?? undefined,
    canExport: status.can_export,
    destinationState: status.destination.state,
  };
}
