import { CATEGORIES, type Category } from '@d3kos/protocol';
import type { Queryable, Row } from '../platform/ports.ts';
import { recordTable } from '../store/record-tables.ts';
import { booleanOf, numberOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';
import { findMissingSequences } from './policy.ts';

/** One boat as the operator sees it. Times are central's own; `last_export_timestamp` and `claimed_tier` are what the boat says. */
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
}

/** Installations an answer lists at most: what a page and a terminal can show; counters say how many there are. */
const INSTALLATIONS_LISTED_MAX = 10_000;

const SUMMARY_SQL = `
select installation_id, tier::int as tier, claimed_tier::int as claimed_tier, ${utcText('enrolled_at')} as enrolled_at,
  is_disabled, is_id_token, ${utcText('last_heard_at')} as last_heard_at, last_export_id, last_export_timestamp, software_version,
  documents::float8 as documents, records::float8 as records, rejected::float8 as rejected,
  wire_bytes::float8 as wire_bytes, decoded_bytes::float8 as decoded_bytes,
  (select count(*)::int from device_tokens t
   where t.installation_id = i.installation_id and t.revoked_at is null) as live_tokens
from installations i`;

/** Every installation, by id. */
export async function listInstallations(store: Queryable): Promise<readonly InstallationSummary[]> {
  const rows = await store.query(`${SUMMARY_SQL} order by installation_id limit $1::int`, [
    INSTALLATIONS_LISTED_MAX,
  ]);
  return rows.map(toSummary);
}

/** One installation, or undefined where nobody enrolled it. */
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
  };
}

/** What central holds of one category. */
export interface CategoryHolding {
  readonly category: Category;
  readonly records: number;
  readonly bytes: number;
}

/** Counts what is held of an installation, per category, by SQL over the records themselves. */
export async function countRecords(
  store: Queryable,
  installationId: string,
): Promise<readonly CategoryHolding[]> {
  const counts = CATEGORIES.map(
    (category) =>
      `select '${category}' as category, count(*)::float8 as records, coalesce(sum(pg_column_size(record)), 0)::float8 as bytes
       from ${recordTable(category)} where installation_id = $1::text`,
  );
  const rows = await store.query(counts.join(' union all '), [installationId]);
  const found = new Map(rows.map((row) => [textOf(row, 'category'), row]));
  return CATEGORIES.map((category) => {
    const row = found.get(category) ?? {};
    return { category, records: numberOf(row, 'records'), bytes: numberOf(row, 'bytes') };
  });
}

/** The gaps in what an installation sent, in its newest ledger; a reflashed boat counts anew in another. */
export interface SequenceGaps {
  readonly ledger_id: string | null;
  readonly missing_sequences: readonly number[];
  /** Not here either, but given up on board: their records come in later exports. */
  readonly withdrawn_sequences: readonly number[];
}

/** Names the exports of the newest ledger that are not here whole. */
export async function findGaps(store: Queryable, installationId: string): Promise<SequenceGaps> {
  const [newest] = await store.query(
    'select last_ledger_id from installations where installation_id = $1::text',
    [installationId],
  );
  const ledgerId = newest === undefined ? null : textOrNullOf(newest, 'last_ledger_id');
  if (ledgerId === null) return { ledger_id: null, missing_sequences: [], withdrawn_sequences: [] };
  // A boat that had to cut an export smaller says so in the count of its later parts: the newest count holds.
  const rows = await store.query(
    `select sequence::float8 as sequence,
       count(*) filter (where part_index <= part_count_newest) >= max(part_count_newest) as is_complete
     from (select sequence, export_id, part_index, first_value(part_count) over
             (partition by sequence, export_id order by received_at desc, part_index desc) as part_count_newest
           from imports where installation_id = $1::text and ledger_id = $2::text and sequence is not null) parts
     group by sequence, export_id order by sequence`,
    [installationId, ledgerId],
  );
  const exports = rows.map((row) => ({
    sequence: numberOf(row, 'sequence'),
    isComplete: booleanOf(row, 'is_complete'),
  }));
  const { missing, withdrawn } = findMissingSequences(
    exports,
    await findWithdrawn(store, installationId, ledgerId),
  );
  return { ledger_id: ledgerId, missing_sequences: missing, withdrawn_sequences: withdrawn };
}

/** What the exports of a ledger said was given up before they were made; each is itself missing as long as it is not here whole. */
async function findWithdrawn(
  store: Queryable,
  installationId: string,
  ledgerId: string,
): Promise<ReadonlySet<number>> {
  const rows = await store.query(
    `select distinct unnest(withdrawn_sequences)::float8 as sequence from imports
     where installation_id = $1::text and ledger_id = $2::text and withdrawn_sequences is not null`,
    [installationId, ledgerId],
  );
  return new Set(rows.map((row) => numberOf(row, 'sequence')));
}

