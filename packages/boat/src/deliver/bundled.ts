import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';

/** The fact that names the exports which may be on a stick, separated by spaces. */
const BUNDLED_FACT = 'bundled_exports';

/**
 * Writes down that these exports may reach central on a stick: before any of them is sent, central is asked what it holds.
 * Durable when it returns. Exports that wait no more are forgotten with it, so what is kept is bounded by the queue.
 */
export function markBundled(ledger: Ledger, entries: readonly Entry[]): void {
  const open = new Set(
    (['pending', 'uploading', 'failed'] as const).flatMap((status) =>
      ledger.queue.list(status).map(({ exportId }) => exportId),
    ),
  );
  const known = (ledger.facts.get(BUNDLED_FACT) ?? '').split(' ').filter((exportId) => open.has(exportId));
  const all = new Set([...known, ...entries.map(({ exportId }) => exportId)]);
  ledger.facts.record(BUNDLED_FACT, [...all].join(' '));
}

/** True for an export that was written to a stick since it was made. A lost mark costs bytes sent twice, never a record. */
export function isBundled(ledger: Ledger, exportId: string): boolean {
  return (ledger.facts.get(BUNDLED_FACT) ?? '').split(' ').includes(exportId);
}
