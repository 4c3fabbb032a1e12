import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import { createArrayWriter, type ElementType } from '../packages/central/src/store/binary-array.ts';
import { toRecords } from './central-client.ts';

/** One statement's records, ready to be sent. */
export interface BareBatch {
  readonly installationId: string;
  readonly rows: number;
  /** A JSON array of rows. */
  readonly json: string;
  /** The same rows as columns. */
  readonly columns: readonly (readonly (string | number)[])[];
  /** The same columns in PostgreSQL's binary format. */
  readonly binary: readonly Buffer[];
  /** The same rows in COPY's text format. */
  readonly copyText: string;
}

const COLUMNS = `installation_id, record_id, recorded_at, ledger_id, sequence, export_id, part_index, import_id,
  received_at, record, entry_type, latitude, longitude`;

/** Values shared by all rows of a batch. They have the same length as those that central stores. */
const LEDGER_ID = 'a'.repeat(16);
const EXPORT_ID = `export_${LEDGER_ID}_1`;
const IMPORT_ID = `import_${'a'.repeat(24)}`;

/** The columns whose values all rows of a batch share, and those whose values differ. */
const FIXED = `'${LEDGER_ID}', 1, '${EXPORT_ID}', 1, '${IMPORT_ID}', now()`;
const SELECTED = `$1::text, record_id, recorded_at, ${FIXED}, record, entry_type, latitude, longitude`;
const ROW = `record_id text, recorded_at timestamptz, record jsonb, entry_type text, latitude double precision,
  longitude double precision`;
const REPLACE = `on conflict (installation_id, record_id) do update set recorded_at = excluded.recorded_at,
  ledger_id = excluded.ledger_id, sequence = excluded.sequence, export_id = excluded.export_id, part_index = excluded.part_index,
  import_id = excluded.import_id, received_at = excluded.received_at, record = excluded.record,
  entry_type = excluded.entry_type, latitude = excluded.latitude, longitude = excluded.longitude`;

/** Returns a batch of new records. */
export function toBatch(installationId: string, name: string, rows: number): BareBatch {
  const records = toRecords(name, rows).map((record) => ({
    record_id: String(record['record_id']),
    recorded_at: String(record['timestamp']),
    record: JSON.stringify(record),
    entry_type: String(record['entry_type']),
    latitude: Number(record['latitude']),
    longitude: Number(record['longitude']),
  }));
  const now = new Date().toISOString();
  return {
    installationId,
    rows,
    json: `[${records
      .map(({ record, ...facts }) => `${JSON.stringify(facts).slice(0, -1)},"record":${record}}`)
      .join(',')}]`,
    columns: [
      records.map((one) => one.record_id),
      records.map((one) => one.recorded_at),
      records.map((one) => one.record),
      records.map((one) => one.entry_type),
      records.map((one) => one.latitude),
      records.map((one) => one.longitude),
    ],
    binary: [
      toBinary('text', records, (one) => one.record_id),
      toBinary('timestamptz', records, (one) => Date.parse(one.recorded_at)),
      toBinary('jsonb', records, (one) => one.record),
      toBinary('text', records, (one) => one.entry_type),
      toBinary('double precision', records, (one) => one.latitude),
      toBinary('double precision', records, (one) => one.longitude),
    ],
    copyText: records
      .map((one) =>
        [
          ...[installationId, one.record_id, one.recorded_at, LEDGER_ID, 1, EXPORT_ID, 1, IMPORT_ID, now],
          // A backslash begins an escape in the text format.
          ...[one.record.replaceAll('\\', '\\\\'), one.entry_type, one.latitude, one.longitude],
        ].join('\t'),
      )
      .join('\n'),
  };
}

function toBinary<Row>(type: ElementType, rows: readonly Row[], read: (row: Row) => string | number): Buffer {
  const writer = createArrayWriter(type, rows.length);
  for (const row of rows) {
    const value = read(row);
    if (typeof value === 'number') writer.number(value);
    else writer.text(value);
  }
  return Buffer.from(writer.finish());
}

/** Stores a batch with one statement that expands a JSON array. */
export async function upsertRecordset(db: pg.Pool, { installationId, json }: BareBatch): Promise<void> {
  await db.query(
    `insert into records_boatlog (${COLUMNS}) select ${SELECTED} from jsonb_to_recordset($2::text::jsonb) as r(${ROW}) ${REPLACE}`,
    [installationId, json],
  );
}

/** Stores a batch with one statement that expands an array for each column. */
export async function upsertUnnest(db: pg.Pool, { installationId, columns }: BareBatch): Promise<void> {
  await db.query(
    `insert into records_boatlog (${COLUMNS}) select ${SELECTED}
     from unnest($2::text[], $3::timestamptz[], $4::jsonb[], $5::text[], $6::double precision[], $7::double precision[])
       as r(record_id, recorded_at, record, entry_type, latitude, longitude) ${REPLACE}`,
    [installationId, ...columns],
  );
}

/** Stores a batch with one prepared statement that expands an array in binary format for each column, as central does. */
export async function upsertBinary(db: pg.Pool, { installationId, binary }: BareBatch): Promise<void> {
  await db.query({
    name: 'upsert_binary',
    text: `insert into records_boatlog (${COLUMNS}) select ${SELECTED}
     from unnest($2::text[], $3::timestamptz[], $4::jsonb[], $5::text[], $6::double precision[], $7::double precision[])
       as r(record_id, recorded_at, record, entry_type, latitude, longitude) ${REPLACE}`,
    values: [installationId, ...binary],
  });
}

/** Stores a batch with COPY into a temporary table and one statement that moves the rows. */
export async function upsertCopy(db: pg.Pool, { copyText }: BareBatch): Promise<void> {
  const client = await db.connect();
  try {
    await client.query('begin');
    await client.query('create temp table staged (like records_boatlog) on commit drop');
    await pipeline(Readable.from([copyText]), client.query(from(`copy staged (${COLUMNS}) from stdin`)));
    await client.query(`insert into records_boatlog (${COLUMNS}) select ${COLUMNS} from staged ${REPLACE}`);
    await client.query('commit');
  } finally {
    client.release();
  }
}

/** Stores a batch of new rows with COPY alone. A repeated row would cause an error. */
export async function copyNew(db: pg.Pool, { copyText }: BareBatch): Promise<void> {
  const client = await db.connect();
  try {
    await pipeline(
      Readable.from([copyText]),
      client.query(from(`copy records_boatlog (${COLUMNS}) from stdin`)),
    );
  } finally {
    client.release();
  }
}
