import type { FleetAlerts, FleetLog, FleetRejected } from '../api/fleet-schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { isUtcText, numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';
import { parseCursor, toCursorText } from './page-cursor.ts';

/** Selects a page of a boat's list. */
export interface BoatListQuery {
  readonly installationId: string;
  /** The `next` of the previous page, or undefined for the first page. */
  readonly before: string | undefined;
  readonly limit: number;
}

/** Maximum number of characters shown from a record's text. A boat may send megabytes. */
const TEXT_SHOWN_MAX = 2_000;
/** Maximum ordinal of a rejected record: PostgreSQL's largest integer. */
const ORDINAL_MAX = 2_147_483_647;

/** SQL for a truncated string: the value of the first of these keys that the record has. */
function textInSql(...keys: readonly string[]): string {
  return `left(coalesce(${keys.map((key) => `record ->> '${key}'`).join(', ')}), ${TEXT_SHOWN_MAX})`;
}

/**
 * Returns the boat's log lines, newest first by the boat's clock. Lines without a time are omitted. Returns undefined if `after`
 * is not a valid cursor.
 */
export async function listLog(
  store: Queryable,
  { installationId, before, limit }: BoatListQuery,
  nowIso: string,
): Promise<FleetLog | undefined> {
  const cursor = before === undefined ? undefined : parseCursor(before, 2);
  if (before !== undefined && !(isUtcText(cursor?.[0]) && typeof cursor[1] === 'string')) return undefined;
  const rows = await store.query(
    `select record_id, ${utcText('recorded_at')} as recorded_text, left(entry_type, 80) as entry_type, latitude, longitude,
       ${textInSql('content', 'text', 'message', 'note')} as content
     from records_boatlog where installation_id = $1::text and recorded_at is not null
       and ($2::timestamptz is null or (recorded_at, record_id) < ($2::timestamptz, $3::text))
     order by recorded_at desc, record_id desc limit $4::int`,
    [installationId, cursor?.[0] ?? null, cursor?.[1] ?? null, limit + 1],
  );
  const lines = rows.slice(0, limit).map((row) => ({
    record_id: textOf(row, 'record_id'),
    recorded_at: textOf(row, 'recorded_text'),
    entry_type: textOrNullOf(row, 'entry_type'),
    content: textOrNullOf(row, 'content'),
    latitude: numberOrNullOf(row, 'latitude'),
    longitude: numberOrNullOf(row, 'longitude'),
  }));
  const last = lines.at(-1);
  const next =
    rows.length > limit && last !== undefined ? toCursorText([last.recorded_at, last.record_id]) : null;
  return { status: 'success', as_of: nowIso, lines, next };
}

/** Status values with which boats mark an alert that needs no further action. */
const CLOSED_STATUSES = ['closed', 'resolved', 'cleared', 'acknowledged', 'dismissed', 'normal', 'inactive'];

/** Returns open alerts, newest first by the boat's clock. */
export async function listAlerts(
  store: Queryable,
  { installationId, limit }: Omit<BoatListQuery, 'before'>,
  nowIso: string,
): Promise<FleetAlerts> {
  const rows = await store.query(
    `select record_id, ${utcText('recorded_at')} as recorded_text, left(severity, 80) as severity,
       left(status, 80) as alert_status, ${textInSql('message', 'title', 'description', 'content')} as message
     from records_system_alerts where installation_id = $1::text
       and lower(coalesce(status, '')) <> all($2::text[])
     order by recorded_at desc nulls last, record_id desc limit $3::int`,
    [installationId, CLOSED_STATUSES, limit],
  );
  return {
    status: 'success',
    as_of: nowIso,
    alerts: rows.map((row) => ({
      record_id: textOf(row, 'record_id'),
      recorded_at: textOrNullOf(row, 'recorded_text'),
      severity: textOrNullOf(row, 'severity'),
      alert_status: textOrNullOf(row, 'alert_status'),
      message: textOrNullOf(row, 'message'),
    })),
  };
}

function isOrdinal(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= ORDINAL_MAX;
}

/** Returns rejected records with their reasons, newest first. Returns undefined if `after` is not a valid cursor. */
export async function listRejected(
  store: Queryable,
  { installationId, before, limit }: BoatListQuery,
  nowIso: string,
): Promise<FleetRejected | undefined> {
  const cursor = before === undefined ? undefined : parseCursor(before, 3);
  if (
    before !== undefined &&
    !(isUtcText(cursor?.[0]) && typeof cursor[1] === 'string' && isOrdinal(cursor[2]))
  )
    return undefined;
  const rows = await store.query(
    `select ${utcText('received_at')} as received_text, import_id, ordinal, category, record_id, reason,
       left(record, ${TEXT_SHOWN_MAX}) as record
     from rejected_records where installation_id = $1::text
       and ($2::timestamptz is null or (received_at, import_id, ordinal) < ($2::timestamptz, $3::text, $4::int))
     order by received_at desc, import_id desc, ordinal desc limit $5::int`,
    [installationId, cursor?.[0] ?? null, cursor?.[1] ?? null, cursor?.[2] ?? null, limit + 1],
  );
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    status: 'success',
    as_of: nowIso,
    rejected: page.map((row) => ({
      received_at: textOf(row, 'received_text'),
      import_id: textOf(row, 'import_id'),
      category: textOf(row, 'category'),
      record_id: textOf(row, 'record_id'),
      reason: textOf(row, 'reason'),
      record: textOrNullOf(row, 'record'),
    })),
    next:
      rows.length > limit && last !== undefined
        ? toCursorText([textOf(last, 'received_text'), textOf(last, 'import_id'), numberOf(last, 'ordinal')])
        : null,
  };
}
