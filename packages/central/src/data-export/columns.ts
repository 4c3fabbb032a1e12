import { CATEGORIES, type Category } from '@d3kos/protocol';
import { listOwnColumns, recordTable } from '../store/record-tables.ts';

/** Type of a column in the exported files. A `json` text is the record as central holds it, with all digits of its numbers. */
export type ColumnType = 'text' | 'time' | 'integer' | 'number' | 'json';

/** One column of an exported file. */
export interface ExportColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly isNullable: boolean;
}

/** A table of an installation that is exported to one file. */
export interface ExportTable {
  /** Name of the file without its ending, and in the report. */
  readonly name: string;
  /** Name of the table in the database. */
  readonly table: string;
  /** The columns that order the rows, in the order of the table's key after the installation. */
  readonly key: readonly string[];
  readonly columns: readonly ExportColumn[];
}

const text = (name: string, isNullable = false): ExportColumn => ({ name, type: 'text', isNullable });
const time = (name: string, isNullable = false): ExportColumn => ({ name, type: 'time', isNullable });

/** The columns that the tables of all categories have. */
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
    // The beginning of a record that could not be stored; it is often no JSON.
    text('record', true),
  ],
};

/** The tables that are exported: the records of each category, and the rejected records. */
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
