import { describeLedgerChange } from '../deliver/policy/divergence.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { toLegacyTime } from '../ledger/labels.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { isDamagedDatabase, quickCheck, sqliteCode } from '../platform/sqlite-code.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';
import {
  type Finding,
  isSameList,
  orOk,
  toComparableEntry,
  toComparableQueue,
  toQueueIds,
} from './policy.ts';

/** Maximum size of a view that the doctor reads, in bytes. 10,000 delivered exports take about 6 MB. */
const VIEW_SIZE_MAX_BYTES = 64 * 1024 * 1024;
/** Maximum number of delivered exports in the history view. */
const HISTORY_VIEW_MAX = 10_000;
/**
 * The views are updated within a second of a ledger change. A difference that lasts longer than this is reported as a problem.
 */
const VIEWS_BEHIND_MAX_MS = 2_000;
/** Number of entries read at once. */
const PAGE_ENTRIES = 500;

/**
 * Runs SQLite's quick check on the ledger, over the open connection if there is one. `openSource` would read the file through a
 * separate descriptor. Closing that releases the connection's locks, so another program could remove the WAL with its commits.
 */
export async function examineLedgerFile(
  { disk, databases }: Pick<World, 'disk' | 'databases'>,
  paths: SpoolPaths,
  ledger: Ledger | undefined,
): Promise<Finding> {
  const facts = await disk.stat(paths.ledger);
  if (facts === undefined)
    return {
      check: 'ledger',
      level: 'note',
      message: 'There is no ledger yet',
      hint: 'The first start of the export manager creates it.',
    };
  const damaged = (what: string): Finding => ({
    check: 'ledger',
    level: 'problem',
    message: `The ledger is damaged: ${what}`,
    hint: 'Restart the export manager, which quarantines the ledger and adopts the exports on the disk. Check the disk.',
  });
  const judge = (result: string): Finding =>
    result === 'ok'
      ? {
          check: 'ledger',
          level: 'ok',
          message: `SQLite reports no damage in the ledger (${facts.sizeBytes} bytes)`,
        }
      : damaged(result);
  if (ledger !== undefined) return judge(ledger.quickCheck());
  try {
    const db = databases.openSource(paths.ledger);
    if (db === undefined) return damaged('it is not a file');
    try {
      return judge(quickCheck(db));
    } finally {
      db.close();
    }
  } catch (error) {
    if (isDamagedDatabase(error)) return damaged('SQLite cannot read it');
    if (!isExportError(error) && sqliteCode(error) === undefined) throw error;
    return {
      check: 'ledger',
      level: 'problem',
      message: `The ledger cannot be read: ${error instanceof Error ? error.message : ''}`,
      hint: "Run the command as the export manager's user. If it already does, check the disk.",
    };
  }
}

/** Reports failed entries with their reasons, and every file that was removed before it was delivered. */
export function examineFailures(ledger: Ledger): readonly Finding[] {
  const failed = ledger.queue.list('failed').map(({ queueId, failedAtMs, lastError }): Finding => ({
    check: 'failed',
    level: 'note',
    message: `${queueId} failed${failedAtMs === undefined ? '' : ` at ${toLegacyTime(failedAtMs)}`}: ${lastError ?? 'reason unknown'}`,
    hint: `The next export contains its records, and its file is kept until they are delivered. To send it again: d3kos-export queue retry ${queueId}.`,
  }));
  const losses = ledger.queue.losses().map(({ atMs, what, sizeBytes, reason }): Finding => ({
    check: 'losses',
    level: 'note',
    message: `${toLegacyTime(atMs)} ${what} (${sizeBytes} bytes): ${reason}`,
  }));
  return [...orOk('failed', failed, 'no export has failed'), ...orOk('losses', losses, 'no data was lost')];
}

/** Maximum number of ledger changes in a report. Each one means that a card was restored or copied. */
const CHANGES_REPORTED_MAX = 3;

/** Reports the ledgers that this boat began because central had reported a divergence. */
export function examineLedgerChanges(ledger: Ledger): readonly Finding[] {
  return ledger.changes.list(CHANGES_REPORTED_MAX).map((change): Finding => ({
    check: 'ledger',
    level: 'note',
    message: `${toLegacyTime(change.atMs)} ${describeLedgerChange(change)}`,
    hint: 'If the card was copied for another boat, give that boat its own installation ID. Otherwise no action is needed.',
  }));
}

/** Checks that both JSON views list each entry under the state that it has in the ledger. */
export async function examineViews(
  world: Pick<World, 'clock' | 'disk'>,
  paths: SpoolPaths,
  ledger: Ledger,
  presence: 'alone' | 'beside_daemon',
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  let names = await findDifferingViews(world, paths, ledger);
  if (names.length > 0 && presence === 'beside_daemon') {
    await world.clock.sleep(VIEWS_BEHIND_MAX_MS, signal);
    names = await findDifferingViews(world, paths, ledger);
  }
  const findings = names.map((name): Finding => ({
    check: 'views',
    level: 'problem',
    message: `${name} differs from the ledger`,
    hint: 'To rewrite it, run `d3kos-export doctor --repair`. The ledger is authoritative, so nothing is lost.',
    repair: { kind: 'rewrite_views' },
  }));
  return orOk('views', findings, 'export_queue.json and export_history.json match the ledger');
}

async function findDifferingViews(
  world: Pick<World, 'clock' | 'disk'>,
  paths: SpoolPaths,
  ledger: Ledger,
): Promise<readonly string[]> {
  const queueView = toComparableQueue(await readView(world, paths.queueFile));
  const historyView = toQueueIds(await readView(world, paths.historyFile), 'exports');
  const entries = await listEntries(world, ledger);
  const delivered = ledger.queue
    .history(HISTORY_VIEW_MAX)
    .map(({ queueId }) => queueId)
    .toReversed();
  return [
    ...(queueView !== undefined && isSameList(queueView, entries) ? [] : ['export_queue.json']),
    ...(historyView !== undefined && isSameList(historyView, delivered) ? [] : ['export_history.json']),
  ];
}

async function listEntries({ clock }: Pick<World, 'clock'>, ledger: Ledger): Promise<readonly string[]> {
  const entries: string[] = [];
  for (const status of ['pending', 'completed', 'failed'] as const)
    for (let after = 0; ;) {
      const page = ledger.queue.page(status, after, PAGE_ENTRIES);
      const last = page.at(-1);
      if (last === undefined) break;
      after = last.entryNo;
      entries.push(...page.map(({ queueId }) => toComparableEntry(queueId, status)));
      await clock.yield();
    }
  return entries.sort();
}

/** Returns a view's content. Returns undefined, which never matches the ledger, if the file is missing or not JSON. */
async function readView({ disk }: Pick<World, 'disk'>, path: string): Promise<unknown> {
  const bytes = await disk.read(path, VIEW_SIZE_MAX_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
