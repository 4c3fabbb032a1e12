import type { BoatlogField } from './boatlog-rows.ts';
import { type BrowserEntry, readBrowserEntries } from './browser-data.ts';
import type { CollectContext, Page } from './collector.ts';
import type { HomeOutcome, TimestampReader } from './policy.ts';
import { type ColumnAliases, openSourceTable, toSourceDetail } from './source-table.ts';
import { createStateRecords, toStatePages } from './state-records.ts';

/** Rows of a database looked through at once for entries the browser has too: some milliseconds. */
const SCAN_ROWS = 10_000;

/**
 * Gives the log entries only the browser holds. One that is in a database of `homes` as well, at the same second and
 * with the same text (or, without a text, of the same type), goes from there. The databases have no index on time, so
 * they are looked through in steps, and only for entries that were not exported before. Where a database cannot be
 * read nothing is given: entries could go twice.
 */
export async function* collectBrowserBoatlog(
  context: CollectContext,
  readTime: TimestampReader,
  homes: readonly string[],
  table: string,
  aliases: ColumnAliases<BoatlogField>,
): AsyncGenerator<Page, HomeOutcome, void> {
  const entries = readBrowserEntries(context, readTime);
  if (entries.length === 0) return { state: 'source_missing' };
  const fresh = entries.filter(
    ({ record }) => context.mode === 'full' || context.digestOf(record.record_id) === undefined,
  );
  const wanted = new Map<string, BrowserEntry[]>();
  for (const entry of fresh) {
    const second = entry.utc?.slice(0, 19) ?? '';
    if (second !== '') wanted.set(second, [...(wanted.get(second) ?? []), entry]);
  }
  const elsewhere = new Set<string>();
  for (const home of wanted.size === 0 ? [] : homes) {
    const failure = await findElsewhere(context, { home, table, aliases }, wanted, elsewhere);
    if (failure !== undefined) return { state: 'error', detail: failure };
  }
  const records = createStateRecords(context);
  yield* toStatePages(
    records,
    fresh.flatMap(({ record }) => (elsewhere.has(record.record_id) ? [] : record)),
  );
  // Remembered as well, so that a database of a million rows is not looked through at every export.
  for (const recordId of elsewhere) context.addDigest(recordId, GOES_FROM_DATABASE);
  return { state: 'ok' };
}

/** In place of a digest: the entry is in a database and goes from there. */
const GOES_FROM_DATABASE = 'database';

interface Place {
  readonly home: string;
  readonly table: string;
  readonly aliases: ColumnAliases<BoatlogField>;
}

/** Adds to `elsewhere` the entries that the home holds; gives what is wrong with it, if something is. */
async function findElsewhere(
  context: CollectContext,
  { home, table: tableName, aliases }: Place,
  wanted: ReadonlyMap<string, readonly BrowserEntry[]>,
  elsewhere: Set<string>,
): Promise<string | undefined> {
  const opened = openSourceTable(context, home, tableName, aliases);
  if (opened.kind === 'outcome') return opened.outcome.state === 'error' ? opened.outcome.detail : undefined;
  const { db, table, columns: c } = opened.table;
  try {
    const last = db.prepare(
      `SELECT max(position) AS last FROM (SELECT rowid AS position FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${SCAN_ROWS})`,
    );
    const find = db.prepare(
      `SELECT substr(${c.timestamp}, 1, 10) || 'T' || substr(${c.timestamp}, 12, 8) AS second, ${c.entry_type} AS type, ${c.content} AS content
       FROM ${table} WHERE rowid > ? AND rowid <= ?
       AND substr(${c.timestamp}, 1, 10) || 'T' || substr(${c.timestamp}, 12, 8) IN (SELECT value FROM json_each(?))`,
    );
    const seconds = JSON.stringify([...wanted.keys()]);
    let position = Number.MIN_SAFE_INTEGER;
    for (;;) {
      context.signal.throwIfAborted();
      const end = last.get(position)?.['last'];
      if (typeof end !== 'number') return undefined;
      for (const row of find.iterate(position, end, seconds)) {
        const same = wanted
          .get(String(row['second']))
          ?.find((entry) => !elsewhere.has(entry.record.record_id) && isSame(entry, row));
        if (same !== undefined) elsewhere.add(same.record.record_id);
      }
      position = end;
      await context.clock.yield();
    }
  } catch (error) {
    return toSourceDetail(error, home, context);
  } finally {
    db.close();
  }
}

function isSame({ type, content }: BrowserEntry, row: Readonly<Record<string, unknown>>): boolean {
  return content === null ? row['type'] === type : row['content'] === content;
}
