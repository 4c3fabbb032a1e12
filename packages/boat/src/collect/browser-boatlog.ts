import type { BoatlogField } from './boatlog-fields.ts';
import { type BrowserEntry, readBrowserEntries } from './browser-data.ts';
import type { CollectContext, Page } from './collector.ts';
import { toColumnZone, toEntryZone } from './policy/column-zones.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import {
  type ColumnAliases,
  createDisorderedSource,
  openSourceTable,
  toSourceDetail,
} from './source-table.ts';
import { joinDetails } from './source-notes.ts';
import { createStateRecords, toStatePages } from './state-records.ts';

/** Number of database rows searched for the browser's entries in one step. A step takes a few milliseconds. */
const SCAN_ROWS = 10_000;

/**
 * Collects the log entries that exist only in the browser. If one of `databases` has an entry with the same second and text (or
 * the same type if there is no text), that database exports the entry. The databases have no index on time, so they are searched
 * in steps, and only for entries that have not been exported yet. If a database cannot be read, nothing is collected, because
 * entries could be exported twice.
 */
export async function* collectBrowserBoatlog(
  context: CollectContext,
  readTime: TimestampReader,
  databases: readonly string[],
  table: string,
  aliases: ColumnAliases<BoatlogField>,
): AsyncGenerator<Page, SourceOutcome, void> {
  const problems: string[] = [];
  const entries = readBrowserEntries(context, readTime, (problem) => void problems.push(problem));
  const details = joinDetails(problems);
  if (entries.length === 0) return { state: problems.length === 0 ? 'source_missing' : 'error', ...details };
  const fresh = entries.filter(
    ({ record }) => context.mode === 'full' || context.digestOf(record.record_id) === undefined,
  );
  const wanted: Wanted = new Map();
  for (const entry of fresh.toReversed())
    for (const second of toSeconds(entry, readTime)) {
      const entries = wanted.get(second) ?? new Map<string, BrowserEntry[]>();
      const same = entries.get(toContentKey(entry)) ?? [];
      same.push(entry);
      wanted.set(second, entries.set(toContentKey(entry), same));
    }
  const elsewhere = new Set<string>();
  for (const database of wanted.size === 0 ? [] : databases) {
    const failure = await findElsewhere(context, { database, table, aliases }, wanted, elsewhere);
    if (failure !== undefined) return { state: 'error', ...joinDetails([failure, ...problems]) };
  }
  const records = createStateRecords(context);
  yield* toStatePages(
    records,
    fresh.flatMap(({ record }) => (elsewhere.has(record.record_id) ? [] : record)),
  );
  // Stored instead of a digest, so that later exports need not search a database of a million rows again.
  for (const recordId of elsewhere) context.addDigest(recordId, GOES_FROM_DATABASE);
  return { state: 'ok', ...details };
}

/**
 * Returns the seconds under which a database may have stored an entry: in UTC and, for a type whose times are local, in local
 * time. Near a clock change, the local time may be off by an hour, and the entry is then exported twice.
 */
function toSeconds({ utc, type }: BrowserEntry, readTime: TimestampReader): ReadonlySet<string> {
  if (utc === null) return new Set();
  const second = utc.slice(0, 19);
  const zone = toEntryZone(toColumnZone('boatlog_entries', 'timestamp'), type);
  const shifted = zone === 'local' ? readTime(second, zone).utc : null;
  if (shifted === null) return new Set([second]);
  const localMs = 2 * Date.parse(utc) - Date.parse(shifted);
  return new Set([second, new Date(localMs).toISOString().slice(0, 19)]);
}

/**
 * The entries by second and content. Each list has the first entry last. A page may send 20,000 entries for one second, and a
 * database may have a million rows for it, so the entry that matches a row must be found without a search.
 */
type Wanted = Map<string, Map<string, BrowserEntry[]>>;

/** What a row with the same second must have in common with an entry. */
function toContentKey({ type, content }: BrowserEntry): string {
  return content === null ? `type ${type}` : `text ${content}`;
}

/** Removes and returns the first of these entries that is not known to be in a database. */
function takeFirst(
  entries: BrowserEntry[] | undefined,
  elsewhere: ReadonlySet<string>,
): BrowserEntry | undefined {
  for (let entry = entries?.pop(); entry !== undefined; entry = entries?.pop())
    if (!elsewhere.has(entry.record.record_id)) return entry;
  return undefined;
}

/** Stored in the ledger in place of a digest for an entry that is exported from a database. */
const GOES_FROM_DATABASE = 'database';

interface Place {
  readonly database: string;
  readonly table: string;
  readonly aliases: ColumnAliases<BoatlogField>;
}

/** Adds the entries that `database` also has to `elsewhere`. Returns a detail if the database cannot be read. */
async function findElsewhere(
  context: CollectContext,
  { database, table: tableName, aliases }: Place,
  wanted: Wanted,
  elsewhere: Set<string>,
): Promise<string | undefined> {
  const opened = await openSourceTable(context, database, tableName, aliases);
  if (opened.kind === 'outcome') return opened.outcome.state === 'error' ? opened.outcome.detail : undefined;
  const { db, table, columns: c } = opened.table;
  try {
    const last = db.prepare(
      `SELECT max(position) AS last FROM (SELECT rowid AS position FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${SCAN_ROWS})`,
    );
    const find = db.prepare(
      `SELECT second, type, content FROM (
         SELECT substr(${c.timestamp}, 1, 10) || 'T' || substr(${c.timestamp}, 12, 8) AS second, ${bounded(c.entry_type)} AS type, ${bounded(c.content)} AS content
         FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${SCAN_ROWS})
       WHERE second IN (SELECT value FROM json_each(?))`,
    );
    const seconds = JSON.stringify([...wanted.keys()]);
    let position = Number.MIN_SAFE_INTEGER;
    for (;;) {
      context.signal.throwIfAborted();
      const end = last.get(position)?.['last'];
      if (typeof end !== 'number') return undefined;
      if (end <= position) throw createDisorderedSource();
      for (const row of find.iterate(position, seconds)) {
        const { second, type, content } = row;
        const entries = wanted.get(String(second));
        const sameText =
          typeof content === 'string' ? takeFirst(entries?.get(`text ${content}`), elsewhere) : undefined;
        const same = sameText ?? takeFirst(entries?.get(`type ${String(type)}`), elsewhere);
        if (same !== undefined) elsewhere.add(same.record.record_id);
      }
      position = end;
      await context.clock.yield();
    }
  } catch (error) {
    return toSourceDetail(error, database, context);
  } finally {
    db.close();
  }
}

/** Maximum size of a string that is compared with a browser entry, in bytes. A page cannot send longer strings. */
const COMPARED_MAX_BYTES = 1024 * 1024;

function bounded(column: string): string {
  return `CASE WHEN octet_length(${column}) <= ${COMPARED_MAX_BYTES} THEN ${column} END`;
}