/** `GET /api/v1/data/export/status` (docs/spec/protocol.md R61). Null is "central cannot know": what waits on board, and the boat's own schedule. */
export interface ExportStatus extends SequenceGaps {
  readonly status: 'success';
  readonly installation_id: string;
  readonly last_export: {
    readonly export_id: string;
    readonly export_timestamp: string | null;
    readonly received_at: string | null;
  } | null;
  readonly records_synced: number;
  readonly records: Readonly<Partial<Record<Category, number>>>;
  readonly pending_records: null;
  readonly storage_used_mb: number;
  readonly next_scheduled_export: null;
}

/** What central knows of an installation's exports, or undefined where nobody enrolled it. */
export async function loadExportStatus(
  store: Queryable,
  installationId: string,
): Promise<ExportStatus | undefined> {
  const summary = await findInstallation(store, installationId);
  if (summary === undefined) return undefined;
  const holdings = await countRecords(store, installationId);
  const bytes = holdings.reduce((sum, holding) => sum + holding.bytes, 0);
  return {
    status: 'success',
    installation_id: installationId,
    last_export:
      summary.last_export_id === null
        ? null
        : {
            export_id: summary.last_export_id,
            export_timestamp: summary.last_export_timestamp,
            received_at: summary.last_heard_at,
          },
    records_synced: holdings.reduce((sum, holding) => sum + holding.records, 0),
    records: Object.fromEntries(holdings.map(({ category, records }) => [category, records])),
    pending_records: null,
    storage_used_mb: Math.round(bytes / 10_000) / 100,
    next_scheduled_export: null,
    ...(await findGaps(store, installationId)),
  };
}

/** What a reflashed boat is restored from: the newest onboarding and settings, as the boat sent them; null where there is none. */
export interface StoredConfiguration {
  readonly status: 'success';
  readonly installation_id: string;
  readonly onboarding: StoredDocument | null;
  readonly settings: StoredDocument | null;
}

export interface StoredDocument {
  readonly record_id: string;
  readonly received_at: string;
  /** Null where it is larger than any boat's. */
  readonly record: unknown;
}

/**
 * Largest record that is read, as the database writes it: real ones have a few KB. A number that came as `1e300` is written
 * out with 301 digits, and an answer of 512 MB ends a node: no text in JavaScript is that long.
 */
const CONFIGURATION_TEXT_MAX_BYTES = 16 * 1_048_576;

/** Loads an installation's newest onboarding and settings; undefined where nobody enrolled it. */
export async function loadConfiguration(
  store: Queryable,
  installationId: string,
): Promise<StoredConfiguration | undefined> {
  if ((await findInstallation(store, installationId)) === undefined) return undefined;
  const [onboarding, settings] = [
    await newestRecord(store, 'onboarding', installationId),
    await newestRecord(store, 'settings', installationId),
  ];
  return { status: 'success', installation_id: installationId, onboarding, settings };
}

async function newestRecord(
  store: Queryable,
  category: Category,
  installationId: string,
): Promise<StoredDocument | null> {
  const [row] = await store.query(
    `select record_id, received_at, case when octet_length(record::text) <= $2::integer then record end as record
     from (select record_id, ${utcText('received_at')} as received_at, record from ${recordTable(category)} t
           where installation_id = $1::text order by t.received_at desc, sequence desc nulls last, record_id limit 1) newest`,
    [installationId, CONFIGURATION_TEXT_MAX_BYTES],
  );
  return row === undefined
    ? null
    : {
        record_id: textOf(row, 'record_id'),
        received_at: textOf(row, 'received_at'),
        record: row['record'],
      };
}

/** Totals over the whole fleet, for the metrics: no installation can be told from them. */
export interface FleetTotals {
  readonly installations: number;
  readonly documents: number;
  readonly records: number;
  readonly rejected: number;
}

/** Sums the counters of all installations. */
export async function sumFleet(store: Queryable): Promise<FleetTotals> {
  const [row = {}] = await store.query(
    `select count(*)::float8 as installations, coalesce(sum(documents), 0)::float8 as documents,
       coalesce(sum(records), 0)::float8 as records, coalesce(sum(rejected), 0)::float8 as rejected from installations`,
  );
  return {
    installations: numberOf(row, 'installations'),
    documents: numberOf(row, 'documents'),
    records: numberOf(row, 'records'),
    rejected: numberOf(row, 'rejected'),
  };
}
