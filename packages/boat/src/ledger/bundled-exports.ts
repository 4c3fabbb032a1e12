import type { LedgerDatabase } from '../platform/ports.ts';

/**
 * Exports for which central may hold parts that the queue does not list as acknowledged, either because the export is in an
 * offline bundle or because central has lost other parts of it. Before the boat sends one of these exports, it queries which
 * parts central holds.
 */
export interface BundledExports {
  /** Durably marks exports. Also unmarks delivered exports, so that the table never outgrows the queue. */
  mark(exportIds: readonly string[]): void;
  /** Returns true if the export is marked. If a mark is lost, parts are sent twice, but no record is lost. */
  has(exportId: string): boolean;
}

export function createBundledExports(ledger: LedgerDatabase): BundledExports {
  const { db } = ledger;
  const insert = db.prepare('INSERT INTO bundled_exports (export_id) VALUES (?) ON CONFLICT DO NOTHING');
  const prune = db.prepare(
    `DELETE FROM bundled_exports
     WHERE export_id NOT IN (SELECT export_id FROM entries WHERE status IN ('pending', 'failed'))`,
  );
  const select = db.prepare('SELECT 1 FROM bundled_exports WHERE export_id = ?');
  return {
    mark: (exportIds) =>
      ledger.transaction(() => {
        for (const exportId of exportIds) insert.run(exportId);
        prune.run();
      }),
    has: (exportId) => select.get(exportId) !== undefined,
  };
}
