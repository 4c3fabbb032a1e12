import type { SequenceGaps } from '../api/schemas.ts';
import type { Store } from '../platform/ports.ts';
import { booleanOf, numberOf, textOrNullOf } from '../store/row.ts';

/** One export of a ledger. */
interface SequenceFacts {
  readonly sequence: number;
  /** Whether central holds every part of it. */
  readonly isComplete: boolean;
}

/**
 * A boat that cuts an export into smaller parts states the new count in its later parts, so the latest `part_count` is correct.
 */
const EXPORTS_SQL = `
select sequence::float8 as sequence,
  count(*) filter (where part_index <= part_count_newest) >= max(part_count_newest) as is_complete
from (select sequence, export_id, part_index, first_value(part_count) over
        (partition by sequence, export_id order by received_at desc, part_index desc) as part_count_newest
      from imports where installation_id = $1::text and ledger_id = $2::text and sequence is not null) parts
group by sequence, export_id order by sequence`;

/**
 * Returns the gaps of the newest ledger, computed from every import, for comparison with the state that imports maintain. The
 * lists are not bounded. `withdrawnByLedger` lists the withdrawn sequences of each ledger.
 */
export async function recomputeGaps(
  store: Store,
  installationId: string,
  withdrawnByLedger: ReadonlyMap<string, ReadonlySet<number>>,
): Promise<SequenceGaps> {
  const [newest = {}] = await store.query(
    'select last_ledger_id from installations where installation_id = $1::text',
    [installationId],
  );
  const ledgerId = textOrNullOf(newest, 'last_ledger_id');
  const exports = await store.query(EXPORTS_SQL, [installationId, ledgerId]);
  const found = findMissingSequences(
    exports.map((row) => ({
      sequence: numberOf(row, 'sequence'),
      isComplete: booleanOf(row, 'is_complete'),
    })),
    withdrawnByLedger.get(ledgerId ?? '') ?? new Set(),
  );
  return { ledger_id: ledgerId, missing_sequences: found.missing, withdrawn_sequences: found.withdrawn };
}

/**
 * Returns the sequences from 1 to the highest that central does not hold completely. `exports` must be in ascending order of
 * sequence.
 */
function findMissingSequences(exports: readonly SequenceFacts[], withdrawnSequences: ReadonlySet<number>) {
  const missing: number[] = [];
  const withdrawn: number[] = [];
  let expected = 1;
  const list = (sequence: number) => (withdrawnSequences.has(sequence) ? withdrawn : missing).push(sequence);
  for (const { sequence, isComplete } of exports) {
    for (; expected < sequence; expected += 1) list(expected);
    if (!isComplete) list(sequence);
    expected = sequence + 1;
  }
  return { missing, withdrawn };
}
