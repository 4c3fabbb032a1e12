import type { Category } from '@d3kos/protocol';
import { type ArrayWriter, createArrayWriter } from '../store/binary-array.ts';
import { listOwnColumns } from '../store/record-tables.ts';

/**
 * Maximum number of records in one statement. Above a few thousand, the time per record no longer falls, but the statement
 * needs more memory.
 */
const BATCH_RECORDS_MAX = 5_000;

/**
 * A statement ends at this number of bytes. One statement of a whole document of 32 MiB would occupy the node's thread for more
 * than 20 ms and the database for seconds.
 */
const BATCH_SIZE_BYTES = 2 * 1_048_576;

/** A batch of records of one category, written by one statement. */
export interface RecordBatch {
  readonly category: Category;
  /**
   * The array parameters that `upsertRecordsSql` expects, one for each column. Within a category, the records of all batches
   * ascend by ID.
   */
  readonly columns: readonly Uint8Array[];
  /** Sum of `StorableRecord.storedBytes`, or undefined if it is unknown for one of the records. */
  readonly storedBytes: number | undefined;
}

/** A record in its stored form. */
export interface StorableRecord {
  readonly recordId: string;
  /** The time claimed by the record, in milliseconds since 1970. */
  readonly recordedMs: number | null;
  /** JSON text that jsonb accepts. */
  readonly json: string;
  /**
   * Size in bytes of the text that PostgreSQL writes for the record (see `toStoredBytes`), or undefined if only PostgreSQL can
   * determine it.
   */
  readonly storedBytes: number | undefined;
  /** The values of the columns that `listOwnColumns` returns. */
  readonly own: Readonly<Record<string, string | number | null>>;
}

interface Columns {
  readonly recordId: ArrayWriter;
  readonly recordedAt: ArrayWriter;
  readonly record: ArrayWriter;
  readonly own: readonly (readonly [name: string, writer: ArrayWriter])[];
}

/** Splits records into batches of bounded size. */
export function* toBatches(
  category: Category,
  records: readonly StorableRecord[],
): Generator<RecordBatch, void, void> {
  let columns: Columns | undefined;
  let count = 0;
  let storedBytes: number | undefined = 0;
  for (const [index, record] of records.entries()) {
    columns ??= createColumns(category, Math.min(records.length - index, BATCH_RECORDS_MAX));
    append(columns, record);
    count += 1;
    storedBytes = addBytes(storedBytes, record.storedBytes);
    if (count < BATCH_RECORDS_MAX && columns.record.sizeBytes() < BATCH_SIZE_BYTES) continue;
    yield { category, columns: finish(columns), storedBytes };
    columns = undefined;
    count = 0;
    storedBytes = 0;
  }
  if (columns !== undefined) yield { category, columns: finish(columns), storedBytes };
}

function addBytes(sum: number | undefined, bytes: number | undefined): number | undefined {
  return sum === undefined || bytes === undefined ? undefined : sum + bytes;
}

function createColumns(category: Category, count: number): Columns {
  return {
    recordId: createArrayWriter('text', count),
    recordedAt: createArrayWriter('timestamptz', count),
    record: createArrayWriter('jsonb', count),
    own: listOwnColumns(category).map(([name, type]) => [name, createArrayWriter(type, count)]),
  };
}

function append(columns: Columns, { recordId, recordedMs, json, own }: StorableRecord): void {
  columns.recordId.text(recordId);
  columns.recordedAt.number(recordedMs);
  columns.record.text(json);
  for (const [name, writer] of columns.own) {
    const value = own[name] ?? null;
    if (typeof value === 'number') writer.number(value);
    else writer.text(value);
  }
}

function finish({ recordId, recordedAt, record, own }: Columns): readonly Uint8Array[] {
  return [recordId, recordedAt, record, ...own.map(([, writer]) => writer)].map((writer) => writer.finish());
}
