import type { StatementSync } from 'node:sqlite';
import type { Receipt } from '@d3kos/protocol';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type { Cursors } from './cursors.ts';
import type { Digests } from './digests.ts';
import type { Entry, PartRow } from './entry.ts';
import type { History } from './history.ts';
import type { HandledReport, MissingExports } from './missing-exports.ts';
import { toKeptReceipt } from './kept-receipt.ts';
import type { Parts } from './parts.ts';
import type { QueueReads } from './queue-reads.ts';
import type { WireMonths } from './wire-months.ts';

/** A part that central holds, and the number of bytes sent since the part's entry last changed. */
export interface AcknowledgedPart {
  readonly partIndex: number;
  readonly receipt: Receipt;
  readonly atMs: WallMs;
  readonly wireSizeBytes: number;
  /** The sequences that central reports as missing. Undefined if its answer had no list. */
  readonly missing?: readonly number[] | undefined;
}

/** A completed export, and what was done about lost exports listed in central's last answer. */
export interface Completed {
  readonly entry: Entry;
  readonly report: HandledReport | undefined;
}

/**
 * Records delivery results. Each operation is one transaction: once it returns, it is durable; if it throws, it has no effect.
 */
export interface QueueOutcomes {
  /**
   * Returns an `uploading` entry to pending. `spent` is the new number of used attempts, and `refusals` the new number of
   * refusals by an intermediary. Undefined leaves the number unchanged.
   */
  putBack(
    entryNo: number,
    why: {
      readonly spent?: number;
      readonly refusals?: number;
      readonly nextRetryAtMs: WallMs;
      readonly lastError: string;
      readonly wireSizeBytes: number;
      readonly atMs: WallMs;
    },
  ): void;
  /** Adds the size of request bodies that were sent without a result that another operation records. */
  addSent(entryNo: number, sizeBytes: number, atMs: WallMs): void;
  /**
   * Records the parts of the entry, replacing its earlier unacknowledged parts. Resets the attempts and refusals to 0, because
   * none of these parts has been sent before.
   */
  plan(entryNo: number, partSizeBytes: number, parts: readonly Pick<PartRow, 'index' | 'slices'>[]): void;
  /**
   * Records that central holds the part, and resets the attempts and refusals to 0. The same transaction handles exports that
   * central has lost, so that central's list survives a power cut. Returns what was done about them.
   */
  acknowledge(entryNo: number, acknowledged: AcknowledgedPart): HandledReport | undefined;
  /** Removes the receipts for the entry's parts, because central no longer holds what it confirmed. Returns the parts. */
  reopenParts(entryNo: number): readonly PartRow[];
  /**
   * Like `acknowledge`, for the last part: also completes the entry and adds it to the history. If the export was delivered
   * before, replaces its row in the history.
   */
  complete(entryNo: number, acknowledged: AcknowledgedPart): Completed;
  /** Fails the entry with a reason and rewinds its ranges. `archiveFile` is the new path of its file. */
  fail(
    entryNo: number,
    why: { readonly atMs: WallMs; readonly reason: string; readonly archiveFile: string },
  ): Entry;
}

export interface OutcomeTables {
  readonly cursors: Cursors;
  readonly digests: Digests;
  readonly parts: Parts;
  readonly history: History;
  readonly months: WireMonths;
  readonly missing: MissingExports;
}

/**
 * Creates the operations. When an entry returns to pending, completes or fails, it is removed from `uploading` after the commit.
 */
