import type { Queryable } from '../platform/ports.ts';
import { numberOf } from './row.ts';

/**
 * Maximum number of sequences in one list of gaps. A boat that lost years of exports must not cause an answer of several
 * megabytes.
 */
export const GAPS_LISTED_MAX = 1_000;

/** Which of a ledger's sequences to list: the missing ones or the withdrawn ones. */
export interface GapQuery {
  readonly installationId: string;
  readonly ledgerId: string;
  readonly kind: 'missing' | 'withdrawn';
  /** Only sequences below this one are listed. Undefined for all. */
  readonly below?: number;
  /** Maximum number of sequences in the list, at most GAPS_LISTED_MAX. */
  readonly limit?: number;
}

/**
 * Returns the sequences of a ledger, up to its highest one, that central does not hold completely, lowest first. Missing
 * sequences are those that the boat did not withdraw. The cost depends only on `limit`. docs/spec/protocol.md R85: "Removing
 * receipts MUST NOT change what central reports about the sequences of a ledger."
 */
export async function findSequenceGaps(
  store: Queryable,
  { installationId, ledgerId, kind, below = Number.MAX_SAFE_INTEGER, limit = GAPS_LISTED_MAX }: GapQuery,
): Promise<readonly number[]> {
  const listedMax = Math.min(limit, GAPS_LISTED_MAX);
  const rows = await store.query(
    `select first_sequence::float8 as first, last_sequence::float8 as last from ledger_gaps
     where installation_id = $1::text and ledger_id = $2::text and first_sequence < $3::bigint
       and ${kind === 'missing' ? 'not is_withdrawn' : 'is_withdrawn'}
     order by first_sequence limit $4::int`,
    [installationId, ledgerId, below, listedMax],
  );
  const sequences: number[] = [];
  for (const row of rows) {
    const last = Math.min(numberOf(row, 'last'), below - 1);
    for (let sequence = numberOf(row, 'first'); sequence <= last; sequence += 1) {
      if (sequences.length >= listedMax) return sequences;
      sequences.push(sequence);
    }
  }
  return sequences;
}
