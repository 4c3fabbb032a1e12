import type { CategoryMoves, NewEntry } from '../ledger/entry.ts';
import type { WallMs } from '../platform/ports.ts';

/** Returns a boat's `n`-th export, ready for `enqueue`. Its file does not exist. */
export function newEntry(n: number, over: Partial<NewEntry> = {}): NewEntry {
  return {
    queueId: `q_20260220_10053${n}`,
    exportId: `exp_${n}`,
    exportFile: `/x/export_${n}.json`,
    exportType: 'incremental',
    trigger: 'manual',
    tier: 2,
    sequence: n,
    categoryCount: 9,
    recordCount: 3,
    categories: {},
    fileSizeBytes: 100,
    createdAtMs: (1_000 * n) as WallMs,
    ...over,
  };
}

/** Returns the cursor move for an export with the boatlog rows after `from`, up to and including `to`. */
export const boatlogMove = (from: number | undefined, to: number): CategoryMoves => ({
  category: 'boatlog',
  cursors: [
    {
      source: 'main',
      from: from === undefined ? undefined : { position: from, check: `row ${from}` },
      to: { position: to, check: `row ${to}` },
    },
  ],
  digests: [],
});
