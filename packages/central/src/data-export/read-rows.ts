import type { Queryable, Row } from '../platform/ports.ts';
import { textOf, utcText } from '../store/row.ts';
import type { ExportColumn, ExportTable } from './columns.ts';

/** Rows in one page, unless their strings are larger than PAGE_SIZE_MAX_BYTES. */
const PAGE_ROWS = 1_000;

/**
 * Maximum size of the records in one page of several rows. A record may have 16 MiB, so a page of 1,000 rows could reach 16 GB.
 */
const PAGE_SIZE_MAX_BYTES = 8 * 1_048_576;

/**
 * Reads an installation's rows in key order, page by page. No transaction is open between two pages, so a long export delays
 * neither imports nor vacuum. A row that exists throughout the export is read exactly once. A row that changes during the export
 * is read in its old or its new state.
 */
export async function* readRows(
  store: Queryable,
  { table, key, columns }: ExportTable,
  installationId: string,
): AsyncGenerator<readonly Row[], void, void> {
  const statement = toStatement(table, key, columns);
  let after: string | null = null;
  for (;;) {
    const rows: readonly Row[] = await store.query(statement, [
      installationId,
      after,
      PAGE_ROWS,
      PAGE_SIZE_MAX_BYTES,
    ]);
    const last = rows.at(-1);
    if (last === undefined) return;
    after = textOf(last, 'position');
    yield rows;
  }
}

/**
 * Returns the statement for one page. Parameters: $1 the installation, $2 the position after which the page begins, $3 the
 * maximum number of rows, $4 the maximum number of bytes. A position is a JSON list of the key values.
 */
function toStatement(table: string, key: readonly string[], columns: readonly ExportColumn[]): string {
  const typed = key.map((name) => ({ name, type: toType(columns, name) }));
  const begins = `(${key.join(', ')}) > (${typed.map(({ type }, index) => `($2::text::jsonb ->> ${index})::${type}`).join(', ')})`;
  const order = key.join(', ');
  return `
select ${columns.map(({ name }) => name).join(', ')}, position
from (
  select page.*, row_number() over (order by ${order}) as row_no,
    sum(octet_length(coalesce(record, ''))) over (order by ${order}) as size_bytes
  from (
    select ${columns.map(toSelected).join(', ')}, jsonb_build_array(${order})::text as position
    from ${table} where installation_id = $1::text and ($2::text is null or ${begins})
    order by ${order} limit $3::integer
  ) page
) bounded
where size_bytes <= $4::bigint or row_no = 1 order by ${order}`;
}

function toType(columns: readonly ExportColumn[], name: string): 'integer' | 'text' {
  return columns.find((column) => column.name === name)?.type === 'integer' ? 'integer' : 'text';
}

function toSelected({ name, type }: ExportColumn): string {
  switch (type) {
    case 'text':
      return name;
    case 'time':
      return `${utcText(name)} as ${name}`;
    case 'integer':
    case 'number':
      return `${name}::float8 as ${name}`;
    case 'json':
      return `${name}::text as ${name}`;
  }
}
