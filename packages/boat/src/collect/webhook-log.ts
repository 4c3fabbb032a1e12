import { join } from 'node:path';
import { parseForeignJson } from '../platform/lenient-json.ts';
import { readTextLines, type TextLine } from '../platform/text-lines.ts';
import { METRIC_WORDS } from './alert-words.ts';
import { asObject, toAllowed, toScalar, toScalarText } from './allowed.ts';
import type { CollectContext, Page } from './collector.ts';
import { createDigestCounts, type DigestCounts } from './digest-counts.ts';
import { sha256 } from './digest.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { toPublicText } from './redact.ts';
import { toFileDetail } from './source-file.ts';
import {
  createLeftOutKeys,
  createOddParts,
  joinDetails,
  type OddParts,
  type OnLeftOut,
} from './source-notes.ts';
import { type StateRecord, type StateRecords, toStatePages } from './state-records.ts';

const WEBHOOK_PATH = 'data/alarm-webhook-log.jsonl';

interface LineReading {
  readonly readTime: TimestampReader;
  readonly seen: DigestCounts;
  readonly odd: OddParts;
  readonly onLeftOut: OnLeftOut;
}

/**
 * Reads the alarm log, one JSON object `{ts, status | error, alert}` on each line. A line that cannot be interpreted does not
 * affect the others. `detail` gives the number of lines that cannot be interpreted and the place of the first one. If the last
 * line has no newline, it is read once it is a complete object.
 */
export async function* collectWebhookLog(
  context: CollectContext,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const odd = createOddParts(WEBHOOK_PATH, 'line');
  const leftOut = createLeftOutKeys();
  const reading = { readTime, seen: createDigestCounts(), odd, onLeftOut: leftOut.of(WEBHOOK_PATH) };
  const lines = readTextLines(context.disk, join(context.paths.root, WEBHOOK_PATH));
  let found = 0;
  try {
    let step = await lines.next();
    while (step.done !== true) {
      const alerts = step.value.flatMap((line) => toWebhookAlert(line, reading) ?? []);
      found += alerts.length;
      yield* toStatePages(records, alerts);
      step = await lines.next();
    }
    if (!step.value) return { state: 'source_missing' };
    const state = found > 0 ? 'ok' : odd.detail() === undefined ? 'empty' : 'schema_unknown';
    return { state, ...joinDetails([odd.detail(), leftOut.detail()]) };
  } catch (error) {
    return { state: 'error', ...joinDetails([toFileDetail(error, WEBHOOK_PATH), odd.detail()]) };
  }
}

/** Returns undefined for a line that cannot be interpreted. Identical lines get different record IDs. */
function toWebhookAlert(
  line: TextLine,
  { readTime, seen, odd, onLeftOut }: LineReading,
): StateRecord | undefined {
  const entry = toEntry(line, odd);
  if (entry === undefined) return undefined;
  const digest = sha256(line.text);
  const duplicateNo = seen.add(digest);
  const { ts, status, error, alert, ...others } = entry;
  for (const key of Object.keys(others)) onLeftOut(key);
  const timestamp = toScalar(ts);
  const { utc, zone } = readTime(timestamp);
  return {
    record_id: toRecordId(
      `webhook:${toContentId(digest, duplicateNo)}`,
      timestamp === null ? '' : toScalarText(timestamp),
      sha256,
    ),
    source: 'webhook',
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    status: toAllowed(toScalar(status), METRIC_WORDS),
    error: typeof error === 'string' ? toPublicText(error) : null,
    alert: toAllowed(alert ?? null, METRIC_WORDS, onLeftOut) ?? null,
  };
}

function toEntry({ kind, no, text }: TextLine, odd: OddParts): Readonly<Record<string, unknown>> | undefined {
  if (kind === 'too_long') {
    odd.add(no, 'is too long');
    return undefined;
  }
  const parsed = parseForeignJson(text);
  const entry = parsed.kind === 'value' ? asObject(parsed.value) : undefined;
  // The last line is incomplete if the program is still writing it or a power cut interrupted it.
  if (entry === undefined && kind === 'whole')
    odd.add(no, parsed.kind === 'odd' ? parsed.reason : 'is not an object');
  return entry;
}
