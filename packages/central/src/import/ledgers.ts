import type { Queryable } from '../platform/ports.ts';
import { numberOf, textOrNullOf } from '../store/row.ts';
import { updateGaps } from './gaps.ts';
import type { LedgerFacts } from './ledger-policy.ts';
import { type PartToStore, toIso } from './part-to-store.ts';

/**
 * Reads what central knows about a document's ledger and sequence. The caller holds the lock on the installation, so that the
 * facts stay true until it commits.
 */
export async function findLedgerFacts(
  tx: Queryable,
  document: PartToStore['document'],
): Promise<LedgerFacts> {
  const { installation_id, ledger_id, sequence, open_exports = [] } = document;
  if (ledger_id === undefined) return NOTHING_KNOWN;
  const [row = {}] = await tx.query(
    `select e.export_id, coalesce(e.parts_held, 0) as parts_held, coalesce(e.part_count, 0) as part_count,
       coalesce(l.highest_sequence, 0)::float8 as highest,
       (select json_agg(n.ledger_id order by n.ledger_no)::text from ledgers n
        where n.installation_id = d.installation_id and n.ledger_no > coalesce(l.ledger_no, ${FORMER_NO_SQL})) as newer,
       (select c.export_id from jsonb_to_recordset($4::text::jsonb) as o(sequence bigint, export_id text)
          join ledger_exports c on c.installation_id = d.installation_id and c.ledger_id = d.ledger_id
            and c.sequence = o.sequence
        where c.export_id <> o.export_id order by c.sequence limit 1) as contradicted
     from (select $1::text as installation_id, $2::text as ledger_id, $3::bigint as sequence) d
       left join ledgers l on l.installation_id = d.installation_id and l.ledger_id = d.ledger_id
       left join ledger_exports e on e.installation_id = d.installation_id and e.ledger_id = d.ledger_id
         and e.sequence = d.sequence`,
    [
      installation_id,
      ledger_id,
      sequence ?? null,
      open_exports.length === 0 ? null : JSON.stringify(open_exports),
    ],
  );
  return {
    knownExportId: textOrNullOf(row, 'export_id') ?? undefined,
    contradictedExportId: textOrNullOf(row, 'contradicted') ?? undefined,
    partsHeld: numberOf(row, 'parts_held'),
    partCount: numberOf(row, 'part_count'),
    highestSequence: numberOf(row, 'highest'),
    // The statement builds this array of texts.
    newerLedgers: JSON.parse(textOrNullOf(row, 'newer') ?? '[]') as readonly string[],
  };
}

const NOTHING_KNOWN: LedgerFacts = {
  knownExportId: undefined,
  contradictedExportId: undefined,
  partsHeld: 0,
  partCount: 0,
  highestSequence: 0,
  newerLedgers: [],
};

/**
 * Registers a stored part with its ledger. A ledger that central sees for the first time becomes the newest. The order is given
 * by a number and not by a time, because the clocks of two nodes differ. Returns how many sequences of the ledger are missing, or
 * undefined for a document without a ledger.
 */
export async function noteLedger(
  tx: Queryable,
  part: PartToStore,
  facts: LedgerFacts,
  isConcurrent: boolean,
): Promise<number | undefined> {
  const { document, identity, receivedMs } = part;
  const { installation_id, ledger_id, sequence, open_exports = [], former_ledger_ids = [] } = document;
  if (ledger_id === undefined) return undefined;
  const change = await updateGaps(tx, part, { installationId: installation_id, ledgerId: ledger_id }, facts);
  const [row = {}] = await tx.query(
    `insert into ledgers as held (installation_id, ledger_id, ledger_no, first_received_at, last_received_at,
       highest_sequence, missing_count, withdrawn_count, held_through, former_ledger_ids)
     select $1::text, $2::text, coalesce(${FORMER_NO_SQL}, (select max(ledger_no) from ledgers where installation_id = $1::text) + 1, 1),
       $3::timestamptz, $3::timestamptz, $4::bigint, $6::bigint, $7::bigint, ${toHeldThrough('$4::bigint')},
       $8::text::jsonb

     on conflict (installation_id, ledger_id) do update
     set last_received_at = excluded.last_received_at,
       highest_sequence = greatest(held.highest_sequence, excluded.highest_sequence),
       missing_count = held.missing_count + $6::bigint, withdrawn_count = held.withdrawn_count + $7::bigint,
       held_through = ${toHeldThrough('greatest(held.highest_sequence, excluded.highest_sequence)')},
       former_ledger_ids = case when jsonb_array_length(excluded.former_ledger_ids) > jsonb_array_length(held.former_ledger_ids)
         then excluded.former_ledger_ids else held.former_ledger_ids end,
       concurrent_at = case when $5::boolean then excluded.last_received_at else held.concurrent_at end
     returning missing_count::float8 as missing`,
    [
      installation_id,
      ledger_id,
      toIso(receivedMs),
      sequence ?? null,
      isConcurrent,
      change.missingDelta,
      change.withdrawnDelta,
      JSON.stringify(former_ledger_ids),
    ],
  );
  const own = { export_id: identity.exportId, part_count: change.partCount, parts_held: change.partsHeld };
  // R72: the document's own sequence takes precedence, so that a document cannot give it to another export.
  const named = new Map<number, object>(sequence === undefined ? [] : [[sequence, { sequence, ...own }]]);
  for (const open of open_exports) if (!named.has(open.sequence)) named.set(open.sequence, open);
  if (named.size === 0) return numberOf(row, 'missing');
  await tx.query(
    `insert into ledger_exports as held (installation_id, ledger_id, sequence, export_id, part_count, parts_held)
     select $1::text, $2::text, sequence, export_id, part_count, parts_held
     from jsonb_to_recordset($3::text::jsonb) as r(sequence bigint, export_id text, part_count integer, parts_held integer)
     on conflict (installation_id, ledger_id, sequence) do update
     set part_count = excluded.part_count, parts_held = excluded.parts_held
     where excluded.part_count is not null`,
    [installation_id, ledger_id, JSON.stringify([...named.values()])],
  );
  return numberOf(row, 'missing');
}

/**
 * SQL for the number of a ledger that central first sees after documents named it as former; null if none did. R105: "Central MUST treat
 * a ledger that it first sees after a document named it in `former_ledger_ids` as older than the ledger of that document." An old
 * bundle can bring such a ledger to a central that was restored from a backup.
 */
const FORMER_NO_SQL = `(select min(f.ledger_no) - 1 from ledgers f
  where f.installation_id = $1::text and f.former_ledger_ids ? $2::text)`;

/**
 * SQL for the sequence up to which a ledger is held completely, given the SQL for its highest sequence. Its gaps are already up
 * to date.
 */
function toHeldThrough(highest: string): string {
  return `coalesce((select first_sequence - 1 from ledger_gaps
    where installation_id = $1::text and ledger_id = $2::text and not is_withdrawn order by first_sequence limit 1), ${highest})`;
}

/** Records that an export was refused because its ledger has diverged. The operator sees the time. */
export async function noteDivergence(
  tx: Queryable,
  { document: { installation_id, ledger_id }, receivedMs }: PartToStore,
): Promise<void> {
  await tx.query(
    `update ledgers set diverged_at = $3::timestamptz where installation_id = $1::text and ledger_id = $2::text`,
    [installation_id, ledger_id ?? null, toIso(receivedMs)],
  );
}
