import type { Queryable } from '../platform/ports.ts';
import { booleanOf, numberOf } from '../store/row.ts';
import { changeGaps, findNewGap, type GapChange, type GapRange } from './gap-policy.ts';
import type { LedgerFacts } from './ledger-policy.ts';
import type { PartToStore } from './part-to-store.ts';

/** The facts about a part that affect its ledger's sequences. */
export interface SequenceChange {
  /** How many of the export's parts central holds, including this one, and how many there are. */
  readonly partsHeld: number;
  readonly partCount: number;
  readonly missingDelta: number;
  readonly withdrawnDelta: number;
}

/** The change caused by a document without a ledger. */
const NO_CHANGE: SequenceChange = { partsHeld: 1, partCount: 1, missingDelta: 0, withdrawnDelta: 0 };

interface LedgerKey {
  readonly installationId: string;
  readonly ledgerId: string;
}

/**
 * Updates the gaps of a part's ledger. In the common case, a complete export with the next sequence, nothing is read or written.
 * The caller holds the lock on the installation.
 */
export async function updateGaps(
  tx: Queryable,
  { document, identity: { exportId, part } }: PartToStore,
  facts: LedgerFacts,
): Promise<SequenceChange> {
  const {
    installation_id: installationId,
    ledger_id: ledgerId,
    sequence,
    withdrawn_sequences = [],
    reinstated_sequences = [],
  } = document;
  if (ledgerId === undefined) return NO_CHANGE;
  const key = { installationId, ledgerId };
  // If a document lists a sequence in both lists, the sequence counts as withdrawn.
  const reinstated = await removeWithdrawn(tx, key, reinstated_sequences, withdrawn_sequences);
  const newlyWithdrawn = await addWithdrawn(tx, key, withdrawn_sequences);
  const partsHeld =
    sequence === undefined ? 1 : await countParts(tx, key, { sequence, exportId, part }, facts);
  const wholeness = {
    wasWhole: facts.partsHeld > 0 && facts.partsHeld >= facts.partCount,
    isWhole: partsHeld >= part.count,
  };
  const added = sequence === undefined ? undefined : findNewGap(facts.highestSequence, sequence, wholeness);
  // A sequence above the highest one cannot be in a range.
  const isInRange = sequence !== undefined && sequence <= facts.highestSequence;
  const isFilled = isInRange && wholeness.isWhole && !wholeness.wasWhole;
  const filled = isFilled ? sequence : undefined;
  const points = [...newlyWithdrawn, ...reinstated, ...(filled === undefined ? [] : [filled])];
  const touched = points.length === 0 ? [] : await findRangesAt(tx, key, points);
  const earlier = added === undefined ? [] : await findWithdrawnIn(tx, key, added);
  const withdrawn = [...newlyWithdrawn, ...earlier];
  const change = changeGaps(touched, added, { filled, withdrawn, reinstated });
  await writeGaps(tx, key, change);
  return {
    partsHeld,
    partCount: part.count,
    missingDelta: change.missingDelta,
    withdrawnDelta: change.withdrawnDelta,
  };
}

/**
 * Returns how many parts of an export central holds, including the one about to be stored. A boat that splits an export into
 * smaller parts states the new count in its later parts, so the count in the latest part is correct. Parts are counted again only
 * when that count changes.
 */
async function countParts(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  {
    sequence,
    exportId,
    part,
  }: {
    readonly sequence: number;
    readonly exportId: string;
    readonly part: { readonly count: number };
  },
  { partsHeld, partCount }: LedgerFacts,
): Promise<number> {
  if (partsHeld === 0 || partCount === part.count) return partsHeld + 1;
  const [row = {}] = await tx.query(
    `select count(*)::float8 as stored, count(*) filter (where part_index <= $5::integer)::float8 as counted from imports
     where installation_id = $1::text and ledger_id = $2::text and sequence = $3::bigint and export_id = $4::text`,
    [installationId, ledgerId, sequence, exportId, part.count],
  );
  // `prune` removes the rows of an export only once it is complete, and it stays complete.
  if (partsHeld >= partCount && numberOf(row, 'stored') < partsHeld) return Math.max(partsHeld, part.count);
  return numberOf(row, 'counted') + 1;
}

