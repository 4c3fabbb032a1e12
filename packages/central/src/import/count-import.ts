import { type RawBuilder, sql } from 'kysely';
import type { Queryable } from '../platform/ports.ts';
import { runStatement, statements } from '../store/database.ts';
import type { BoatPosition } from './boat-facts.ts';
import type { HoldingsChange } from './insert-records.ts';
import { toStorableText } from './json-value.ts';
import type { FleetChange } from './note-fleet.ts';
import { type PartToStore, toIso, toSoftwareVersion } from './part-to-store.ts';

/**
 * A ledger counts as concurrent for this long after it last sent a new export beside a newer ledger. It is longer than a boat is
 * usually laid up between two uses, so the warning does not come and go.
 */
const CONCURRENT_PERIOD = "interval '30 days'";

/**
 * Adds an import to the counters of its installation and updates the boat's claims. A late export, from an older ledger or with a
 * lower sequence than the last one, is counted but does not replace claims that a later export made.
 */
export async function countImport(
  tx: Queryable,
  part: PartToStore,
  newerLedgers: readonly string[],
  change: HoldingsChange,
  fleet: FleetChange,
): Promise<void> {
  const { document, identity, sorted, facts } = part;
  const recordCount = [...sorted.counts.values()].reduce((sum, count) => sum + count, 0);
  const ledgerId = document.ledger_id ?? null;
  const sequence = document.sequence ?? null;
  const isLatest = sql<boolean>`(${newerLedgers.length === 0}::boolean
    and (${ledgerId}::text = last_ledger_id and ${sequence}::bigint < last_sequence) is not true)`;
  // A document without the claim does not change the recorded one.
  const latest = <T>(claim: RawBuilder<T>, column: string) =>
    sql<T>`case when ${isLatest} then coalesce(${claim}, ${sql.ref(column)}) else ${sql.ref(column)} end`;
  // The missing sequences of the newest ledger, which this part's ledger may have become.
  const missing = sql<number>`case when ${ledgerId}::text = last_ledger_id or (${isLatest} and ${ledgerId}::text is not null)
    then (select l.missing_count from ledgers l
      where l.installation_id = ${document.installation_id}::text and l.ledger_id = ${ledgerId}::text)
    else missing_sequences end`;
  await runStatement(
    tx,
    statements
      .updateTable('installations')
      .set((column) => ({
        last_heard_at: toIso(part.receivedMs),
        last_export_id: identity.exportId,
        last_export_timestamp: toStorableText(document.export_timestamp),
        last_ledger_id: latest(sql<string | null>`${ledgerId}::text`, 'last_ledger_id'),
        // Not `latest`: a new ledger without a sequence clears the sequence of the old one.
        last_sequence: sql<
          number | null
        >`case when ${isLatest} and ${ledgerId}::text is not null then ${sequence}::bigint else last_sequence end`,
        software_version: latest(
          sql<string | null>`${toSoftwareVersion(document)}::text`,
          'software_version',
        ),
        missing_sequences: missing,
        gap_since: sql<
          string | null
        >`case when ${missing} > 0 then coalesce(gap_since, ${toIso(part.receivedMs)}::timestamptz) end`,
        claimed_tier: latest(sql<number | null>`${document.tier ?? null}::smallint`, 'claimed_tier'),
        held_records: column('held_records', '+', change.records),
        held_bytes: column('held_bytes', '+', change.bytes),
        // A ledger is concurrent relative to this import's time, so that no two clocks are compared.
        concurrent_ledgers: sql<number>`(select case when count(*) = 0 then 0 else count(*) + 1 end from ledgers l
          where l.installation_id = ${document.installation_id}::text and l.concurrent_at is not null
            and l.concurrent_at > ${toIso(part.receivedMs)}::timestamptz - ${sql.raw(CONCURRENT_PERIOD)})`,
        documents: column('documents', '+', 1),
        records: column('records', '+', recordCount),
        rejected: column('rejected', '+', sorted.rejectedCount),
        wire_bytes: column('wire_bytes', '+', part.wireSizeBytes),
        decoded_bytes: column('decoded_bytes', '+', part.decodedSizeBytes),
        ...toRhythmColumns(fleet),
        last_part_index: identity.part.index,
        last_part_count: identity.part.count,
        boat_name: latest(sql<string | null>`${facts.name ?? null}::text`, 'boat_name'),
        boat_name_key: latest(
          sql<string | null>`${facts.name?.toLowerCase() ?? null}::text`,
          'boat_name_key',
        ),
        ...(sorted.rejectedCount === 0 ? {} : { last_rejected_at: toIso(part.receivedMs) }),
        ...(facts.position === undefined ? {} : toPositionColumns(facts.position, isLatest, part.receivedMs)),
      }))
      .where('installation_id', '=', document.installation_id),
  );
}

/**
 * Updates the position of a boat from a document that has one. A part that arrives late does not move the boat back. A
 * stored time in the future came from a wrong clock, so it does not block later positions.
 */
function toPositionColumns(
  { latitude, longitude, recordedAt }: BoatPosition,
  isLatest: RawBuilder<boolean>,
  receivedMs: number,
) {
  const isNewer = sql<boolean>`(${isLatest} and (position_at is null or ${recordedAt}::timestamptz >= position_at
    or position_at > ${toIso(receivedMs)}::timestamptz))`;
  const moved = <T>(value: RawBuilder<T>, column: string) =>
    sql<T>`case when ${isNewer} then ${value} else ${sql.ref(column)} end`;
  return {
    position_latitude: moved(sql<number>`${latitude}::double precision`, 'position_latitude'),
    position_longitude: moved(sql<number>`${longitude}::double precision`, 'position_longitude'),
    position_at: moved(sql<string | null>`${recordedAt}::timestamptz`, 'position_at'),
  };
}

/** Updates the rhythm of a boat. Its import was accepted, so it no longer counts as refused. */
function toRhythmColumns(fleet: FleetChange) {
  return {
    arrival_intervals: fleet.arrivalIntervals,
    arrived_at: fleet.arrivedAt,
    usual_silence_s: fleet.usualSilenceS,
    due_at: fleet.dueAt,
    refused_at: null,
    refusal: null,
  };
}
