import { readFileSync } from 'node:fs';
import type { Cursor } from '../collect/cursor.ts';
import type { Loss } from '../ledger/losses.ts';
import type { LedgerDatabase } from '../platform/ports.ts';

/**
 * Earlier ledger versions that boats may still have. Each file was written by the code of its version (`ledgers/generate.ts`).
 */
export const EARLIER_VERSIONS = [1, 2, 3, 4, 5] as const;
export type EarlierVersion = (typeof EARLIER_VERSIONS)[number];

/** Values that the earlier version's code read from its ledger. Absent values are null, as in JSON. */
export interface Observed {
  readonly ledgerId: string;
  readonly nextSequence: number;
  /** Entries 1 to 7; entry 1 was delivered and removed. */
  readonly entries: readonly (Readonly<Record<string, unknown>> | null)[];
  /** For each part of entries 2 and 5, whether it is acknowledged. */
  readonly parts: readonly (readonly boolean[])[];
  /** The cursors of the boatlog sources `main` and `other`. */
  readonly cursors: readonly (Cursor | null)[];
  readonly settings: string;
  /** The digest of each entry's alert. */
  readonly alerts: readonly (string | null)[];
  readonly monthBytes: number;
  readonly history: readonly string[];
  readonly losses: readonly Loss[];
  readonly slots: readonly string[];
}

/** Fills an empty database with an earlier version's ledger, and returns the values that the earlier code read from it. */
export function writeEarlierLedger(database: LedgerDatabase, version: EarlierVersion): Observed {
  const sql = readFileSync(new URL(`ledgers/version-${version}.sql`, import.meta.url), 'utf8');
  database.transaction(() => database.db.exec(sql));
  // `ledgers/generate.ts` writes the JSON as a comment in the first line.
  return JSON.parse(sql.slice('-- '.length, sql.indexOf('\n'))) as Observed;
}
