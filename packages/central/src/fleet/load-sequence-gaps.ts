import type { SequenceGaps } from '../api/schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { booleanOf, numberOf, textOrNullOf } from '../store/row.ts';
import { findMissingSequences, type SequenceFacts } from './missing-sequences.ts';

/** Returns the exports of the newest ledger that central does not hold whole (docs/spec/protocol.md R60). */
export async function findGaps(store: Queryable, installationId: string): Promise<SequenceGaps> {
  const [newest] = await store.query(
    'select last_ledger_id from installations where installation_id = $1::text',
    [installationId],
  );
  const ledgerId = newest === undefined ? null : textOrNullOf(newest, 'last_ledger_id');
  if (ledgerId === null) return { ledger_id: null, missing_sequences: [], withdrawn_sequences: [] };
  const { missing, withdrawn } = findMissingSequences(
    await findExports(store, installationId, ledgerId),
    await findWithdrawn(store, installationId, ledgerId),
  );
  return { ledger_id: ledgerId, missing_sequences: missing, withdrawn_sequences: withdrawn };
}

/**
 * A boat that cuts an export into smaller parts names the new number in its later parts, so the newest `part_count` is the
 * right one.
 */
const EXPORTS_SQL = `
select sequence::float8 as sequence,
  count(*) filter (where part_index <= part_count_newest) >= max(part_count_newest) as is_complete
from (select sequence, export_id, part_index, first_value(part_count) over
        (partition by sequence, export_id order by received_at desc, part_index desc) as part_count_newest
      from imports where installation_id = $1::text and ledger_id = $2::text and sequence is not null) parts
group by sequence, export_id order by sequence`;

async function findExports(
  store: Queryable,
  installationId: string,
  ledgerId: string,
): Promise<readonly SequenceFacts[]> {
  const rows = await store.query(EXPORTS_SQL, [installationId, ledgerId]);
  return rows.map((row) => ({
    sequence: numberOf(row, 'sequence'),
    isComplete: booleanOf(row, 'is_complete'),
  }));
}

/** Returns the sequences that exports of a ledger named as withdrawn (decision 0027). */
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
