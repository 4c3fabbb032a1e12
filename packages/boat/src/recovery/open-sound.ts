import { type Ledger, openLedger } from '../ledger/ledger.ts';
import type { LedgerDatabase, World } from '../platform/ports.ts';
import { isDamagedDatabase, quickCheck } from '../platform/sqlite-code.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/** The open ledger, or the damage that SQLite found in its file. */
export type OpenedLedger =
  { readonly kind: 'sound'; readonly ledger: Ledger } | { readonly kind: 'damaged'; readonly damage: string };

/**
 * Opens the ledger's file, and creates it if it does not exist. `ballast` is as in `Databases.openLedger`. If the ledger cannot be used,
 * closes the file. Throws LEDGER_TOO_NEW and the errors of `Databases.openLedger`, except for damage.
 */
export function openSound(
  world: Pick<World, 'databases' | 'random'>,
  paths: SpoolPaths,
  ballast: string | undefined,
): OpenedLedger {
  let database: LedgerDatabase | undefined;
  try {
    database = world.databases.openLedger(paths.ledger, ballast);
    const check = quickCheck(database.db);
    if (check === 'ok') return { kind: 'sound', ledger: openLedger(database, () => world.random.hex(8)) };
    database.close();
    return { kind: 'damaged', damage: check };
  } catch (error) {
    database?.close();
    if (isDamagedDatabase(error)) return { kind: 'damaged', damage: 'SQLite cannot open it' };
    throw error;
  }
}
