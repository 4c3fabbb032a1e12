import { CATEGORIES, type Category } from '@d3kos/protocol';
import { listOwnColumns, recordTable } from '../store/record-tables.ts';

/**
 * Column type in the exported files. `json` is the text of a record as central stores it, with every digit of its numbers.
 */
export type ColumnType = 'text' | 'time' | 'integer' | 'number' | 'json';

/** A column of an exported file. */
export interface ExportColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
}

/** A table whose rows for one installation are exported to one file. */
export interface ExportTable {
  /** File name without the extension, also used in the report. */
  readonly name: string;
  /** Name of the table in the database. */
  readonly table: string;
  /** The columns by which rows are sorted: the table's primary key in key order, without the installation. */
  readonly key: readonly string[];
  readonly columns: readonly ExportColumn[];
}

const text = (name: string, isNullable = false): ExportColumn => ({ name, type: 'text', isNullable });
const time = (name: string, isNullable = false): ExportColumn => ({ name, type: 'time', isNullable });

/** The columns shared by all category tables. */
const RECORD_COLUMNS: readonly ExportColumn[] = [
  text('record_id'),
  time('recorded_at', true),
  time('received_at'),
  text('ledger_id', true),
  { name: 'sequence', type: 'integer', isNullable: true },
  text('export_id'),
];

const REJECTED: ExportTable = {
  name: 'rejected_records',
  table: 'rejected_records',
  key: ['import_id', 'ordinal'],
  columns: [
    text('import_id'),
    { name: 'ordinal', type: 'integer', isNullable: false },
    time('received_at'),
    text('category'),
    text('record_id'),
    text('reason'),
    // The beginning of a record that could not be stored. It is often not valid JSON.
    text('record', true),
  ],
};

/** The exported tables: the records of each category, and the rejected records. */
export const EXPORT_TABLES: readonly ExportTable[] = [...CATEGORIES.map(toTable), REJECTED];

function toTable(category: Category): ExportTable {
  const own = listOwnColumns(category).map(([name, type]): ExportColumn => ({
    name,
    type: type === 'text' ? 'text' : 'number',
    isNullable: true,
  }));
  return {
    name: category,
    table: recordTable(category),
    key: ['record_id'],
    columns: [...RECORD_COLUMNS, ...own, { name: 'record', type: 'json', isNullable: false }],
  };
}
