import type { Queryable } from '../platform/ports.ts';
import { numberOf, numberOrNullOf } from '../store/row.ts';
import { NOTHING_USED, type QuotaOverride, type Use } from './policy.ts';

/** The day of a time in UTC, for example `2026-06-01`. */
export function toDay(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

/** The columns of an installation's individual limits. */
export const OVERRIDE_COLUMNS = `quota_stored_bytes::float8 as quota_stored_bytes, quota_records::float8 as quota_records,
  quota_requests::float8 as quota_requests, quota_cpu_ms::float8 as quota_cpu_ms`;

/** Returns an installation's individual limits from a row with OVERRIDE_COLUMNS. */
export function toOverride(row: Readonly<Record<string, unknown>>): QuotaOverride {
  return {
    storedBytes: numberOrNullOf(row, 'quota_stored_bytes'),
    records: numberOrNullOf(row, 'quota_records'),
    requests: numberOrNullOf(row, 'quota_requests'),
    cpuMs: numberOrNullOf(row, 'quota_cpu_ms'),
  };
}

/** Returns an installation's individual limits. There are none if it is not enrolled. */
export async function loadOverride(store: Queryable, installationId: string): Promise<QuotaOverride> {
  const [row] = await store.query(
    `select ${OVERRIDE_COLUMNS} from installations where installation_id = $1::text`,
    [installationId],
  );
  return row === undefined
    ? { storedBytes: null, records: null, requests: null, cpuMs: null }
    : toOverride(row);
}

/**
 * Adds to an installation's usage of the day and returns the sum. It reads and writes one row, regardless of how much the
 * installation has stored.
 */
export async function addUse(
  store: Queryable,
  installationId: string,
  wallMs: number,
  use: Use,
): Promise<Use> {
  const [row = {}] = await store.query(
    `insert into installation_usage as held (installation_id, day, stored_bytes, records, requests, cpu_ms)
     values ($1::text, $2::date, $3::bigint, $4::bigint, $5::bigint, $6::bigint)
     on conflict (installation_id, day) do update set
       stored_bytes = held.stored_bytes + excluded.stored_bytes, records = held.records + excluded.records,
       requests = held.requests + excluded.requests, cpu_ms = held.cpu_ms + excluded.cpu_ms
     returning ${USE_COLUMNS}`,
    [installationId, toDay(wallMs), use.storedBytes, use.records, use.requests, Math.round(use.cpuMs)],
  );
  return toUse(row);
}

/** Returns an installation's usage of the day. */
export async function loadUse(store: Queryable, installationId: string, wallMs: number): Promise<Use> {
  const [row] = await store.query(
    `select ${USE_COLUMNS} from installation_usage where installation_id = $1::text and day = $2::date`,
    [installationId, toDay(wallMs)],
  );
  return row === undefined ? NOTHING_USED : toUse(row);
}

const USE_COLUMNS = `stored_bytes::float8 as stored_bytes, records::float8 as records, requests::float8 as requests,
  cpu_ms::float8 as cpu_ms`;

function toUse(row: Readonly<Record<string, unknown>>): Use {
  return {
    storedBytes: numberOf(row, 'stored_bytes'),
    records: numberOf(row, 'records'),
    requests: numberOf(row, 'requests'),
    cpuMs: numberOf(row, 'cpu_ms'),
  };
}
