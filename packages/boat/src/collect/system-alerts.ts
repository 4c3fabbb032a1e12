import { join } from 'node:path';
import { type AllowedWords, asObject, asObjects, toAllowed, toPublicText, toWords } from './allowed.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { createDigestCounts, type DigestCounts } from './digest-counts.ts';
import { sha256 } from './digest.ts';
import { createOmissions } from './omissions.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { type SourceOutcome, mergeSourceOutcomes, withDetails } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import {
  parseLenientJson,
  readSourceJson,
  readTimestampReader,
  toFileDetail,
  toFileOutcome,
} from './source-file.ts';
import {
  type ColumnAliases,
  openSourceTable,
  type SourceDatabases,
  toJsonValue,
  toNaiveZone,
  toSourceDetail,
} from './source-table.ts';
import { createStateRecords, type StateRecord, type StateRecords, toStatePages } from './state-records.ts';
import { BEFORE_ALL_ROWS, createRowPages } from './table-rows.ts';

/** The fields of an alert that leave the boat, with the column names of all versions of the self-healing table (docs/spec/sources.md, "7 system_alerts"). */
const FIELDS = {
  alert_id: ['id', 'issue_id'],
  timestamp: ['timestamp', 'created_at'],
  category: ['category', 'type'],
  severity: ['severity', 'level'],
  description: ['description', 'message'],
  metrics: ['metrics', 'raw_data'],
  correlation_id: ['correlation_id'],
  status: ['status'],
  resolved_at: ['resolved_at'],
  remediation_action: ['remediation_action'],
} as const;
type AlertField = keyof typeof FIELDS;
const ALIASES: ColumnAliases<AlertField> = FIELDS;
/** `Object.keys` does not keep the type of the keys. */
const FIELD_NAMES = Object.keys(FIELDS) as AlertField[];

/** Words allowed in the keys of metrics and of the alert in a webhook line. */
const METRIC_WORDS: AllowedWords = toWords(
  'cpu gpu memory mem swap disk temperature temp voltage volts battery current load average avg usage used free total',
  'available percent pct count value values threshold limit min max mean rate uptime latency delay ms s seconds minutes',
  'hours mb gb kb bytes service name status state code restart restarts failed failures errors exit process processes',
  'engine rpm oil pressure coolant fuel level boost trim psi kpa c f v a knots depth speed wind unit units type severity',
  'category message description timestamp time ts since duration id alert alarm sensor zone active acknowledged cleared',
  'frequency throttled network signal strength packets lost gps satellites fix',
);

const ISSUES_PATH = 'data/self-healing/issues.db';
const ISSUES_TABLE = 'issues';
/** The database of this category. */
export const ISSUES_DATABASES: SourceDatabases = {
  names: [ISSUES_PATH],
  table: ISSUES_TABLE,
  aliases: ALIASES,
};
const ALERTS_PATH = 'data/alerts.json';
const WEBHOOK_PATH = 'data/alarm-webhook-log.jsonl';
/** Number of bytes of the webhook log that are read in one step. */
const WEBHOOK_READ_BYTES = 256 * 1024;
/** Maximum length of a line in the webhook log. The program that writes the log writes no longer lines. */
const WEBHOOK_LINE_LENGTH_MAX = 256 * 1024;

/**
 * Reads alerts from all three sources. Rows change after they are inserted (`status`, `resolved_at`), and a changed row is
 * exported again.
 */
export const systemAlertsCollector: Collector = { category: 'system_alerts', isNews: true, collect };

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  const outcomes = [
    yield* collectIssues(context, records, readTime),
    yield* collectAlertsFile(context, records, readTime),
    yield* collectWebhookLog(context, records, readTime),
  ];
  return { ...mergeSourceOutcomes(outcomes), cursors: [] };
}

async function* collectIssues(
  context: CollectContext,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const opened = await openSourceTable(context, ISSUES_PATH, ISSUES_TABLE, ALIASES);
  if (opened.kind === 'outcome') return opened.outcome;
  const { table } = opened;
  const omissions = createOmissions(ISSUES_PATH);
  const naive = toNaiveZone(table, 'timestamp');
  let position = BEFORE_ALL_ROWS;
  try {
    const readPage = createRowPages(table, FIELD_NAMES, omissions);
    for (;;) {
      context.signal.throwIfAborted();
      const rows = readPage(position);
      if (rows.length === 0) break;
      position = rows.at(-1)?.position ?? position;
      const found = rows.values().map(({ values }) => {
        const value = (field: AlertField): string | number | null => toJsonValue(values[field]);
        const metrics = value('metrics');
        return toAlert('issues', (raw) => readTime(raw, naive), {
          ...Object.fromEntries(FIELD_NAMES.map((field) => [field, value(field)])),
          metrics: typeof metrics === 'string' ? (parseLenientJson(metrics) ?? null) : metrics,
        });
      });
      yield* toStatePages(records, found);
    }
    return withDetails(
      { state: position === BEFORE_ALL_ROWS ? 'empty' : 'ok' },
      omissions.toDetail(),
      table.unread,
    );
  } catch (error) {
    return { state: 'error', detail: toSourceDetail(error, ISSUES_PATH, context) };
  } finally {
    table.db.close();
  }
}

