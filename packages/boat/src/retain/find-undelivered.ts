import type { RejectedRecord } from '@d3kos/protocol';
import type { Entry } from '../ledger/entry.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { REJECTED_RECORDS_KEPT_MAX } from '../ledger/history.ts';
import { isExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { toLineKind } from '../spool/policy.ts';
import { readLines } from '../spool/read-lines.ts';

/** Identities looked up in one pass over the delivered files: about 20 MB of memory, whatever the size of the failed file. */
const IDENTITIES_PER_PASS_MAX = 100_000;
/** Enough of a record line to hold its identity: 300 characters, each up to 6 bytes as an escape. */
const RECORD_START_BYTES = 2_048;

/**
 * How many records of a failed entry's file are not in any delivered export's file: 0 proves that all of them reached
 * central some other way. What cannot be looked at proves nothing: a file that is gone counts as undelivered whole, and so
 * does what an export delivered in whose receipts not every rejected record is named.
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
        // Of one that breaks off, what was read was delivered all the same.
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

/** False where the card does not give a file; another one's is no reason to look at none. */
async function isReadable(read: () => Promise<void>): Promise<boolean> {
  try {
    await read();
    return true;
  } catch (error) {
    if (!isExportError(error, 'DISK_FAILED')) throw error;
    return false;
  }
}

/** Receipts name rejected records one by one up to a limit; a full list, or a line of category "*", stands for more. */
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

/** `<category> <record_id>` of every record in a file, telemetry samples left out: a sample is a moment, not a thing to deliver again. */
async function* identitiesOf(disk: Disk, clock: Clock, path: string): AsyncGenerator<string, void, void> {
  let category = '';
  for await (const { bytes } of readLines(disk, clock, path)) {
    const start = Buffer.from(bytes.subarray(0, RECORD_START_BYTES)).toString('utf8');
    const line = toLineKind(start);
    if (line?.kind === 'open') category = line.category;
    if (line?.kind !== 'record' || category === 'telemetry') continue;
    const recordId = /^\{"record_id":("(?:[^"\\]|\\.)*")/.exec(start)?.[1];
    // An identity that cannot be read is its whole line: it matches nothing, so its file is kept.
    yield `${category} ${recordId === undefined ? Buffer.from(bytes).toString('utf8') : (JSON.parse(recordId) as string)}`;
  }
}
