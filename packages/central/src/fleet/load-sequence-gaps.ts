import type { SequenceGaps } from '../api/schemas.ts';
import type { Queryable } from '../platform/ports.ts';
import { findSequenceGaps } from '../store/ledger-gaps.ts';
import { textOrNullOf } from '../store/row.ts';

/** Returns the exports of the newest ledger that central does not hold completely (docs/spec/protocol.md R60). */
export async function findGaps(store: Queryable, installationId: string): Promise<SequenceGaps> {
  const [newest] = await store.query(
    'select last_ledger_id from installations where installation_id = $1::text',
    [installationId],
  );
  const ledgerId = newest === undefined ? null : textOrNullOf(newest, 'last_ledger_id');
  if (ledgerId === null) return { ledger_id: null, missing_sequences: [], withdrawn_sequences: [] };
  const ledger = { installationId, ledgerId };
  return {
    ledger_id: ledgerId,
    missing_sequences: await findSequenceGaps(store, { ...ledger, kind: 'missing' }),
    withdrawn_sequences: await findSequenceGaps(store, { ...ledger, kind: 'withdrawn' }),
  };
}