async function* collectAlertsFile(
  context: CollectContext,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const file = await readSourceJson(context, ALERTS_PATH);
  if (file.kind !== 'value') return toFileOutcome(file);
  const alerts = asObjects(file.value);
  if (alerts === undefined) return { state: 'schema_unknown', detail: `${ALERTS_PATH} contains no list` };
  const found = alerts.map((alert) =>
    toAlert(
      'alerts',
      readTime,
      Object.fromEntries(
        FIELD_NAMES.map((field) => [field, FIELDS[field].map((name) => alert[name]).find(isGiven)]),
      ),
    ),
  );
  yield* toStatePages(records, found);
  return { state: found.length === 0 ? 'empty' : 'ok' };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Returns an alert with our field names and its allowed values. An alert without an id is named after its subject. */
function toAlert(
  source: string,
  readTime: TimestampReader,
  fields: Readonly<Record<string, unknown>>,
): StateRecord {
  const { timestamp } = fields;
  const { utc, zone } = readTime(timestamp);
  const id =
    typeof fields['alert_id'] === 'string' || typeof fields['alert_id'] === 'number'
      ? fields['alert_id']
      : null;
  const kept: Record<string, unknown> = {
    source,
    alert_id: id,
    timestamp: typeof timestamp === 'string' || typeof timestamp === 'number' ? timestamp : null,
    timestamp_utc: utc,
    timestamp_zone: zone,
  };
  for (const name of FIELD_NAMES.slice(2)) kept[name] = toAllowed(fields[name] ?? null, METRIC_WORDS) ?? null;
  // The status of an alert changes. Its subject does not.
  const about = JSON.stringify([kept['category'], kept['severity'], kept['description'], kept['metrics']]);
  const name = `${source}:${id ?? toContentId(sha256(about), 0)}`;
  return { record_id: toRecordId(name, String(kept['timestamp'] ?? ''), sha256), ...kept };
}

async function* collectWebhookLog(
  context: CollectContext,
  records: StateRecords,
  readTime: TimestampReader,
): AsyncGenerator<Page, SourceOutcome, void> {
  const path = join(context.paths.root, WEBHOOK_PATH);
  const seen = createDigestCounts();
  let offset = 0;
  let rest = new Uint8Array();
  let found = 0;
  try {
    for (;;) {
      const bytes = await context.disk.readRange(path, offset, WEBHOOK_READ_BYTES, 'follow');
      if (bytes === undefined) return { state: 'source_missing' };
      if (bytes.length === 0) break;
      offset += bytes.length;
      // Splits at a line end before decoding, so that no character is split. A last line without a line end is incomplete.
      const gathered = Buffer.concat([rest, bytes]);
      const end = gathered.lastIndexOf(0x0a) + 1;
      rest = gathered.subarray(end);
      if (rest.length > WEBHOOK_LINE_LENGTH_MAX) rest = new Uint8Array();
      const lines = gathered.subarray(0, end).toString('utf8').split('\n');
      const alerts = lines.flatMap((line) => toWebhookAlert(line, readTime, seen) ?? []);
      found += alerts.length;
      yield* toStatePages(records, alerts);
    }
    return { state: found === 0 ? 'empty' : 'ok' };
  } catch (error) {
    return { state: 'error', detail: toFileDetail(error, WEBHOOK_PATH) };
  }
}

/**
 * Parses a line of `{ts, status | error, alert}`. Returns undefined for an incomplete or unknown line. Identical lines get
 * different record IDs.
 */
function toWebhookAlert(
  line: string,
  readTime: TimestampReader,
  seen: DigestCounts,
): StateRecord | undefined {
  const entry = line.trim() === '' ? undefined : asObject(parseLenientJson(line));
  if (entry === undefined) return undefined;
  const digest = sha256(line);
  const duplicateNo = seen.add(digest);
  const { ts } = entry;
  const { utc, zone } = readTime(ts);
  const timestamp = typeof ts === 'string' || typeof ts === 'number' ? ts : null;
  const { status, error, alert } = entry;
  return {
    record_id: toRecordId(`webhook:${toContentId(digest, duplicateNo)}`, String(timestamp ?? ''), sha256),
    source: 'webhook',
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    status: typeof status === 'number' || typeof status === 'string' ? toAllowed(status, METRIC_WORDS) : null,
    error: typeof error === 'string' ? toPublicText(error) : null,
    alert: toAllowed(alert ?? null, METRIC_WORDS) ?? null,
  };
}
