import type { CollectContext, Cursor, CursorMove, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import {
  ANCHOR_DIGEST_LENGTH,
  ANCHOR_DISTANCES,
  type Anchor,
  fitCursor,
  type HomeOutcome,
  nextPageRows,
  PAGE_ROWS,
  toCursor,
} from './policy.ts';
import { type ColumnAliases, openSourceTable, type SourceTable, toSourceDetail } from './source-table.ts';

/**
 * Most source bytes of the texts in one page, unless one row alone has more: with a 2 MB row the page is a few
 * such rows, which SQLite and JSON take under 50 ms for.
 */
const PAGE_SOURCE_BYTES_MAX = 4 * 1024 * 1024;

/** Before the first row of any table: rowids may be negative. */
const POSITION_BEFORE_ALL = Number.MIN_SAFE_INTEGER;

/** Rows of a log just read. */
export interface RowsRead {
  readonly count: number;
  /** The rowid of the last row; of no meaning where `count` is 0. */
  readonly last: number;
  /** Makes the page, outside of any transaction. Undefined where none of the rows is to be exported from this home. */
  toPage(): Promise<Page | undefined>;
}

/** Reads rows of one log in rowid order. Called synchronously within a transaction of the source. */
export type RowsReader = (after: number, rowsMax: number) => RowsRead;

/** How many of the `rowsMax` rows after `after` a reader that makes objects of them may take, for the size of their texts; at least one. */
export type RowsFit = (after: number, rowsMax: number) => number;

/** A log's home: a table that only grows at its end. */
export interface LogHome<Field extends string> {
  /** Below the boat's root; also the name of its cursor. */
  readonly name: string;
  readonly table: string;
  readonly aliases: ColumnAliases<Field>;
  /** The fields whose texts may be large, for the size of pages. */
  readonly largeFields: readonly NoInfer<Field>[];
  /** Most rows in a page, where the reader makes objects of them: garbage of one page is the daemon's memory. */
  readonly rowsMax?: number;
  createReader(table: SourceTable<Field>, fit: RowsFit): RowsReader;
}

/** How reading a log's home ended; `move` is there where rows were read. */
export interface LogOutcome extends HomeOutcome {
  readonly move?: CursorMove;
}

/**
 * Reads a log home: from the cursor where that still fits, else from the start; in full mode always from the start.
 * Each page is one short read transaction; none is held while the page is taken, so the source's WAL does not grow for us.
 * Where the log changes under the reading (a VACUUM that renumbers), it ends in `error` and is read again next time.
 */
export async function* readLogHome<Field extends string>(
  context: CollectContext,
  home: LogHome<Field>,
): AsyncGenerator<Page, LogOutcome, void> {
  const opened = openSourceTable(context, home.name, home.table, home.aliases);
  if (opened.kind === 'outcome') return opened.outcome;
  const { table } = opened;
  try {
    return yield* readRows(context, home, table);
  } catch (error) {
    return { state: 'error', detail: toSourceDetail(error, home.name, context) };
  } finally {
    table.db.close();
  }
}

async function* readRows<Field extends string>(
  context: CollectContext,
  home: LogHome<Field>,
  table: SourceTable<Field>,
): AsyncGenerator<Page, LogOutcome, void> {
  const anchors = createAnchorReader(table);
  const from = fitCursor(context.cursorOf(home.name), anchors.digestAt);
  const readPage = home.createReader(table, createFit(home, table));
  const start = context.mode === 'full' ? undefined : from;
  let position = start?.position ?? POSITION_BEFORE_ALL;
  let positionDigest = start === undefined ? undefined : anchors.digestAt(position);
  let rowsMax: number = PAGE_ROWS.first;
  for (;;) {
    context.signal.throwIfAborted();
    const beganMs = context.clock.monotonic();
    const rows = inReadTransaction(table, () => {
      if (positionDigest !== undefined && anchors.digestAt(position) !== positionDigest) return undefined;
      const read = readPage(position, rowsMax);
      if (read.count === 0) return read;
      position = read.last;
      positionDigest = anchors.digestAt(read.last);
      return read;
    });
    if (rows === undefined) return { state: 'error', detail: `${home.name} changed while it was read` };
    if (rows.count === 0) break;
    rowsMax = Math.min(
      nextPageRows(rowsMax, context.clock.monotonic() - beganMs),
      home.rowsMax ?? PAGE_ROWS.max,
    );
    const page = await rows.toPage();
    if (page !== undefined) yield page;
    await context.clock.yield();
  }
  return toLogOutcome(home.name, from, start, position, anchors);
}

function toLogOutcome(
  source: string,
  from: Cursor | undefined,
  start: Cursor | undefined,
  position: number,
  anchors: AnchorReader,
): LogOutcome {
  if (position === POSITION_BEFORE_ALL) return { state: 'empty' };
  if (position === start?.position) return { state: 'ok' };
  const to = toCursor(anchors.anchorsFrom(position));
  return to === undefined ? { state: 'empty' } : { state: 'ok', move: { source, from, to } };
}

/** Runs `read` in one read transaction, which ends before anything is awaited. */
function inReadTransaction<T>({ db }: { readonly db: SourceTable<string>['db'] }, read: () => T): T {
  db.exec('BEGIN');
  try {
    return read();
  } finally {
    // Some errors of SQLite end the transaction themselves.
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

interface AnchorReader {
  digestAt(position: number): string | undefined;
  /** The rows a cursor at `position` remembers, in falling order. */
  anchorsFrom(position: number): readonly Anchor[];
}

function createAnchorReader<Field extends string>({ db, table, columns }: SourceTable<Field>): AnchorReader {
  // quote() tells texts, numbers and bytes apart, so a row of another type is another row.
  const row = Object.values<string>(columns)
    .map((column) => `quote(${column})`)
    .join(` || ',' || `);
  const at = db.prepare(`SELECT rowid AS position, ${row} AS content FROM ${table} WHERE rowid = ?`);
  const before = db.prepare(
    `SELECT rowid AS position, ${row} AS content FROM ${table} WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1`,
  );
  const toAnchor = (found: Record<string, unknown> | undefined): Anchor | undefined =>
    found === undefined
      ? undefined
      : {
          position: Number(found['position']),
          digest: sha256(String(found['content'])).slice(0, ANCHOR_DIGEST_LENGTH),
        };
  return {
    digestAt: (position) => toAnchor(at.get(position))?.digest,
    anchorsFrom(position) {
      const anchors: Anchor[] = [];
      for (const distance of ANCHOR_DISTANCES) {
        const anchor = toAnchor(before.get(position - distance));
        if (anchor === undefined) break;
        if (anchors.at(-1)?.position !== anchor.position) anchors.push(anchor);
      }
      return anchors;
    },
  };
}

/** Limits a page's rows so that their texts stay within `PAGE_SOURCE_BYTES_MAX`. SQLite knows the lengths without reading the texts. */
function createFit<Field extends string>(
  home: LogHome<Field>,
  { db, table, columns }: SourceTable<Field>,
): RowsFit {
  const lengths = home.largeFields.map((field) => `ifnull(octet_length(${columns[field]}), 0)`).join(' + ');
  const measure = db.prepare(
    `SELECT total(bytes) AS bytes FROM (SELECT ${lengths} AS bytes FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ?)`,
  );
  return (after, rowsMax) => {
    let rows = rowsMax;
    while (rows > 1 && Number(measure.get(after, rows)?.['bytes']) > PAGE_SOURCE_BYTES_MAX)
      rows = Math.ceil(rows / 4);
    return rows;
  };
}
