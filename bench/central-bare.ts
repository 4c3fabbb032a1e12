import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import type pg from 'pg';
import { from } from 'pg-copy-streams';
import { toRecords } from './central-client.ts';

/** The records of one statement, ready to be sent. */
export interface BareBatch {
  readonly installationId: string;
  readonly rows: number;
  /** A JSON array of rows. */
  readonly json: string;
  /** The same rows as columns. */
  readonly columns: readonly (readonly (string | number)[])[];
  /** The same rows in the text format of COPY. */
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

/** Stores a batch of new rows with COPY alone. A repeated row would be an error. */
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
