import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Category, Tier } from '@d3kos/protocol';
import { writeLegacyQueue } from './legacy-queue.ts';
import { RECORDINGS, ROOT } from './places.ts';
import { type BoatPlan, MANY_ALERTS } from './plan.ts';
import type { SimRandom } from './random.ts';
import type { TruthRecord } from './truth-record.ts';
import type { SimMachine } from './machine.ts';

const BOATLOG = `${ROOT}/data/boatlog/boatlog.db`;
const CAPTURES = `${ROOT}/data/marine-vision/captures.db`;
const ISSUES = `${ROOT}/data/self-healing/issues.db`;

/** The names under which the collectors keep the cursors of the two logs. */
export const CURSOR_SOURCES = {
  boatlog: 'data/boatlog/boatlog.db',
  marine_vision_captures: 'data/marine-vision/captures.db',
} as const;

/** A value that a source holds and no export may. */
export const PLANTED_SECRET = 'never-to-leave-the-boat';

/** What the sources hold, and have ever held. */
export interface BoatSources {
  readonly records: ReadonlyMap<string, TruthRecord>;
  /** Which boatlog database is there now, counted from 1. */
  generation(): number;
  /** The records that are there now, with their newest version. */
  present(): ReadonlyMap<string, number>;
  add(source: 'boatlog' | 'captures' | 'snapshots' | 'alerts', count: number): void;
  change(source: 'alerts' | 'settings' | 'onboarding'): void;
  remove(source: 'snapshots' | 'alerts'): void;
  /** Another boatlog database in place of this one, as after a restore: its rows start again. */
  replaceBoatlog(rows: number): void;
  /** Puts something that is no database in the boatlog's place, or what was there back. */
  setBoatlogReadable(isReadable: boolean): void;
  setTier(tier: Tier): void;
  setToken(token: string): void;
}

