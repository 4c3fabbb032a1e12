import type { Queryable, Row } from '../platform/ports.ts';
import { type NamedValues, runStatement, type SqlFragment, toStatement } from '../store/database.ts';
import { numberOf, numberOrNullOf } from '../store/row.ts';
import { NOTHING_USED, type QuotaOverride, type Use } from './quota-policy.ts';

/** Returns the UTC day of a time, for example `2026-06-01`. */
export function toDay(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

const DAY_MS = 86_400_000;

/** Returns the time in milliseconds until the UTC day ends, and with it the quotas' period. */
export function toDayLeftMs(wallMs: number): number {
  return DAY_MS - (wallMs % DAY_MS);
}

/** The columns that contain an installation's individual limits. */
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

/** Returns an installation's individual limits. An installation that is not enrolled has none. */
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
 * Columns that contain a day's usage. `u` is the joined row of the installation and the day. Without that row, each column is 0.
 */
export const USE_COLUMNS: SqlFragment = `coalesce(u.stored_bytes, 0)::float8 as used_bytes, coalesce(u.records, 0)::float8 as used_records,
  coalesce(u.requests, 0)::float8 as used_requests, coalesce(u.cpu_ms, 0)::float8 as used_cpu_ms`;

/**
 * Adds the values of `toUseValues` to the day's usage. It reads and writes one row, regardless of how much the installation has
 * stored.
 */
export const ADD_USE: SqlFragment = `
  insert into installation_usage as u (installation_id, day, stored_bytes, records, requests, cpu_ms)
  values (:installation_id::text, :day::date, :used_bytes::bigint, :used_records::bigint, :used_requests::bigint, :used_cpu_ms::bigint)
  on conflict (installation_id, day) do update set
    stored_bytes = u.stored_bytes + excluded.stored_bytes, records = u.records + excluded.records,
    requests = u.requests + excluded.requests, cpu_ms = u.cpu_ms + excluded.cpu_ms`;

const ADD_USE_STATEMENT = toStatement(`${ADD_USE} returning ${USE_COLUMNS}`);
const LOAD_USE_STATEMENT = toStatement(
  `select ${USE_COLUMNS} from installation_usage u where u.installation_id = :installation_id::text and u.day = :day::date`,
);

/** The parameters of ADD_USE, except `installation_id`. */
export function toUseValues(wallMs: number, use: Use): NamedValues {
  return {
    day: toDay(wallMs),
    used_bytes: use.storedBytes,
    used_records: use.records,
    used_requests: use.requests,
    used_cpu_ms: Math.round(use.cpuMs),
  };
}

/** Adds to an installation's usage for the day, and returns the sum. */
export async function addUse(
  store: Queryable,
  installationId: string,
  wallMs: number,
  use: Use,
): Promise<Use> {
  const values = { installation_id: installationId, ...toUseValues(wallMs, use) };
  const [row = {}] = await runStatement(store, ADD_USE_STATEMENT, values);
  return toUse(row);
}

/** Returns an installation's usage for the day. */
export async function loadUse(store: Queryable, installationId: string, wallMs: number): Promise<Use> {
  const values = { installation_id: installationId, day: toDay(wallMs) };
  const [row] = await runStatement(store, LOAD_USE_STATEMENT, values);
  return row === undefined ? NOTHING_USED : toUse(row);
}

/** Reads the usage from a row with USE_COLUMNS. */
export function toUse(row: Row): Use {
  return {
    storedBytes: numberOf(row, 'used_bytes'),
    records: numberOf(row, 'used_records'),
    requests: numberOf(row, 'used_requests'),
    cpuMs: numberOf(row, 'used_cpu_ms'),
  };
}
