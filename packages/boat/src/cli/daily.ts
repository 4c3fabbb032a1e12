import { isExportError } from '../platform/errors.ts';
import type { ApiAnswer } from './api.ts';
import type { WaitingContext } from './boot.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { type DailyOutcome, describeSkippedTier, isBelowSchedule, toDailyOutcome } from './policy.ts';
import { waitForApi } from './wait-for-api.ts';

/**
 * `d3kos-export daily`: waits for the answering API and asks for the scheduled incremental export, at most one a day
 * however often it is run: the export manager claims the slot. A tier below 2 is asked as well, so that its refusal
 * is in the export manager's journal, and is done, not failed. Throws what the export manager refuses otherwise.
 */
export async function runDaily({ clock, api, output, signal }: WaitingContext): Promise<ExitCode> {
  output.say('=== d3kOS Daily Scheduled Export ===');
  await waitForApi(clock, api, signal);
  const status = await api.call('status');
  const tier = status.value.tier ?? undefined;
  output.say(`Current tier: ${tier ?? 'unknown'}`);
  if (!isBelowSchedule(tier)) output.say('Triggering export...');
  let answer: ApiAnswer<'generate'>;
  try {
    answer = await api.call('generate', { body: { type: 'incremental', trigger: 'scheduled' } });
  } catch (error) {
    if (isExportError(error)) output.say(`✗ Export failed: ${error.message}`);
    throw error;
  }
  const outcome = toDailyOutcome(answer.value);
  for (const line of describeOutcome(outcome, tier)) output.say(line);
  output.say('=== Daily export complete ===');
  output.result(answer.raw, []);
  return EXIT.done;
}

function describeOutcome(outcome: DailyOutcome, tier: number | undefined): readonly string[] {
  switch (outcome.kind) {
    case 'queued':
      return [`✓ Export generated and queued: ${outcome.queueId}`];
    case 'nothing_new':
      return ['✓ Nothing new since the last export; nothing was queued'];
    case 'already_done':
      return [
        `✓ The daily export${outcome.slot === undefined ? '' : ` of ${outcome.slot}`} was already made`,
      ];
    case 'skipped':
      return [`⚠ ${isBelowSchedule(tier) ? describeSkippedTier(tier) : outcome.reason}`, 'Skipping export'];
    default:
      return outcome satisfies never;
  }
}
