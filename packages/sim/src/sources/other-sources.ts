import type { DiskMedium } from '../disk-medium.ts';
import { RECORDINGS, ROOT } from '../places.ts';
import { type SourceContext, toCompactTimestamp, toLocalTimestamp, writeDatabase } from './source-context.ts';
import type { TruthRecord } from './truth.ts';

const CAPTURES = `${ROOT}/data/marine-vision/captures.db`;
const ISSUES = `${ROOT}/data/self-healing/issues.db`;

/** A value that a source contains but no export may contain. */
export const PLANTED_SECRET = 'never-to-leave-the-boat';

/** Adds camera captures. */
export function addCaptures(context: SourceContext, count: number): void {
  const { truth, realPath } = context;
  writeDatabase(realPath(CAPTURES), (db) => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS captures (id INTEGER PRIMARY KEY, timestamp TEXT, image_path TEXT, person_detected INTEGER,
       fish_detected INTEGER, person_confidence REAL, fish_confidence REAL, species TEXT, location TEXT)`,
    );
    const insert = db.prepare('INSERT INTO captures VALUES (NULL, ?, ?, 0, 1, 0.1, 0.9, ?, NULL)');
    for (let index = 0; index < count; index += 1) {
      const key = truth.nextKey('c');
      const { timestamp, atMs } = toLocalTimestamp(context);
      const { lastInsertRowid } = insert.run(timestamp, `${RECORDINGS}/gone.jpg`, `${key} perch`);
      truth.add({
        category: 'marine_vision_captures',
        key,
        versions: [`${key} perch`],
        atMs,
        recordId: `${lastInsertRowid}@${timestamp}`,
      });
    }
  });
}

/** Identifies a random capture's catch again, as the capture service does on request. */
export function identifyCapture({ truth, random, realPath }: SourceContext): void {
  const record = truth.pickPresent('marine_vision_captures');
  if (record === undefined) return;
  const species = `${record.key} ${random.pick(['pike', 'walleye'])} ${record.versions.length}`;
  writeDatabase(realPath(CAPTURES), (db) =>
    db
      .prepare('UPDATE captures SET species = ? WHERE species = ?')
      .run(species, record.versions.at(-1) ?? ''),
  );
  record.versions.push(species);
}

/** Adds system alerts. */
export function addAlerts(context: SourceContext, count: number): void {
  const { truth, realPath } = context;
  writeDatabase(realPath(ISSUES), (db) => {
    db.exec(
      `CREATE TABLE IF NOT EXISTS issues (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT, category TEXT, severity TEXT,
       description TEXT, metrics TEXT, status TEXT DEFAULT 'detected', resolved_at TEXT, remediation_action TEXT)`,
    );
    const insert = db.prepare(
      `INSERT INTO issues VALUES (NULL, ?, 'service', 'warning', ?, '{"cpu": 12}', 'v0', NULL, NULL)`,
    );
    for (let index = 0; index < count; index += 1) {
      const key = truth.nextKey('a');
      const { timestamp, atMs } = toLocalTimestamp(context);
      const { lastInsertRowid } = insert.run(timestamp, toAlertText(key));
      truth.add({
        category: 'system_alerts',
        key,
        versions: ['v0'],
        atMs,
        recordId: `issues:${lastInsertRowid}@${timestamp}`,
      });
    }
  });
}

/** Changes the status of a random alert. */
export function changeAlert(context: SourceContext): void {
  const record = context.truth.pickPresent('system_alerts');
  if (record !== undefined) changeAlerts(context, [record]);
}

/** Changes the status of every alert. */
export function changeAllAlerts(context: SourceContext): void {
  changeAlerts(context, context.truth.present('system_alerts'));
}

function changeAlerts({ realPath }: SourceContext, records: readonly TruthRecord[]): void {
  writeDatabase(realPath(ISSUES), (db) => {
    const update = db.prepare('UPDATE issues SET status = ? WHERE description = ?');
    for (const record of records) {
      const version = `v${record.versions.length}`;
      update.run(version, toAlertText(record.key));
      record.versions.push(version);
    }
  });
}

/** Deletes a random alert. */
export function removeAlert({ truth, realPath }: SourceContext): void {
  const record = truth.pickPresent('system_alerts');
  if (record === undefined) return;
  writeDatabase(realPath(ISSUES), (db) =>
    db.prepare('DELETE FROM issues WHERE description = ?').run(toAlertText(record.key)),
  );
  record.isPresent = false;
}

function toAlertText(key: string): string {
  return `${key} service restarted`;
}

/** Adds camera pictures. An export contains only facts about their files. */
export function addSnapshots({ truth, random, medium, wallMs }: SourceContext, count: number): void {
  for (let index = 0; index < count; index += 1) {
    const key = truth.nextKey('s');
    const name = `capture_${key}_${toCompactTimestamp(wallMs())}.jpg`;
    medium.put(`${RECORDINGS}/${name}`, new Uint8Array(random.between(1, 900)));
    truth.add({ category: 'marine_vision_snapshots', key, versions: [name], recordId: name });
  }
}

/** Deletes a random picture. */
export function removeSnapshot({ truth, medium }: SourceContext): void {
  const record = truth.pickPresent('marine_vision_snapshots');
  if (record === undefined) return;
  medium.delete(`${RECORDINGS}/${record.versions[0]}`);
  record.isPresent = false;
}

/** Number of consecutive NUL bytes that a power cut leaves in a file: one block. */
const NUL_RUN_BYTES = 4_096;

/** Writes malformed files like those that a power cut or an owner with an old editor leaves behind. */
export function putMalformedFiles(medium: DiskMedium): void {
  medium.put(`${ROOT}/config/slots.json`, new Uint8Array(NUL_RUN_BYTES));
  medium.put(`${ROOT}/config/vessel.env`, Buffer.from('VESSEL_NAME=Sj\u00f6bris\r\n', 'latin1'));
}

/** Writes a new version of the settings or of the onboarding answers. */
export function putDocument({ truth, medium }: SourceContext, category: 'settings' | 'onboarding'): void {
  const known = truth.records.get(category);
  const version = `v${known?.versions.length ?? 0}`;
  if (known === undefined) truth.add({ category, key: category, versions: [version], recordId: category });
  else known.versions.push(version);
  if (category === 'settings')
    medium.put(
      `${ROOT}/config/user-preferences.json`,
      JSON.stringify({ language: 'en', theme: version, units_secret: PLANTED_SECRET }),
    );
  else
    medium.put(
      `${ROOT}/config/onboarding.json`,
      JSON.stringify({ q1: version, q2: '2019', completed_at: '2026-01-01T00:00:00Z' }),
    );
}
