import { isTokenEndedSql } from '../installations/credential.ts';
import type { Queryable, Row } from '../platform/ports.ts';
import { booleanOf, numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';

/**
 * An installation as the operator sees it. Times are central's own; `last_export_timestamp` and `claimed_tier` are the boat's
 * claims.
 */
export interface InstallationSummary {
  readonly installation_id: string;
  readonly tier: number | null;
  readonly claimed_tier: number | null;
  readonly enrolled_at: string;
  readonly disabled: boolean;
  readonly id_as_token: boolean;
  /** Number of tokens that were neither revoked nor have expired. */
  readonly live_tokens: number;
  readonly last_heard_at: string | null;
  readonly last_export_id: string | null;
  readonly last_export_timestamp: string | null;
  readonly software_version: string | null;
  /** Counts of stored documents or parts and of their records and rejected records, and their size on the wire and decoded. */
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
  readonly wire_bytes: number;
  readonly decoded_bytes: number;
  /**
   * Number of ledgers that send new exports concurrently, or 0. R76: "Central MUST report an installation to the operator if an
   * older ledger of that installation sends new exports while a newer one is in use."
   */
  readonly concurrent_ledgers: number;
  /** Number of distinct records that central holds, and the size of their JSON text. */
  readonly held_records: number;
  readonly held_bytes: number;
  /** Number of exports in the newest ledger that central does not hold completely and that the boat has not withdrawn. */
  readonly missing_count: number;
}

/** Number of installations in one page of the list. Their summaries take less than 1 MB of memory. */
const INSTALLATIONS_PER_PAGE = 1_000;

/** Parameter: $1 the current time. */
const SUMMARY_SQL = `
select installation_id, tier::int as tier, claimed_tier::int as claimed_tier, ${utcText('enrolled_at')} as enrolled_at,
  is_disabled, is_id_token, ${utcText('last_heard_at')} as last_heard_at, last_export_id, last_export_timestamp, software_version,
  documents::float8 as documents, records::float8 as records, rejected::float8 as rejected,
  wire_bytes::float8 as wire_bytes, decoded_bytes::float8 as decoded_bytes,
  (select count(*)::int from device_tokens t
   where t.installation_id = i.installation_id and not ${isTokenEndedSql('$1')}) as live_tokens,
  concurrent_ledgers, held_records::float8 as held_records, held_bytes::float8 as held_bytes,
  missing_sequences::float8 as missing_count
from installations i`;

/**
 * Reads all installations, ordered by ID, page by page. Tokens are counted as at `nowIso`. An installation that exists throughout
 * is read exactly once.
 */
export async function* listInstallations(
  store: Queryable,
  nowIso: string,
): AsyncGenerator<readonly InstallationSummary[], void, void> {
  let after = '';
  for (;;) {
    const rows: readonly Row[] = await store.query(
      `${SUMMARY_SQL} where installation_id > $2::text order by installation_id limit ${INSTALLATIONS_PER_PAGE}`,
      [nowIso, after],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    after = textOf(last, 'installation_id');
    yield rows.map(toSummary);
  }
}

/** Returns one installation with its tokens counted as at `nowIso`, or undefined if it is not enrolled. */
export async function findInstallation(
  store: Queryable,
  installationId: string,
  nowIso: string,
): Promise<InstallationSummary | undefined> {
  const [row] = await store.query(`${SUMMARY_SQL} where installation_id = $2::text`, [
    nowIso,
    installationId,
  ]);
  return row === undefined ? undefined : toSummary(row);
}

/** Returns whether the installation is enrolled. */
export async function isEnrolled(store: Queryable, installationId: string): Promise<boolean> {
  const rows = await store.query('select 1 as found from installations where installation_id = $1::text', [
    installationId,
  ]);
  return rows.length > 0;
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
    held_records: numberOf(row, 'held_records'),
    held_bytes: numberOf(row, 'held_bytes'),
    missing_count: numberOf(row, 'missing_count'),
  };
}
