import type { Queryable, Row } from '../platform/ports.ts';
import type { NamedValues, SqlFragment } from '../store/database.ts';
import { numberOf, textOrNullOf } from '../store/row.ts';
import type { SequenceChange } from './gaps.ts';
import type { LedgerFacts } from './ledger-policy.ts';
import { type PartToStore, toIso } from './part-to-store.ts';

/**
 * The order number of a ledger that a document listed as former before central first saw it. Null if no document has. R105: "If
 * central first sees a ledger after a document listed it in `former_ledger_ids`, central MUST treat it as older than the ledger
 * of that document." An old bundle can bring such a ledger to a central that was restored from a backup.
 */
const FORMER_NO: SqlFragment = `(select min(f.ledger_no) - 1 from ledgers f
  where f.installation_id = :installation_id::text and f.former_ledger_ids ? :ledger_id::text)`;

/**
 * Columns that describe a document's ledger and sequence. `l` is the row of the ledger, and `e` the row of the export with the
 * document's sequence; both come from left joins. Parameters: the ledger, and the open exports as `toOpenExports` returns them.
 */
export const LEDGER_COLUMNS: SqlFragment = `e.export_id as known_export_id, coalesce(e.parts_held, 0) as parts_held,
  coalesce(e.part_count, 0) as part_count, coalesce(l.highest_sequence, 0)::float8 as highest,
  (select json_agg(n.ledger_id order by n.ledger_no)::text from ledgers n
   where n.installation_id = :installation_id::text and n.ledger_no > coalesce(l.ledger_no, ${FORMER_NO})) as newer,
  (select c.export_id from jsonb_to_recordset(:open_exports::text::jsonb) as o(sequence bigint, export_id text)
     join ledger_exports c on c.installation_id = :installation_id::text and c.ledger_id = :ledger_id::text
       and c.sequence = o.sequence
   where c.export_id <> o.export_id order by c.sequence limit 1) as contradicted`;

/**
 * Returns, as JSON text, the exports that a document lists as not delivered, or null if there are none or the document has no
 * ledger.
 */
export function toOpenExports({ ledger_id, open_exports = [] }: PartToStore['document']): string | null {
  return ledger_id === undefined || open_exports.length === 0 ? null : JSON.stringify(open_exports);
}

/** Reads the facts from a row with LEDGER_COLUMNS. They stay true while the caller holds the lock on the installation. */
export function toLedgerFacts(row: Row): LedgerFacts {
  return {
    knownExportId: textOrNullOf(row, 'known_export_id') ?? undefined,
    contradictedExportId: textOrNullOf(row, 'contradicted') ?? undefined,
    partsHeld: numberOf(row, 'parts_held'),
    partCount: numberOf(row, 'part_count'),
    highestSequence: numberOf(row, 'highest'),
    // The SQL statement builds this array of strings.
    newerLedgers: JSON.parse(textOrNullOf(row, 'newer') ?? '[]') as readonly string[],
  };
}

/**
 * SQL for the sequence up to which a ledger is held completely, given the SQL for its highest sequence. The ledger's gaps are
 * already up to date.
 */
function toHeldThrough(highest: SqlFragment): SqlFragment {
  return `coalesce((select first_sequence - 1 from ledger_gaps
    where installation_id = :installation_id::text and ledger_id = :ledger_id::text and not is_withdrawn
    order by first_sequence limit 1), ${highest})`;
}

/**
 * Registers a stored part with its ledger, unless the document has none. A ledger that central sees for the first time becomes
 * the newest. Ledgers are ordered by number, not by time, because different nodes' clocks differ.
 */
export const NOTE_LEDGER: SqlFragment = `
  insert into ledgers as held (installation_id, ledger_id, ledger_no, first_received_at, last_received_at,
    highest_sequence, missing_count, withdrawn_count, held_through, former_ledger_ids)
  select :installation_id::text, :ledger_id::text,
    coalesce(${FORMER_NO}, (select max(ledger_no) from ledgers where installation_id = :installation_id::text) + 1, 1),
    :received_at::timestamptz, :received_at::timestamptz, :sequence::bigint, :missing_delta::bigint, :withdrawn_delta::bigint,
    ${toHeldThrough(':sequence::bigint')}, :former_ledger_ids::text::jsonb
  where :ledger_id::text is not null
  on conflict (installation_id, ledger_id) do update
  set last_received_at = excluded.last_received_at,
    highest_sequence = greatest(held.highest_sequence, excluded.highest_sequence),
    missing_count = held.missing_count + :missing_delta::bigint, withdrawn_count = held.withdrawn_count + :withdrawn_delta::bigint,
    held_through = ${toHeldThrough('greatest(held.highest_sequence, excluded.highest_sequence)')},
    former_ledger_ids = case when jsonb_array_length(excluded.former_ledger_ids) > jsonb_array_length(held.former_ledger_ids)
      then excluded.former_ledger_ids else held.former_ledger_ids end,
    concurrent_at = case when :is_concurrent::boolean then excluded.last_received_at else held.concurrent_at end
  returning missing_count, concurrent_at`;

/** Registers the sequences that a part uses or lists. */
export const NOTE_EXPORTS: SqlFragment = `
  insert into ledger_exports as held (installation_id, ledger_id, sequence, export_id, part_count, parts_held)
  select :installation_id::text, :ledger_id::text, sequence, export_id, part_count, parts_held
  from jsonb_to_recordset(:named_exports::text::jsonb) as r(sequence bigint, export_id text, part_count integer, parts_held integer)
  on conflict (installation_id, ledger_id, sequence) do update
  set part_count = excluded.part_count, parts_held = excluded.parts_held
  where excluded.part_count is not null`;

/** The parameters of NOTE_LEDGER and NOTE_EXPORTS that `toImportValues` does not return. */
export function toLedgerValues(
  { document, identity }: PartToStore,
  change: SequenceChange,
  isConcurrent: boolean,
): NamedValues {
  const { ledger_id, sequence, open_exports = [], former_ledger_ids = [] } = document;
  const own = { export_id: identity.exportId, part_count: change.partCount, parts_held: change.partsHeld };
  // R72: the document's own sequence takes precedence, so that a document cannot assign it to another export.
  const named = new Map<number, object>(sequence === undefined ? [] : [[sequence, { sequence, ...own }]]);
  for (const open of open_exports) if (!named.has(open.sequence)) named.set(open.sequence, open);
  return {
    missing_delta: change.missingDelta,
    withdrawn_delta: change.withdrawnDelta,
    is_concurrent: isConcurrent,
    former_ledger_ids: JSON.stringify(former_ledger_ids),
    named_exports: ledger_id === undefined || named.size === 0 ? null : JSON.stringify([...named.values()]),
  };
}

/** Records the time at which an export was refused because its ledger has diverged. The operator sees this time. */
export async function noteDivergence(
  tx: Queryable,
  { document: { installation_id, ledger_id }, receivedMs }: PartToStore,
): Promise<void> {
  await tx.query(
    `update ledgers set diverged_at = $3::timestamptz where installation_id = $1::text and ledger_id = $2::text`,
    [installation_id, ledger_id ?? null, toIso(receivedMs)],
  );
}
