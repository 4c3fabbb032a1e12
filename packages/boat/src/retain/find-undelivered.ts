import type { RejectedRecord } from '@d3kos/protocol';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { REJECTED_RECORDS_KEPT_MAX } from '../ledger/kept-receipt.ts';
import { isExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { toLineKind } from '../spool/policy.ts';
import { readLines } from '../spool/read-lines.ts';

/**
 * Maximum number of record identities compared in one pass over the delivered files. It limits memory to about 20 MB, however
 * large the failed file is.
 */
const IDENTITIES_PER_PASS_MAX = 100_000;
/** Length of a line prefix that always contains the record's ID: up to 300 characters, each up to 6 bytes when escaped. */
const RECORD_START_BYTES = 2_048;

/**
 * Returns the number of records in a failed entry's file that no later delivered export contains. 0 proves that central received
 * all of them in later exports. If the failed file is missing or unreadable, all of its records count as undelivered. A delivered
 * export proves nothing if its receipts do not list every rejected record.
 */
export async function findUndelivered(
  disk: Disk,
  clock: Clock,
  ledger: Ledger,
  failed: Entry,
): Promise<number> {
  if ((await disk.stat(failed.exportFile)) === undefined) return Math.max(1, failed.recordCount);
  const history = new Map(ledger.queue.history(Number.MAX_SAFE_INTEGER).map((row) => [row.exportId, row]));
  const later = ledger.queue.list('completed').filter((entry) => entry.entryNo > failed.entryNo);
  let undelivered = 0;
  const isRead = await isReadable(async () => {
    for await (const identities of identitiesInPasses(disk, clock, failed.exportFile)) {
      for (const entry of later) {
        if (identities.size === 0) break;
        const rejectedRecords = history.get(entry.exportId)?.rejectedRecords;
        if (rejectedRecords === undefined || !areAllNamed(rejectedRecords)) continue;
        const rejected = new Set(
          rejectedRecords.map(({ category, record_id }) => `${category} ${record_id}`),
        );
        // If reading the file fails halfway, the records read so far still count as delivered.
        await isReadable(async () => {
          for await (const identity of identitiesOf(disk, clock, entry.exportFile))
            if (!rejected.has(identity)) identities.delete(identity);
        });
      }
      undelivered += identities.size;
    }
  });
  return isRead ? undelivered : Math.max(1, failed.recordCount);
}

/** Runs `read`. Returns false if the file cannot be read from the card, so that the search can continue with other files. */
async function isReadable(read: () => Promise<void>): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (!isExportError(error, 'DISK_FAILED')) throw error;
    return false;
  }
}

/**
 * Returns true if the list of rejected records is complete. Receipts list only a limited number of them: a full list, or an item
 * of category "*", means that there may be more.
 */
function areAllNamed(rejectedRecords: readonly RejectedRecord[]): boolean {
  return (
    rejectedRecords.length < REJECTED_RECORDS_KEPT_MAX &&
    rejectedRecords.every(({ category }) => category !== '*')
  );
}

async function* identitiesInPasses(
  disk: Disk,
  clock: Clock,
  path: string,
): AsyncGenerator<Set<string>, void, void> {
  let pass = new Set<string>();
  for await (const identity of identitiesOf(disk, clock, path)) {
    pass.add(identity);
    if (pass.size < IDENTITIES_PER_PASS_MAX) continue;
    yield pass;
    pass = new Set();
  }
  if (pass.size > 0) yield pass;
}

/**
 * Yields `<category> <record_id>` for every record in a file except telemetry samples, which later exports do not contain again.
 */
async function* identitiesOf(disk: Disk, clock: Clock, path: string): AsyncGenerator<string, void, void> {
  let category = '';
  for await (const { bytes } of readLines(disk, clock, path)) {
    const start = Buffer.from(bytes.subarray(0, RECORD_START_BYTES)).toString('utf8');
    const line = toLineKind(start);
    if (line?.kind === 'open') category = line.category;
    if (line?.kind !== 'record' || category === 'telemetry') continue;
    const recordId = /^\{"record_id":("(?:[^"\\]|\\.)*")/.exec(start)?.[1];
    // If the ID cannot be parsed, the whole line is used. It matches nothing, so the file is kept.
    yield `${category} ${(recordId && parseText(recordId)) ?? Buffer.from(bytes).toString('utf8')}`;
  }
}

/** Parses a JSON string. Returns undefined if the text is invalid, because a disk can damage a line anywhere. */
function parseText(json: string): string | undefined {
  try {
    return String(JSON.parse(json));
  } catch {
    // JSON.parse throws only SyntaxError.
    return undefined;
  }
}
