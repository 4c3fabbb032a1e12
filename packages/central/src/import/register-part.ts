import type { Receipt } from '@d3kos/protocol';
import type { Queryable, Row } from '../platform/ports.ts';
import { runStatement, toStatement } from '../store/database.ts';
import { numberOf, numberOrNullOf } from '../store/row.ts';
import { COUNT_IMPORT, toCountValues } from './count-import.ts';
import type { SequenceChange } from './gaps.ts';
import { INSERT_IMPORT, toImportValues } from './insert-import.ts';
import type { HoldingsChange } from './insert-records.ts';
import { NOTE_EXPORTS, NOTE_LEDGER, toLedgerValues } from './ledgers.ts';
import { COUNT_HOUR, removeOldHours, toFleetChange, toHourShard } from './note-fleet.ts';
import type { PartToStore } from './part-to-store.ts';
import type { Use } from './quota-policy.ts';
import { ADD_USE, toUseValues } from './usage.ts';

/**
 * The SQL for everything that an import writes besides records and gaps. Each module owns the fragment for its table. The
 * fragments do not see each other's writes, except through the named results.
 */
const REGISTER_PART = toStatement(`
with noted_ledger as (${NOTE_LEDGER}
), noted_exports as (${NOTE_EXPORTS}
), added_use as (${ADD_USE}
), inserted_import as (${INSERT_IMPORT}
), counted_import as (${COUNT_IMPORT}
), counted_hour as (${COUNT_HOUR}
)
select (select missing_count from noted_ledger)::float8 as missing, (select imports from counted_hour)::float8 as hour_imports`);

/** The facts and decisions that an import has gathered before it registers its part. */
export interface Registration {
  readonly receipt: Receipt;
  /** The row that was read under the lock. */
  readonly installation: Row;
  readonly use: Use;
  readonly newerLedgers: readonly string[];
  readonly isConcurrent: boolean;
  readonly sequences: SequenceChange;
  readonly holdings: HoldingsChange;
}

/**
 * Registers a part whose records and gaps are stored: its key and receipt, its ledger, the day's usage and all counters. The
 * caller holds the lock on the installation. Returns how many sequences of the ledger are missing, or undefined for a document
 * without a ledger.
 */
export async function registerPart(
  tx: Queryable,
  part: PartToStore,
  { receipt, installation, use, newerLedgers, isConcurrent, sequences, holdings }: Registration,
): Promise<number | undefined> {
  const fleet = toFleetChange(installation, part);
  const [row = {}] = await runStatement(tx, REGISTER_PART, {
    ...toImportValues(part, receipt),
    ...toLedgerValues(part, sequences, isConcurrent),
    ...toUseValues(part.receivedMs, use),
    ...toCountValues(installation, part, newerLedgers, holdings, fleet),
    shard: toHourShard(part.document.installation_id),
  });
  if (numberOf(row, 'hour_imports') === 1) await removeOldHours(tx, part);
  return numberOrNullOf(row, 'missing') ?? undefined;
}