export function createQueueOutcomes(
  ledger: LedgerDatabase,
  { cursors, digests, parts, history, months, missing }: OutcomeTables,
  reads: QueueReads,
  uploading: Set<number>,
): QueueOutcomes {
  const statements = prepareOutcomes(ledger);
  const addWire = (entryNo: number, sizeBytes: number, atMs: WallMs): void => {
    if (sizeBytes > 0) statements.addWire.run(sizeBytes, entryNo);
    months.add(atMs, sizeBytes);
  };
  const handleMissing = createHandleMissing(missing, reads);
  const endUpload = <T>(entryNo: number, work: () => T): T => {
    const result = ledger.transaction(work);
    uploading.delete(entryNo);
    return result;
  };
  return {
    putBack: (entryNo, { spent, refusals, nextRetryAtMs, lastError, wireSizeBytes, atMs }) =>
      endUpload(entryNo, () => {
        addWire(entryNo, wireSizeBytes, atMs);
        const counts = [spent ?? null, refusals ?? null] as const;
        mustChange(statements.setPending.run(...counts, nextRetryAtMs, lastError, entryNo), entryNo);
      }),
    addSent: (entryNo, sizeBytes, atMs) => ledger.transaction(() => addWire(entryNo, sizeBytes, atMs)),
    plan: (entryNo, partSizeBytes, planned) =>
      ledger.transaction(() => {
        statements.setPartSize.run(partSizeBytes, entryNo);
        parts.plan(entryNo, planned);
      }),
    acknowledge: (entryNo, acknowledged) =>
      ledger.transaction(() => {
        const { partIndex, receipt, atMs, wireSizeBytes } = acknowledged;
        addWire(entryNo, wireSizeBytes, atMs);
        parts.acknowledge(entryNo, partIndex, JSON.stringify(toKeptReceipt(receipt)), atMs);
        statements.resetAttempts.run(entryNo);
        return handleMissing(entryNo, acknowledged);
      }),
    reopenParts: (entryNo) => ledger.transaction(() => parts.reopen(entryNo)),
    complete: (entryNo, acknowledged) =>
      endUpload(entryNo, () => {
        const { partIndex, receipt, atMs, wireSizeBytes } = acknowledged;
        const before = mustGet(reads, entryNo);
        const lastReceipt = JSON.stringify(toKeptReceipt(receipt));
        let receipts: readonly Receipt[] = [receipt];
        // An export that is sent as one part has no rows in `parts`, and its only receipt is stored in the history.
        if (before.partSizeBytes !== undefined) {
          parts.acknowledge(entryNo, partIndex, lastReceipt, atMs);
          const planned = parts.receipts(entryNo);
          if (planned.length > 0) receipts = planned;
        }
        months.add(atMs, wireSizeBytes);
        const entry = { ...before, wireSizeBytes: before.wireSizeBytes + wireSizeBytes };
        history.insert({ entry, atMs, receipts, lastReceipt });
        mustChange(statements.setCompleted.run(atMs, wireSizeBytes, entryNo), entryNo);
        return {
          entry: { ...entry, status: 'completed', retryCount: 0, refusalCount: 0, completedAtMs: atMs },
          report: handleMissing(entryNo, acknowledged),
        };
      }),
    fail: (entryNo, { atMs, reason, archiveFile }) =>
      endUpload(entryNo, () => {
        mustChange(statements.setFailed.run(atMs, reason, archiveFile, entryNo), entryNo);
        cursors.rewindRanges(entryNo);
        digests.rewind(entryNo);
        return { ...mustGet(reads, entryNo), status: 'failed' };
      }),
  };
}

/**
 * Creates a function that handles an answer's list of missing sequences. The list refers to the part's ledger, so it is ignored
 * if that is not the current ledger.
 */
function createHandleMissing(missing: MissingExports, reads: QueueReads) {
  return (entryNo: number, acknowledged: AcknowledgedPart): HandledReport | undefined => {
    if (acknowledged.missing === undefined) return undefined;
    const { sequence } = mustGet(reads, entryNo);
    if (sequence === 0) return undefined;
    return missing.handle({ sequence, missing: acknowledged.missing, atMs: acknowledged.atMs });
  };
}

type OutcomeStatements = Readonly<
  Record<
    'setPending' | 'setPartSize' | 'resetAttempts' | 'setCompleted' | 'setFailed' | 'addWire',
    StatementSync
  >
>;

function prepareOutcomes({ db }: LedgerDatabase): OutcomeStatements {
  return {
    setPending: db.prepare(
      `UPDATE entries SET retry_count = coalesce(?, retry_count), refusal_count = coalesce(?, refusal_count),
         next_retry_at_ms = ?, last_error = ?
       WHERE entry_no = ? AND status = 'pending'`,
    ),
    setPartSize: db.prepare(
      'UPDATE entries SET part_size_bytes = ?, retry_count = 0, refusal_count = 0 WHERE entry_no = ?',
    ),
    resetAttempts: db.prepare(
      'UPDATE entries SET retry_count = 0, refusal_count = 0, last_error = NULL WHERE entry_no = ?',
    ),
    setCompleted: db.prepare(
      `UPDATE entries SET status = 'completed', completed_at_ms = ?, retry_count = 0, refusal_count = 0,
         wire_size_bytes = wire_size_bytes + ?
       WHERE entry_no = ? AND status = 'pending'`,
    ),
    setFailed: db.prepare(
      `UPDATE entries SET status = 'failed', failed_at_ms = ?, last_error = ?, export_file = ?
       WHERE entry_no = ? AND status = 'pending'`,
    ),
    addWire: db.prepare('UPDATE entries SET wire_size_bytes = wire_size_bytes + ? WHERE entry_no = ?'),
  };
}

/** Throws if the statement did not change exactly one row, because an operation on an entry in the wrong state is a bug. */
export function mustChange({ changes }: { readonly changes: number | bigint }, entryNo: number): void {
  if (Number(changes) !== 1)
    throw new Error(`entry ${entryNo} is not in the state that this change requires`);
}

/** Returns the entry. Throws if it does not exist. */
export function mustGet(reads: QueueReads, entryNo: number): Entry {
  const entry = reads.get(entryNo);
  if (entry === undefined) throw new Error(`the ledger has no entry ${entryNo}`);
  return entry;
}
