import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { ROOT } from '../places.ts';
import type { BoatPlan } from '../plan.ts';
import { type SourceContext, toBoatTimestamp, writeDatabase } from './source-context.ts';
import type { Truth } from './truth.ts';

const BOATLOG = `${ROOT}/data/boatlog/boatlog.db`;

/** The boat's log: a SQLite database, which a restore may replace. */
export interface BoatlogSource {
  /** The number of the current database, counted from 1. */
  generation(): number;
  add(count: number): void;
  /** Replaces the database with a new one of `rows` rows, as a restore does. Row numbers start over. */
  replace(rows: number): void;
  /** Replaces the database with a file that is not a database. */
  makeUnreadable(): void;
  /** Restores the original database. */
  makeReadable(): void;
  /** Records the number of the database, or returns undefined while the database is unreadable. */
  takeImage(): (() => void) | undefined;
}

/** The properties of a boat that determine its log. `firstGeneration` is the number of the existing database. */
type BoatlogPlan = Pick<BoatPlan, 'boatlogIds' | 'contentLengthMax'> & { readonly firstGeneration?: number };

export function createBoatlogSource(context: SourceContext, plan: BoatlogPlan): BoatlogSource {
  const { boatlogIds, contentLengthMax, firstGeneration = 1 } = plan;
  const { truth, random, wallMs } = context;
  let generation = firstGeneration;
  let newestGeneration = firstGeneration;
  let isReadable = true;
  const realPath = (): string => context.realPath(BOATLOG);
  const keptPath = (): string => `${realPath()}.kept`;

  const insertRow = (db: DatabaseSync): void => {
    const key = truth.nextKey('b');
    let timestamp = toBoatTimestamp(wallMs(), random);
    const content = `${key} ${random.pick(['calm', 'välkommen ⚓', 'engine "on"', 'line\nend'])} ${'.'.repeat(random.integer(contentLengthMax))}`;
    const id = boatlogIds === 'text' ? `entry-${random.hex(6)}` : null;
    const latitude = random.bool(0.2) ? 44.5 : null;
    const { lastInsertRowid } = db
      .prepare('INSERT INTO boatlog_entries VALUES (?, ?, ?, ?, ?, NULL, NULL)')
      .run(id, timestamp, random.pick(['voice', 'auto', 'engine']), content, latitude);
    // If the clock repeats a second and the database starts over, two rows could get the same record ID.
    if (boatlogIds !== 'none' && isRecordIdTaken(truth, `${id ?? lastInsertRowid}@${timestamp}`)) {
      timestamp = `${new Date(wallMs()).toISOString().slice(0, 23)}${key.slice(1).padStart(3, '0')}`;
      db.prepare('UPDATE boatlog_entries SET timestamp = ? WHERE rowid = ?').run(timestamp, lastInsertRowid);
    }
    truth.add({
      category: 'boatlog',
      key,
      versions: [content],
      row: { position: Number(lastInsertRowid), generation },
      ...(boatlogIds === 'none' ? {} : { recordId: `${id ?? lastInsertRowid}@${timestamp}` }),
    });
  };

  const insertRows = (path: string, count: number): void =>
    writeDatabase(path, (db) => {
      db.exec(toTable(boatlogIds));
      for (let index = 0; index < count; index += 1) insertRow(db);
    });

  return {
    generation: () => generation,
    add: (count) => insertRows(isReadable ? realPath() : keptPath(), count),
    replace: (rows) => {
      if (!isReadable) return;
      for (const record of truth.records.values())
        if (record.category === 'boatlog') record.isPresent = false;
      newestGeneration += 1;
      generation = newestGeneration;
      insertRows(`${realPath()}.new`, rows);
      renameSync(`${realPath()}.new`, realPath());
    },
    takeImage: () => {
      const before = generation;
      return isReadable ? () => void ([generation, isReadable] = [before, true]) : undefined;
    },
    makeUnreadable: () => {
      if (!isReadable) return;
      renameSync(realPath(), keptPath());
      writeFileSync(realPath(), 'this was a database once '.repeat(200));
      isReadable = false;
    },
    makeReadable: () => {
      if (isReadable) return;
      rmSync(realPath(), { force: true });
      renameSync(keptPath(), realPath());
      isReadable = true;
    },
  };
}

function toTable(ids: BoatPlan['boatlogIds']): string {
  const idType = ids === 'integer' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'TEXT';
  return `CREATE TABLE IF NOT EXISTS boatlog_entries (entry_id ${idType}, timestamp TEXT, entry_type TEXT,
    content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)`;
}

function isRecordIdTaken({ records }: Truth, recordId: string): boolean {
  return [...records.values()].some(
    (record) => record.category === 'boatlog' && record.recordId === recordId,
  );
}
