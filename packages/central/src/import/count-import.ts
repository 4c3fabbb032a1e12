import type { Row } from '../platform/ports.ts';
import type { NamedValues, SqlFragment } from '../store/database.ts';
import { numberOrNullOf, textOrNullOf } from '../store/row.ts';
import type { HoldingsChange } from './insert-records.ts';
import { isLatestImport } from './ledger-policy.ts';
import { type FleetChange, NEW_POSITION, toPositionValues } from './note-fleet.ts';
import { countRecords, type PartToStore, toIso } from './part-to-store.ts';

/**
 * A ledger counts as concurrent for this long after it last sent a new export although a newer ledger existed. This is longer
 * than boats are usually left between two uses, so the warning does not come and go.
 */
const CONCURRENT_PERIOD = "interval '30 days'";

/** Columns of `installations` that `toCountValues` needs, read under the lock on the installation. */
export const COUNT_COLUMNS: SqlFragment = 'last_ledger_id, last_sequence::float8 as last_sequence';

/** SQL for a claim from the latest import. A document without the claim leaves the recorded one unchanged. */
function toClaim(value: SqlFragment, column: string): SqlFragment {
  return `case when :is_latest::boolean then coalesce(${value}, ${column}) else ${column} end`;
}

/** The missing sequences of the newest ledger. The part's ledger may just have become the newest. */
const MISSING: SqlFragment = `case when :is_newest_ledger::boolean
      then (select missing_count from noted_ledger) else missing_sequences end`;

/** Compared with the import's time, so that two machines' clocks are never compared. */
const IS_CONCURRENT: SqlFragment = `concurrent_at > :received_at::timestamptz - ${CONCURRENT_PERIOD}`;

/**
 * The number of ledgers in use, or 0 if only the newest one is in use. The statement does not see the ledger row that it
 * writes.
 */
const CONCURRENT_LEDGERS: SqlFragment = `(select case when sum(concurrent) = 0 then 0 else sum(concurrent) + 1 end from (
      select count(*) as concurrent from ledgers l where l.installation_id = :installation_id::text
        and l.ledger_id is distinct from :ledger_id::text and l.concurrent_at is not null and l.${IS_CONCURRENT}
      union all select count(*) from noted_ledger where ${IS_CONCURRENT}) as counted)`;

/**
 * Adds an import to its installation's counters and updates the boat's claims. A late export (from an older ledger, or with a
 * lower sequence than the last one) is counted but does not replace the claims of a later export. The statement includes
 * NOTE_LEDGER as `noted_ledger`.
 */
export const COUNT_IMPORT: SqlFragment = `
  update installations set
    last_heard_at = :received_at::timestamptz,
    last_export_id = :export_id::text,
    last_export_timestamp = :export_timestamp::text,
    last_ledger_id = ${toClaim(':ledger_id::text', 'last_ledger_id')},
    -- Not a claim: a new ledger without a sequence clears the sequence of the old one.
    last_sequence = case when :is_latest::boolean and :ledger_id::text is not null then :sequence::bigint else last_sequence end,
    software_version = ${toClaim(':software_version::text', 'software_version')},
    missing_sequences = ${MISSING},
    gap_since = case when ${MISSING} > 0 then coalesce(gap_since, :received_at::timestamptz) end,
    claimed_tier = ${toClaim(':claimed_tier::smallint', 'claimed_tier')},
    held_records = held_records + :new_records::bigint,
    held_bytes = held_bytes + :new_bytes::bigint,
    concurrent_ledgers = ${CONCURRENT_LEDGERS},
    documents = documents + 1,
    records = records + :record_count::bigint,
    rejected = rejected + :rejected_count::bigint,
    last_rejected_at = case when :rejected_count::bigint > 0 then :received_at::timestamptz else last_rejected_at end,
    wire_bytes = wire_bytes + :wire_bytes::bigint,
    decoded_bytes = decoded_bytes + :decoded_bytes::bigint,
    arrival_intervals = :arrival_intervals::text::integer[],
    arrived_at = :arrived_at::timestamptz,
    usual_silence_s = :usual_silence_s::integer,
    due_at = :due_at::timestamptz,
    -- The boat's import was accepted, so it is not refused any more.
    refused_at = null,
    refusal = null,
    last_part_index = :part_index::integer,
    last_part_count = :part_count::integer,
    boat_name = ${toClaim(':boat_name::text', 'boat_name')},
    boat_name_key = ${toClaim(':boat_name_key::text', 'boat_name_key')},
    ${NEW_POSITION}
  where installation_id = :installation_id::text`;

/** The parameters of COUNT_IMPORT that `toImportValues` does not return. `installation` is a row with COUNT_COLUMNS. */
export function toCountValues(
  installation: Row,
  part: PartToStore,
  newerLedgers: readonly string[],
  change: HoldingsChange,
  fleet: FleetChange,
): NamedValues {
  const { document, sorted, facts } = part;
  const { ledger_id: ledgerId, sequence } = document;
  const last = {
    ledgerId: textOrNullOf(installation, 'last_ledger_id') ?? undefined,
    sequence: numberOrNullOf(installation, 'last_sequence') ?? undefined,
  };
  const isLatest = isLatestImport({ ledgerId, sequence }, last, newerLedgers);
  return {
    is_latest: isLatest,
    is_newest_ledger: ledgerId !== undefined && (isLatest || ledgerId === last.ledgerId),
    claimed_tier: document.tier ?? null,
    new_records: change.records,
    new_bytes: change.bytes,
    record_count: countRecords(part),
    rejected_count: sorted.rejectedCount,
    arrival_intervals: fleet.arrivalIntervals,
    arrived_at: fleet.arrivedAt,
    usual_silence_s: fleet.usualSilenceS,
    due_at: fleet.dueAt,
    boat_name: facts.name ?? null,
    boat_name_key: facts.name?.toLowerCase() ?? null,
    ...toPositionValues(facts.position),
    received_at: toIso(part.receivedMs),
  };
}
