// node sqlite-json.ts DATABASE OUTPUT
// Measures the SQLite limit without the sqlite3 program: SQLite formats the JSON, and the result is only written to a file.
import { closeSync, openSync, writeSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

/** Number of rows that SQLite joins into one string. */
const PAGE_ROWS = 1_000;

const [path = '', output = ''] = process.argv.slice(2);
const db = new DatabaseSync(path, { readOnly: true });
const page = db.prepare(
  `SELECT CAST(group_concat(line, char(44, 10)) AS BLOB) AS lines, max(position) AS last
   FROM (SELECT rowid AS position, json_object('entry_id', entry_id, 'timestamp', timestamp, 'entry_type', entry_type,
           'content', content, 'latitude', latitude, 'longitude', longitude, 'weather_conditions', weather_conditions) AS line
         FROM boatlog_entries WHERE rowid > ? ORDER BY rowid LIMIT ${PAGE_ROWS})`,
);
const file = openSync(output, 'w');
for (let after = 0; ;) {
  const found = page.get(after);
  const lines = found?.['lines'];
  if (!(lines instanceof Uint8Array)) break;
  writeSync(file, lines);
  after = Number(found?.['last']);
}
closeSync(file);
db.close();
