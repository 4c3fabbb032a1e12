import { ByteWriter, ParquetWriter, schemaFromColumnData } from 'hyparquet-writer';
import type { NewFile, Row } from '../platform/ports.ts';
import { numberOrNullOf, textOrNullOf } from '../store/row.ts';
import type { ColumnType, ExportColumn } from './columns.ts';

/** Export file formats. */
export const EXPORT_FORMATS = ['ndjson', 'csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Rows per row group of a Parquet file. Readers process whole groups, and each group has a fixed cost. */
const GROUP_ROWS = 10_000;
/** A row group ends early at this number of characters, which bounds the memory of writer and reader. */
const GROUP_LENGTH = 16 * 1_048_576;

/** Writes the rows of one table to a file. */
export interface RowWriter {
  write(rows: readonly Row[]): Promise<void>;
  /** Writes any buffered rows. The caller then commits the file. */
  end(): Promise<void>;
}

/** Starts a file in the given format. */
export async function openRowWriter(
  format: ExportFormat,
  file: NewFile,
  columns: readonly ExportColumn[],
): Promise<RowWriter> {
  switch (format) {
    case 'ndjson':
      return toLineWriter(file, (row) => toJsonLine(row, columns));
    case 'csv':
      await file.append(new TextEncoder().encode(`${columns.map(({ name }) => name).join(',')}\r\n`));
      return toLineWriter(file, (row) => toCsvLine(row, columns));
    case 'parquet':
      return openParquet(file, columns);
  }
}

function toLineWriter(file: NewFile, toLine: (row: Row) => string): RowWriter {
  const encoder = new TextEncoder();
  return {
    write: (rows) => file.append(encoder.encode(rows.map(toLine).join(''))),
    end: async () => undefined,
  };
}

type Value = string | number | null;

function valueOf(row: Row, { name, type }: ExportColumn): Value {
  return type === 'integer' || type === 'number' ? numberOrNullOf(row, name) : textOrNullOf(row, name);
}

/** One line of NDJSON. The record is inserted as text, so that its numbers keep all their digits. */
function toJsonLine(row: Row, columns: readonly ExportColumn[]): string {
  const members = columns.map((column) => {
    const value = valueOf(row, column);
    const json = column.type === 'json' && value !== null ? String(value) : JSON.stringify(value);
    return `${JSON.stringify(column.name)}:${json}`;
  });
  return `{${members.join(',')}}\n`;
}

/** One line of CSV (RFC 4180). */
function toCsvLine(row: Row, columns: readonly ExportColumn[]): string {
  return `${columns.map((column) => toCsvField(valueOf(row, column))).join(',')}\r\n`;
}

/**
 * A CSV field. Null becomes an empty field, and an empty string is written as `""`. The strings come from boats, and a
 * spreadsheet evaluates a string that begins like a formula, so such a string is prefixed with an apostrophe.
 */
function toCsvField(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return safe === '' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const PARQUET_TYPES = {
  text: 'STRING',
  time: 'TIMESTAMP',
  integer: 'INT64',
  number: 'DOUBLE',
  json: 'STRING',
} as const satisfies Readonly<Record<ColumnType, string>>;

function openParquet(file: NewFile, columns: readonly ExportColumn[]): RowWriter {
  const toColumns = (rows: readonly Row[]) =>
    columns.map((column) => ({
      name: column.name,
      type: PARQUET_TYPES[column.type],
      nullable: column.isNullable,
      data: rows.map((row) => toParquetValue(valueOf(row, column), column.type)),
    }));
  const bytes = new ByteWriter();
  const flush = async (): Promise<void> => {
    await file.append(bytes.getBytes());
    bytes.index = 0;
  };
  const parquet = new ParquetWriter({
    writer: Object.assign(bytes, { flush }),
    schema: schemaFromColumnData({ columnData: toColumns([]) }),
    createdBy: 'd3kos-central',
  });
  let held: Row[] = [];
  let length = 0;
  const writeGroup = async (): Promise<void> => {
    if (held.length === 0) return;
    const columnData = toColumns(held).map(({ name, data }) => ({ name, data }));
    await parquet.write({ columnData, rowGroupSize: held.length });
    held = [];
    length = 0;
  };
  return {
    async write(rows) {
      for (const row of rows) {
        held.push(row);
        length += textOrNullOf(row, 'record')?.length ?? 0;
        if (held.length >= GROUP_ROWS || length >= GROUP_LENGTH) await writeGroup();
      }
    },
    async end() {
      await writeGroup();
      await parquet.finish();
      await flush();
    },
  };
}

function toParquetValue(value: Value, type: ColumnType): Value | bigint | Date {
  if (value === null) return null;
  if (type === 'integer') return BigInt(value);
  return type === 'time' ? new Date(value) : value;
}
