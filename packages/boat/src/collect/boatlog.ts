import { type BoatlogField, type BoatlogReading, createBoatlogReader } from './boatlog-rows.ts';
import { collectBrowserBoatlog } from './browser-boatlog.ts';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { type LogOutcome, readLogTable } from './log-table.ts';
import { mergeSourceOutcomes, withDetails } from './policy/source-outcomes.ts';
import { readTimestampReader } from './source-file.ts';
import { createLeftOutKeys, createOddParts } from './source-notes.ts';
import {
  type ColumnAliases,
  openSourceTable,
  type SourceDatabases,
  type SourceTable,
  type SourceValue,
} from './source-table.ts';

/** The columns that are read, with the names they have had in all versions. boatlog-rows.ts defines what leaves the boat. */
const COLUMNS: ColumnAliases<BoatlogField> = {
  entry_id: ['entry_id', 'id'],
  timestamp: ['timestamp', 'created_at'],
  entry_type: ['entry_type', 'type'],
  content: ['content', 'text', 'note'],
  latitude: ['latitude', 'lat'],
  longitude: ['longitude', 'lon', 'lng'],
  weather_conditions: ['weather_conditions', 'weather'],
};
const TABLE = 'boatlog_entries';

/** The current database and the one that older versions used (docs/spec/sources.md, "2 boatlog"). */
const SOURCE_PATH = 'data/boatlog/boatlog.db';
const OLD_SOURCE_PATH = 'data/boatlog.db';

/** This category's databases. */
export const BOATLOG_DATABASES: SourceDatabases = {
  names: [SOURCE_PATH, OLD_SOURCE_PATH],
  table: TABLE,
  aliases: COLUMNS,
};

/**
 * Reads the boatlog. The cursor is a rowid. Changes to the newest rows are also detected (find-changed-rows.ts). An entry in
 * both databases, or in a database and the browser, is exported once.
 */
export const boatlogCollector: Collector = { category: 'boatlog', isNews: true, collect };

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const outcomes: LogOutcome[] = [yield* readDatabase(context, SOURCE_PATH, () => ({ readTime }))];
  const newer = await openSourceTable(context, SOURCE_PATH, TABLE, COLUMNS);
  try {
    const toReading = (): TimedReading => {
      const isElsewhere = newer.kind === 'table' ? createLookup(newer.table) : undefined;
      return isElsewhere === undefined ? { readTime } : { readTime, isElsewhere };
    };
    outcomes.push(yield* readDatabase(context, OLD_SOURCE_PATH, toReading));
  } finally {
    if (newer.kind === 'table') newer.table.db.close();
  }
  const browser = yield* collectBrowserBoatlog(
    context,
    readTime,
    [SOURCE_PATH, OLD_SOURCE_PATH],
    TABLE,
    COLUMNS,
  );
  return {
    ...mergeSourceOutcomes([...outcomes, browser]),
    cursors: outcomes.flatMap((outcome) => outcome.move ?? []),
  };
}

type TimedReading = Omit<BoatlogReading, 'odd' | 'onLeftOut'>;

async function* readDatabase(
  context: CollectContext,
  name: string,
  toReading: () => TimedReading,
): AsyncGenerator<Page, LogOutcome, void> {
  const odd = createOddParts(name, 'value');
  const leftOut = createLeftOutKeys();
  const onLeftOut = leftOut.of(name);
  const outcome = yield* readLogTable(context, {
    name,
    table: TABLE,
    aliases: COLUMNS,
    largeFields: ['content', 'weather_conditions'],
    createReader: (table, fit) => createBoatlogReader(table, fit, { ...toReading(), odd, onLeftOut }),
  });
  return withDetails(outcome, odd.detail(), leftOut.detail());
}

/**
 * Creates a function that looks up entries in the newer database. Returns undefined if the IDs have no index, because each lookup
 * would then scan the complete table; an entry in both databases is then exported from each under the same record_id.
 */
function createLookup({ db, table, columns }: SourceTable<BoatlogField>): BoatlogReading['isElsewhere'] {
  const sql = `SELECT 1 FROM ${table} WHERE ${columns.entry_id} = ? AND ${columns.timestamp} IS ? LIMIT 1`;
  const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(0, '');
  if (!plan.every((step) => String(step['detail']).startsWith('SEARCH'))) return undefined;
  const lookUp = db.prepare(sql);
  return (entryId: SourceValue, timestamp: SourceValue) =>
    entryId !== null && lookUp.get(entryId, timestamp) !== undefined;
}
