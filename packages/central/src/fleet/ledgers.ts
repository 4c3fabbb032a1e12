import type { Queryable } from '../platform/ports.ts';
import { numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';

/** One of an installation's ledgers. Times are central's own. */
export interface LedgerSummary {
  readonly ledger_id: string;
  readonly first_received_at: string;
  readonly last_received_at: string;
  readonly highest_sequence: number | null;
  /** Every sequence up to and including this one is either held completely or withdrawn. */
  readonly held_through: number | null;
  /**
   * When an export was last refused because its sequence belongs to another export. The cause is a card that was copied or
   * restored from an image.
   */
  readonly diverged_at: string | null;
  /**
   * When the ledger last sent a new export although a newer ledger existed. The cause is two machines that use one installation
   * ID.
   */
  readonly concurrent_at: string | null;
}

/** Maximum number of ledgers in one list. A boat begins a new ledger when its card is replaced, restored or damaged. */
const LEDGERS_LISTED_MAX = 50;

/** Returns an installation's ledgers, newest first. */
export async function listLedgers(
  store: Queryable,
  installationId: string,
): Promise<readonly LedgerSummary[]> {
  const rows = await store.query(
    `select ledger_id, ${utcText('first_received_at')} as first_received_at,
       ${utcText('last_received_at')} as last_received_at, highest_sequence::float8 as highest_sequence,
       held_through::float8 as held_through,
       ${utcText('diverged_at')} as diverged_at, ${utcText('concurrent_at')} as concurrent_at
     from ledgers where installation_id = $1::text order by ledger_no desc limit $2::int`,
    [installationId, LEDGERS_LISTED_MAX],
  );
  return rows.map((row) => ({
    ledger_id: textOf(row, 'ledger_id'),
    first_received_at: textOf(row, 'first_received_at'),
    last_received_at: textOf(row, 'last_received_at'),
    highest_sequence: numberOrNullOf(row, 'highest_sequence'),
    held_through: numberOrNullOf(row, 'held_through'),
    diverged_at: textOrNullOf(row, 'diverged_at'),
    concurrent_at: textOrNullOf(row, 'concurrent_at'),
  }));
}