/**
 * Removes the withdrawal of reinstated sequences that the same document does not withdraw, and returns those that were withdrawn.
 * R112: "Central MUST treat a withdrawn sequence as not withdrawn when a later document lists it in `reinstated_sequences`."
 */
async function removeWithdrawn(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  reinstated: readonly number[],
  withdrawn: readonly number[],
): Promise<readonly number[]> {
  const sequences = reinstated.filter((sequence) => !withdrawn.includes(sequence));
  if (sequences.length === 0) return [];
  const rows = await tx.query(
    `delete from withdrawn_sequences
     where installation_id = $1::text and ledger_id = $2::text and sequence = any($3::text::bigint[])
     returning sequence::float8 as sequence`,
    [installationId, ledgerId, toArrayLiteral(sequences)],
  );
  return rows.map((row) => numberOf(row, 'sequence'));
}

/**
 * Registers withdrawn sequences, and returns those new to central. A withdrawal stays valid until a document reinstates the
 * sequence (decisions 0027 and 0044).
 */
async function addWithdrawn(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  sequences: readonly number[],
): Promise<readonly number[]> {
  if (sequences.length === 0) return [];
  const rows = await tx.query(
    `insert into withdrawn_sequences (installation_id, ledger_id, sequence)
     select distinct $1::text, $2::text, s from unnest($3::text::bigint[]) as s
     on conflict do nothing returning sequence::float8 as sequence`,
    [installationId, ledgerId, toArrayLiteral(sequences)],
  );
  return rows.map((row) => numberOf(row, 'sequence'));
}

/** Returns the stored ranges that contain at least one of `sequences`. */
async function findRangesAt(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  sequences: readonly number[],
): Promise<readonly GapRange[]> {
  const rows = await tx.query(
    `select distinct g.first_sequence::float8 as first, g.last_sequence::float8 as last, g.is_withdrawn
     from unnest($3::text::bigint[]) as s, lateral (
       select first_sequence, last_sequence, is_withdrawn from ledger_gaps
       where installation_id = $1::text and ledger_id = $2::text and first_sequence <= s
       order by first_sequence desc limit 1) g
     where g.last_sequence >= s`,
    [installationId, ledgerId, toArrayLiteral(sequences)],
  );
  return rows.map((row) => ({
    first: numberOf(row, 'first'),
    last: numberOf(row, 'last'),
    isWithdrawn: booleanOf(row, 'is_withdrawn'),
  }));
}

async function findWithdrawnIn(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  range: Pick<GapRange, 'first' | 'last'>,
): Promise<readonly number[]> {
  const rows = await tx.query(
    `select sequence::float8 as sequence from withdrawn_sequences
     where installation_id = $1::text and ledger_id = $2::text and sequence between $3::bigint and $4::bigint`,
    [installationId, ledgerId, range.first, range.last],
  );
  return rows.map((row) => numberOf(row, 'sequence'));
}

/**
 * Updates a row whose first sequence stays the same, instead of removing and inserting it, so that one statement can write the
 * whole change.
 */
async function writeGaps(
  tx: Queryable,
  { installationId, ledgerId }: LedgerKey,
  { removed, inserted }: GapChange,
): Promise<void> {
  const kept = new Set(inserted.map(({ first }) => first));
  const deleted = removed.filter((first) => !kept.has(first));
  if (deleted.length > 0)
    await tx.query(
      `delete from ledger_gaps where installation_id = $1::text and ledger_id = $2::text
         and first_sequence = any($3::text::bigint[])`,
      [installationId, ledgerId, toArrayLiteral(deleted)],
    );
  if (inserted.length > 0)
    await tx.query(
      `insert into ledger_gaps (installation_id, ledger_id, first_sequence, last_sequence, is_withdrawn)
       select $1::text, $2::text, first, last, withdrawn
       from jsonb_to_recordset($3::text::jsonb) as r(first bigint, last bigint, withdrawn boolean)
       on conflict (installation_id, ledger_id, first_sequence) do update
       set last_sequence = excluded.last_sequence, is_withdrawn = excluded.is_withdrawn`,
      [
        installationId,
        ledgerId,
        JSON.stringify(
          inserted.map(({ first, last, isWithdrawn }) => ({ first, last, withdrawn: isWithdrawn })),
        ),
      ],
    );
}

function toArrayLiteral(values: readonly number[]): string {
  return `{${values.join(',')}}`;
}
