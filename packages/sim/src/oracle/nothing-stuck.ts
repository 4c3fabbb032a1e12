import { HELD_DIFFERENTLY_VERDICT } from '../../../boat/src/deliver/policy/verdict.ts';
import type { Evidence } from './evidence.ts';
import { isCutSmaller } from './evidence.ts';
import type { LedgerEntry, LedgerFacts } from './ledger-facts.ts';

/** Checks that no export is waiting after a day without faults. */
export function checkNothingWaits({ violate }: Evidence, ledger: LedgerFacts): void {
  if (ledger.waitingCount() === 0) return;
  const waiting = [...ledger.list('pending'), ...ledger.list('uploading')];
  violate(
    waiting.map((entry) => `${entry.queueId} is still waiting (${entry.lastError ?? 'no error'})`).join(', '),
    'after the calm day',
  );
}

/** Checks that each failed export failed for an allowed reason. */
export function checkFailures(evidence: Evidence, ledger: LedgerFacts): void {
  const lostFiles = ledger.lostFiles();
  for (const entry of ledger.list('failed'))
    if (
      !isExplained(evidence, entry) &&
      !mayConflict(evidence, entry) &&
      !lostFiles.has(entry.exportFile) &&
      !isRequeuedWithoutFile(evidence, entry)
    )
      evidence.violate(`${entry.queueId} failed without an allowed reason: ${entry.lastError}`);
}

/** Checks that no export fails again after the owner retried the failed exports on a day without faults. */
export function checkRetriesSucceeded(evidence: Evidence, ledger: LedgerFacts): void {
  const again = ledger
    .list('failed')
    .filter((entry) => evidence.files.read(entry.exportFile) !== undefined && !mayConflict(evidence, entry));
  if (again.length > 0) evidence.violate(`${again.length} exports failed again on a calm day`);
}

/**
 * Checks that central never answers an import with 400 or 415, and with 409 only if the parts were cut differently or the card
 * was restored from an image.
 */
export function checkImportAnswers({ importAnswers, events, violate }: Evidence): void {
  const isAnyCutSmaller = events.some(
    (event) => event.kind === 'delivery' && event.event.kind === 'parts_cut',
  );
  const isRestored = events.some(({ kind }) => kind === 'card_restored' || kind === 'card_copied');
  for (const [status, count] of importAnswers.counts)
    if ((status === 409 && !isAnyCutSmaller && !isRestored) || status === 400 || status === 415)
      violate(`central answered ${count} imports with ${status}`);
}

/** True if the owner cancelled the export, central rejected it permanently, or no attempt was left. */
function isExplained({ events, files, importAnswers }: Evidence, entry: LedgerEntry): boolean {
  const { queueId, exportId } = entry;
  // Central may have rejected the export before it was numbered in a new ledger.
  const formerId = files.readOf(entry)?.exportId ?? exportId;
  if (importAnswers.hasRejected(exportId) || importAnswers.hasRejected(formerId)) return true;
  return events.some((event) => {
    if (event.kind === 'cancel_requested') return event.queueId === queueId;
    if (event.kind !== 'delivery' || event.event.kind !== 'attempt_spent') return false;
    return event.event.queueId === queueId && event.event.next.kind === 'dead_letter';
  });
}

/**
 * A delivered export may be requeued although retention has removed its file, if the card was full before the removal was
 * recorded. It then fails, and the next export contains its records, as for any export without a file.
 */
function isRequeuedWithoutFile({ events, files }: Evidence, { sequence, exportFile }: LedgerEntry): boolean {
  const isRequeued = events.some(
    (event) =>
      event.kind === 'delivery' &&
      event.event.kind === 'missing_reported' &&
      event.event.report.requeued.includes(sequence),
  );
  return isRequeued && files.read(exportFile) === undefined;
}

/**
 * An export may be refused with 409 if its parts were cut differently after earlier parts had left the boat on a USB drive or
 * in a late request, and if the earlier parts arrive first (decisions 0020 and 0024). The boat itself fails the export if its
 * card was restored to a state in which the export had not yet been cut and the link does not carry the larger part.
 */
function mayConflict(evidence: Evidence, entry: LedgerEntry): boolean {
  const { queueId, exportId } = entry;
  const formerId = evidence.files.readOf(entry)?.exportId ?? exportId;
  const isHeldDifferently = evidence.events.some(
    (event) =>
      event.kind === 'delivery' &&
      event.event.kind === 'rejected' &&
      event.event.queueId === queueId &&
      event.event.detail === HELD_DIFFERENTLY_VERDICT.detail,
  );
  if (isHeldDifferently && evidence.events.some(({ kind }) => kind === 'card_restored')) return true;
  const isAnswered = [exportId, formerId].some((id) => evidence.importAnswers.hasAnswered(id, 409));
  // The other boat may have cut a waiting export from the copied card differently.
  return isAnswered && (isCutSmaller(evidence, queueId) || evidence.peer !== undefined);
}
