import { METRIC_WORDS } from './alert-words.ts';
import { asObjects, toAllowed, toScalar, toScalarText } from './allowed.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { readJsonColumn } from './json-column.ts';
import { toColumnZone } from './policy/column-zones.ts';
import { toContentId, toRecordId } from './policy/record-ids.ts';
import { type SourceOutcome, mergeSourceOutcomes, withDetails } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { readSourceJson, readTimestampReader, toFileOutcome } from './source-file.ts';
import { createLeftOutKeys, createOddParts, joinDetails, type OnLeftOut } from './source-notes.ts';
import {
  type ColumnAliases,
  openSourceTable,
  type SourceDatabases,
  toJsonValue,
  toSourceDetail,
} from './source-table.ts';
import { createStateRecords, type StateRecord, type StateRecords, toStatePages } from './state-records.ts';
import { eachPage, createRowPages } from './table-rows.ts';
import { collectWebhookLog } from './webhook-log.ts';

/**
 * The alert fields that leave the boat, with the column names used by any version of the self-healing table
 * (docs/spec/sources.md, "7 system_alerts").
 */
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
/** `Object.keys` does not preserve the type of the keys. */
const FIELD_NAMES = Object.keys(FIELDS) as AlertField[];

const ISSUES_PATH = 'data/self-healing/issues.db';
const ISSUES_TABLE = 'issues';
/** This category's database. */
export const ISSUES_DATABASES: SourceDatabases = {
  names: [ISSUES_PATH],
  table: ISSUES_TABLE,
  aliases: ALIASES,
};
const ALERTS_PATH = 'data/alerts.json';

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
  const odd = createOddParts(ISSUES_PATH, 'value');
  const leftOut = createLeftOutKeys();
  const onLeftOut = leftOut.of(ISSUES_PATH);
  const zone = toColumnZone(ISSUES_TABLE, table.columnOf('timestamp'));
  let isEmpty = true;
  try {
    const readPage = createRowPages(table, FIELD_NAMES, odd);
    for (const rows of eachPage(readPage, context.signal)) {
      isEmpty = false;
      const found = rows.values().map(({ position: rowid, values }) => {
        const json = readJsonColumn(values.metrics);
        if (json.kind === 'odd') odd.add(`row ${rowid}, column metrics`, json.reason);
        const fields = {
          ...Object.fromEntries(FIELD_NAMES.map((field) => [field, toJsonValue(values[field])])),
          metrics: json.kind === 'value' ? json.value : null,
        };
        return toAlert('issues', (raw) => readTime(raw, zone), fields, onLeftOut);
      });
      yield* toStatePages(records, found);
    }
    return withDetails({ state: isEmpty ? 'empty' : 'ok' }, odd.detail(), leftOut.detail(), table.unread);
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
  if (file.kind !== 'value') return toFileOutcome(ALERTS_PATH, file);
  const odd = createOddParts(ALERTS_PATH, 'element');
  const leftOut = createLeftOutKeys();
  const alerts = asObjects(file.value, odd);
  if (alerts === undefined) return { state: 'schema_unknown', detail: `${ALERTS_PATH} contains no list` };
  const onLeftOut = leftOut.of(ALERTS_PATH);
  // One alert at a time, because a 5 MB file may contain 300,000 alerts, whose records would take half a gigabyte.
  const found = alerts.values().map((alert) => {
    for (const key of Object.keys(alert)) if (!KNOWN_NAMES.has(key)) onLeftOut(key);
    const fields = FIELD_NAMES.map((field) => [
      field,
      FIELDS[field].map((name) => alert[name]).find(isGiven),
    ]);
    return toAlert('alerts', readTime, Object.fromEntries(fields), onLeftOut);
  });
  yield* toStatePages(records, found);
  const state = alerts.length > 0 ? 'ok' : odd.detail() === undefined ? 'empty' : 'schema_unknown';
  return { state, ...joinDetails([odd.detail(), leftOut.detail()]) };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** All column names of all fields. */
const KNOWN_NAMES: ReadonlySet<string> = new Set(Object.values(FIELDS).flat());

/** Returns an alert with the export's field names and only allowed values. An alert without an ID is named by its subject. */
function toAlert(
  source: string,
  readTime: TimestampReader,
  fields: Readonly<Record<string, unknown>>,
  onLeftOut: OnLeftOut,
): StateRecord {
  const timestamp = toScalar(fields['timestamp']);
  const { utc, zone } = readTime(timestamp);
  const id = toScalar(fields['alert_id']);
  const kept: Record<string, unknown> = {
    source,
    alert_id: id,
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
  };
  for (const name of FIELD_NAMES.slice(2))
    kept[name] = toAllowed(fields[name] ?? null, METRIC_WORDS, onLeftOut) ?? null;
  // An alert's status changes, but its subject does not.
  const about = JSON.stringify([kept['category'], kept['severity'], kept['description'], kept['metrics']]);
  const name = `${source}:${id === null ? toContentId(sha256(about), 0) : toScalarText(id)}`;
  return { record_id: toRecordId(name, timestamp === null ? '' : toScalarText(timestamp), sha256), ...kept };
}
