import type { Evidence } from './evidence.ts';
import type { LedgerFacts } from './ledger-facts.ts';

/**
 * Checks that every delivery is proven: central holds all parts of each export in the history, with the digests of the sent
 * bytes.
 */
export async function checkProofs(evidence: Evidence, ledger: LedgerFacts): Promise<void> {
  const { central, files, lost, violate } = evidence;
  const imports = await central.loadImports();
  for (const row of ledger.history()) {
    if (lost.exportIds.has(row.exportId) && !isNamedAgain(evidence, ledger, row)) continue;
    const stored = imports.get(row.exportId) ?? [];
    const last = stored.at(-1);
    const isWhole = last?.index === last?.count && stored.every((part, index) => part.index === index + 1);
    if (stored.length === 0 || !isWhole)
      violate(
        `${row.queueId} is in the history, but central holds only ${stored.length} of its ${last?.count ?? '?'} parts`,
      );
    const entry = ledger.find(row.queueId);
    const file = entry === undefined ? undefined : files.read(entry.exportFile);
    // An export without parts was sent as a complete file, unless it was numbered in a new ledger.
    if (file?.exportId === row.exportId && entry?.partSizeBytes === undefined && last?.sha256 !== file.sha256)
      violate(`${row.queueId} is in the history, but central stored different bytes`);
  }
}

/**
 * True if central reports the export as lost. Central reports neither an export of another ledger nor one that was withdrawn.
 * Later exports contained the records of a withdrawn export, and those of an export whose file was removed.
 */
function isNamedAgain(
  { events }: Evidence,
  ledger: LedgerFacts,
  { queueId, exportId }: { readonly queueId: string; readonly exportId: string },
): boolean {
  const entry = ledger.find(queueId);
  // A boat whose clock is set back may reuse a removed export's queue ID.
  if (entry?.exportId !== exportId) return false;
  const isWithdrawn = events.some(
    (event) =>
      event.kind === 'delivery' && event.event.kind === 'dead_lettered' && event.event.queueId === queueId,
  );
  return entry.sequence > 0 && entry.status === 'completed' && !isWithdrawn;
}