/** Writes the sources of a boat and remembers what is in them. What it writes is on the card at once. */
export function createBoatSources(
  machine: SimMachine,
  plan: BoatPlan,
  random: SimRandom,
  wallMs: () => number,
): BoatSources {
  const { medium, databases } = machine;
  const records = new Map<string, TruthRecord>(
    plan.legacyQueue === undefined
      ? []
      : writeLegacyQueue(medium, plan.installationId, plan.legacyQueue, random.fork('old queue')),
  );
  let counter = 0;
  let generation = 1;
  let isReadable = true;

  const real = (path: string) => databases.realPath(path);
  const inDatabase = <T>(path: string, work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(path);
    try {
      db.exec('PRAGMA synchronous = OFF; BEGIN IMMEDIATE');
      const result = work(db);
      db.exec('COMMIT');
      return result;
    } finally {
      db.close();
    }
  };
  const nextKey = (letter: string): string => {
    counter += 1;
    return `${letter}${counter}`;
  };
  const remember = (record: Omit<TruthRecord, 'isPresent'>): void => {
    records.set(record.key, { ...record, isPresent: true });
  };
  const isNamed = (recordId: string): boolean =>
    plan.boatlogIds !== 'none' &&
    [...records.values()].some((record) => record.category === 'boatlog' && record.recordId === recordId);
  const allPresent = (category: Category): readonly TruthRecord[] =>
    [...records.values()].filter((record) => record.category === category && record.isPresent);
  const pickPresent = (category: Category): TruthRecord | undefined => {
    const found = allPresent(category);
    return found.length === 0 ? undefined : random.pick(found);
  };

  const boatlogPath = (): string => (isReadable ? real(BOATLOG) : `${real(BOATLOG)}.kept`);
  const addBoatlog = (count: number, path = boatlogPath()): void =>
    inDatabase(path, (db) => {
      const idType = plan.boatlogIds === 'integer' ? 'INTEGER PRIMARY KEY AUTOINCREMENT' : 'TEXT';
      db.exec(
        `CREATE TABLE IF NOT EXISTS boatlog_entries (entry_id ${idType}, timestamp TEXT, entry_type TEXT,
         content TEXT, latitude REAL, longitude REAL, weather_conditions TEXT)`,
      );
      const insert = db.prepare('INSERT INTO boatlog_entries VALUES (?, ?, ?, ?, ?, NULL, NULL)');
      for (let index = 0; index < count; index += 1) {
        const key = nextKey('b');
        let timestamp = toBoatTimestamp(wallMs(), random);
        const content = `${key} ${random.pick(['calm', 'välkommen ⚓', 'engine "on"', 'line\nend'])} ${'.'.repeat(random.integer(plan.contentLengthMax))}`;
        const id = plan.boatlogIds === 'text' ? `entry-${random.hex(6)}` : null;
        const latitude = random.bool(0.2) ? 44.5 : null;
        const { lastInsertRowid } = insert.run(
          id,
          timestamp,
          random.pick(['voice', 'auto', 'engine']),
          content,
          latitude,
        );
        // A clock that shows a second twice, and a database that starts over, would name two entries the same: nobody could tell them apart.
        if (isNamed(`${id ?? lastInsertRowid}@${timestamp}`)) {
          timestamp = `${new Date(wallMs()).toISOString().slice(0, 23)}${key.slice(1).padStart(3, '0')}`;
          db.prepare('UPDATE boatlog_entries SET timestamp = ? WHERE rowid = ?').run(
            timestamp,
            lastInsertRowid,
          );
        }
        remember({
          category: 'boatlog',
          key,
          versions: [content],
          row: { position: Number(lastInsertRowid), generation },
          ...(plan.boatlogIds === 'none' ? {} : { recordId: `${id ?? lastInsertRowid}@${timestamp}` }),
        });
      }
    });
  const addCaptures = (count: number): void =>
    inDatabase(real(CAPTURES), (db) => {
      db.exec(
        `CREATE TABLE IF NOT EXISTS captures (id INTEGER PRIMARY KEY, timestamp TEXT, image_path TEXT, person_detected INTEGER,
         fish_detected INTEGER, person_confidence REAL, fish_confidence REAL, species TEXT, location TEXT)`,
      );
      const insert = db.prepare('INSERT INTO captures VALUES (NULL, ?, ?, 0, 1, 0.1, 0.9, ?, NULL)');
      for (let index = 0; index < count; index += 1) {
        const key = nextKey('c');
        const timestamp = toBoatTimestamp(wallMs(), random);
        const { lastInsertRowid } = insert.run(timestamp, `${RECORDINGS}/gone.jpg`, `${key} perch`);
        const position = Number(lastInsertRowid);
        remember({
          category: 'marine_vision_captures',
          key,
          versions: [`${key} perch`],
          row: { position, generation: 1 },
          recordId: `${position}@${timestamp}`,
        });
      }
    });
  const addAlerts = (count: number): void =>
    inDatabase(real(ISSUES), (db) => {
      db.exec(
        `CREATE TABLE IF NOT EXISTS issues (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, category TEXT, severity TEXT,
         description TEXT, metrics TEXT, status TEXT DEFAULT 'detected', resolved_at TEXT, remediation_action TEXT)`,
      );
      const insert = db.prepare(
        `INSERT INTO issues VALUES (NULL, ?, 'service', 'warning', ?, '{"cpu": 12}', 'v0', NULL, NULL)`,
      );
      for (let index = 0; index < count; index += 1) {
        const key = nextKey('a');
        const timestamp = toBoatTimestamp(wallMs(), random);
        const { lastInsertRowid } = insert.run(timestamp, `${key} service restarted`);
        remember({
          category: 'system_alerts',
          key,
          versions: ['v0'],
          recordId: `issues:${lastInsertRowid}@${timestamp}`,
        });
      }
    });
  const changeAlerts = (changing: readonly (TruthRecord | undefined)[]): void =>
    inDatabase(real(ISSUES), (db) => {
      const update = db.prepare('UPDATE issues SET status = ? WHERE description = ?');
      for (const record of changing) {
        if (record === undefined) continue;
        const version = `v${record.versions.length}`;
        update.run(version, `${record.key} service restarted`);
        record.versions.push(version);
      }
    });
  const addSnapshots = (count: number): void => {
    for (let index = 0; index < count; index += 1) {
      const key = nextKey('s');
      const stamp = new Date(wallMs()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
      const name = `capture_${key}_${stamp}.jpg`;
      medium.put(`${RECORDINGS}/${name}`, new Uint8Array(random.between(1, 900)));
      remember({
        category: 'marine_vision_snapshots',
        key,
        versions: [name],
        recordId: name,
      });
    }
  };
  const putDocument = (category: 'settings' | 'onboarding'): void => {
    const known = records.get(category);
    const version = `v${known?.versions.length ?? 0}`;
    if (known === undefined)
      remember({
        category,
        key: category,
        versions: [version],
        recordId: category,
      });
    else known.versions.push(version);
    if (category === 'settings')
      medium.put(
        `${ROOT}/config/user-preferences.json`,
        JSON.stringify({
          language: 'en',
          theme: version,
          units_secret: PLANTED_SECRET,
        }),
      );
    else
      medium.put(
        `${ROOT}/config/onboarding.json`,
        JSON.stringify({
          q1: version,
          q2: '2019',
          completed_at: '2026-01-01T00:00:00Z',
        }),
      );
  };

  const putLicense = (tier: Tier): void => {
    // Only what settings export of it stays as it is: a change of tier is a change of the settings record too.
    medium.put(
      `${ROOT}/config/license.json`,
      JSON.stringify({
        installation_id: plan.installationId,
        tier,
        version: '1',
      }),
    );
  };

  medium.makeDirectory(`${ROOT}/data`);
  medium.makeDirectory(RECORDINGS);
  putLicense(2);
  addBoatlog(plan.boatlogRows);
  addCaptures(plan.captureRows);
  addAlerts(plan.alertRows);
  addSnapshots(random.integer(4));
  putDocument('settings');
  if (random.bool(0.7)) putDocument('onboarding');

  return {
    records,
    generation: () => generation,
    present: () =>
      new Map(
        [...records.values()]
          .filter(({ isPresent }) => isPresent)
          .map(({ key, versions }) => [key, versions.length - 1]),
      ),
    add(source, count) {
      switch (source) {
        case 'boatlog':
          return addBoatlog(count);
        case 'captures':
          return addCaptures(count);
        case 'snapshots':
          return addSnapshots(Math.min(count, 5));
        case 'alerts':
          return addAlerts(Math.min(count, 5));
      }
    },
    change(source) {
      if (source !== 'alerts') return putDocument(source);
      return changeAlerts(
        plan.alertRows >= MANY_ALERTS ? allPresent('system_alerts') : [pickPresent('system_alerts')],
      );
    },
    remove(source) {
      const record = pickPresent(source === 'alerts' ? 'system_alerts' : 'marine_vision_snapshots');
      if (record === undefined) return;
      if (source === 'alerts')
        inDatabase(real(ISSUES), (db) =>
          db.prepare('DELETE FROM issues WHERE description = ?').run(`${record.key} service restarted`),
        );
      else medium.delete(`${RECORDINGS}/${record.versions[0]}`);
      record.isPresent = false;
    },
    replaceBoatlog(rows) {
      if (!isReadable) return;
      for (const record of records.values()) if (record.category === 'boatlog') record.isPresent = false;
      generation += 1;
      const path = real(BOATLOG);
      addBoatlog(rows, `${path}.new`);
      renameSync(`${path}.new`, path);
    },
    setBoatlogReadable(readable) {
      if (readable === isReadable) return;
      const path = real(BOATLOG);
      if (readable) {
        rmSync(path, { force: true });
        renameSync(`${path}.kept`, path);
      } else {
        renameSync(path, `${path}.kept`);
        writeFileSync(path, 'this was a database once '.repeat(200));
      }
      isReadable = readable;
    },
    setTier: putLicense,
    setToken: (token) => medium.put(`${ROOT}/config/export-credentials.json`, JSON.stringify({ token })),
  };
}

/** A time as the services of a boat write it: they do not agree on a form, not even within one column. */
function toBoatTimestamp(wallMs: number, random: SimRandom): string {
  const iso = new Date(wallMs).toISOString();
  switch (random.integer(3)) {
    case 0:
      return iso;
    case 1:
      return `${iso.slice(0, -1)}${String(random.integer(1_000)).padStart(3, '0')}`;
    default:
      return iso.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
  }
}

/** Which record of the truth a record in a file or at central is, and in which version; undefined for one that is not ours. */
export function readMarker(
  category: string,
  record: Readonly<Record<string, unknown>>,
): { readonly key: string; readonly says: string } | undefined {
  const first = (text: unknown): string => String(text).split(' ')[0] ?? '';
  switch (category) {
    case 'boatlog':
      return { key: first(record['content']), says: String(record['content']) };
    case 'marine_vision_captures':
      return { key: first(record['species']), says: String(record['species']) };
    case 'system_alerts':
      return {
        key: first(record['description']),
        says: String(record['status']),
      };
    case 'marine_vision_snapshots': {
      const name = String(record['record_id']);
      return { key: name.split('_')[1] ?? '', says: name };
    }
    case 'settings':
      return {
        key: 'settings',
        says: String(inner(record, 'preferences')['theme']),
      };
    case 'onboarding':
      return {
        key: 'onboarding',
        says: String(inner(record, 'configuration')['q1']),
      };
    default:
      return undefined;
  }
}

function inner(record: Readonly<Record<string, unknown>>, name: string): Readonly<Record<string, unknown>> {
  const value = record[name];
  // Objects of JSON; what is looked up in them is compared as text.
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
