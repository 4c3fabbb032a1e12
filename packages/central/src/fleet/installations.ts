import type { Queryable, Row } from '../platform/ports.ts';
import { booleanOf, numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';

/** One installation for the operator. Times are central's own; `last_export_timestamp` and `claimed_tier` are the boat's claims. */
export interface InstallationSummary {
  readonly installation_id: string;
  readonly tier: number | null;
  readonly claimed_tier: number | null;
  readonly enrolled_at: string;
  readonly disabled: boolean;
  readonly id_as_token: boolean;
  readonly live_tokens: number;
  readonly last_heard_at: string | null;
  readonly last_export_id: string | null;
  readonly last_export_timestamp: string | null;
  readonly software_version: string | null;
  /** Documents or parts stored; records and rejections in them; bytes on the wire and decoded. */
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
  readonly wire_bytes: number;
  readonly decoded_bytes: number;
  /**
   * 0, or the number of ledgers that send new exports side by side. R76: "Central MUST report to the operator an installation whose
   * older ledger sends new exports beside a newer one."
   */
  readonly concurrent_ledgers: number;
}

/** Most installations in one list: as many as a page and a terminal can show. The metrics count all of them. */
const INSTALLATIONS_LISTED_MAX = 10_000;

/**
 * A ledger counts as concurrent for this long after it last sent a new export beside a newer ledger. It is longer than a boat is
 * usually laid up between two uses, so the warning does not come and go.
 */
const CONCURRENT_DAYS = 30;

/** SQL that is true for a row of `ledgers l` that is concurrent. The installation `i` gives the time, so no clock is compared. */
const IS_CONCURRENT_SQL = `l.concurrent_at > i.last_heard_at - interval '${CONCURRENT_DAYS} days'`;

const SUMMARY_SQL = `
select installation_id, tier::int as tier, claimed_tier::int as claimed_tier, ${utcText('enrolled_at')} as enrolled_at,
  is_disabled, is_id_token, ${utcText('last_heard_at')} as last_heard_at, last_export_id, last_export_timestamp, software_version,
  documents::float8 as documents, records::float8 as records, rejected::float8 as rejected,
  wire_bytes::float8 as wire_bytes, decoded_bytes::float8 as decoded_bytes,
  (select count(*)::int from device_tokens t
   where t.installation_id = i.installation_id and t.revoked_at is null) as live_tokens,
  (select case when count(*) = 0 then 0 else count(*)::int + 1 end from ledgers l
   where l.installation_id = i.installation_id and ${IS_CONCURRENT_SQL}) as concurrent_ledgers
from installations i`;

/** Returns every installation, ordered by id. */
export async function listInstallations(store: Queryable): Promise<readonly InstallationSummary[]> {
  const rows = await store.query(`${SUMMARY_SQL} order by installation_id limit $1::int`, [
    INSTALLATIONS_LISTED_MAX,
  ]);
  return rows.map(toSummary);
}

/** Returns one installation, or undefined if it is not enrolled. */
export async function findInstallation(
  store: Queryable,
  installationId: string,
): Promise<InstallationSummary | undefined> {
  const [row] = await store.query(`${SUMMARY_SQL} where installation_id = $1::text`, [installationId]);
  return row === undefined ? undefined : toSummary(row);
}

function toSummary(row: Row): InstallationSummary {
  return {
    installation_id: textOf(row, 'installation_id'),
    tier: numberOrNullOf(row, 'tier'),
    claimed_tier: numberOrNullOf(row, 'claimed_tier'),
    enrolled_at: textOf(row, 'enrolled_at'),
    disabled: booleanOf(row, 'is_disabled'),
    id_as_token: booleanOf(row, 'is_id_token'),
    live_tokens: numberOf(row, 'live_tokens'),
    last_heard_at: textOrNullOf(row, 'last_heard_at'),
    last_export_id: textOrNullOf(row, 'last_export_id'),
    last_export_timestamp: textOrNullOf(row, 'last_export_timestamp'),
    software_version: textOrNullOf(row, 'software_version'),
    documents: numberOf(row, 'documents'),
    records: numberOf(row, 'records'),
    rejected: numberOf(row, 'rejected'),
    wire_bytes: numberOf(row, 'wire_bytes'),
    decoded_bytes: numberOf(row, 'decoded_bytes'),
    concurrent_ledgers: numberOf(row, 'concurrent_ledgers'),
  };
}

/** Totals over the whole fleet, for the metrics. No installation can be identified from them. */
export interface FleetTotals {
  readonly installations: number;
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
  /** Installations with concurrent ledgers. */
  readonly concurrent: number;
  /** Ledgers that went back to an older state or that two machines used, so that an export was refused. */
  readonly diverged: number;
}

/** Sums the counters of all installations. */
export async function sumFleet(store: Queryable): Promise<FleetTotals> {
  const [row = {}] = await store.query(
    `select count(*)::float8 as installations, coalesce(sum(documents), 0)::float8 as documents,
       coalesce(sum(records), 0)::float8 as records, coalesce(sum(rejected), 0)::float8 as rejected,
       count(*) filter (where exists (select 1 from ledgers l
         where l.installation_id = i.installation_id and ${IS_CONCURRENT_SQL}))::float8 as concurrent,
       (select count(*)::float8 from ledgers where diverged_at is not null) as diverged
     from installations i`,
  );
  return {
    installations: numberOf(row, 'installations'),
    documents: numberOf(row, 'documents'),
    records: numberOf(row, 'records'),
    rejected: numberOf(row, 'rejected'),
    concurrent: numberOf(row, 'concurrent'),
    diverged: numberOf(row, 'diverged'),
  };
}
