import { isExportError } from '../platform/errors.ts';
import type { ApiAnswer } from './api.ts';
import type { WaitingContext } from './boot.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type DailyOutcome, describeSkippedTier, isBelowSchedule, toDailyOutcome } from './policy.ts';
import { waitForApi } from './wait-for-api.ts';

/**
 * Runs `d3kos-export daily`: waits until the API answers and requests the scheduled incremental export. The export manager claims
 * the day's slot, so repeated runs create only one export a day. Below tier 2, the command still sends the request, so that the
 * export manager logs the refusal, and then succeeds. Throws any other error from the export manager. If a category could not be
 * read, the exit code is nonzero and the slot stays due, so that the systemd unit tries again.
 */
export async function runDaily({ clock, api, output, signal }: WaitingContext): Promise<ExitCode> {
  output.progress('=== d3kOS Daily Scheduled Export ===');
  await waitForApi(clock, api, signal);
  const status = await api.call('status');
  const tier = status.value.tier ?? undefined;
  output.progress(`Current tier: ${tier ?? 'unknown'}`);
  if (!isBelowSchedule(tier)) output.progress('Triggering export...');
  let answer: ApiAnswer<'generate'>;
  try {
    answer = await api.call('generate', { body: { type: 'incremental', trigger: 'scheduled' } });
  } catch (error) {
    if (isExportError(error)) output.progress(`✗ Export failed: ${error.message}`);
    throw error;
  }
  const outcome = toDailyOutcome(answer.value);
  for (const line of describeOutcome(outcome, tier)) output.progress(line);
  output.progress('=== Daily export complete ===');
  output.result(answer.raw, []);
  return outcome.kind === 'incomplete' ? EXIT.failed : EXIT.done;
}

function describeOutcome(outcome: DailyOutcome, tier: number | undefined): readonly string[] {
  switch (outcome.kind) {
    case 'queued':
      return [`✓ Export generated and queued: ${outcome.queueId}`];
    case 'incomplete':
      return [
        `✓ Export generated and queued: ${outcome.queueId}`,
        ...outcome.missing,
        '✗ The daily export is incomplete and stays due',
      ];
    case 'nothing_new':
      return ['✓ Nothing new since the last export; nothing was queued'];
    case 'already_done':
      return [`✓ The daily export${outcome.slot === undefined ? '' : ` of ${outcome.slot}`} already exists`];
    case 'skipped':
      return [`⚠ ${isBelowSchedule(tier) ? describeSkippedTier(tier) : outcome.reason}`, 'Skipping export'];
    default:
      return outcome satisfies never;
  }
}
