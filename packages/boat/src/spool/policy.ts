import { type Category, type DocumentHeader, FORMER_LEDGERS_MAX, isCategory } from '@d3kos/protocol';

/** Consecutive records of one category in an export file: bytes [offset, offset + length), without a trailing comma. */
export interface Slice {
  readonly category: Category;
  readonly offset: number;
  readonly length: number;
  readonly count: number;
}

/**
 * One part of an export file. Each part has at least one record, so a record larger than the part size forms a part of its own.
 */
export interface CutPart {
  readonly slices: readonly Slice[];
}

/**
 * The kind of a line in an export file. `export-file.ts` defines the layout: a header line; for each category, an opening line,
 * one line per record and a closing line with the section's facts; and an end line.
 */
export type LineKind =
  | { readonly kind: 'header' }
  | { readonly kind: 'open'; readonly category: Category }
  | { readonly kind: 'record' }
  | { readonly kind: 'close' }
  | { readonly kind: 'end' };

const RECORD_START = '{"record_id":';

/** Determines a line's kind from its first characters (64 are enough). Returns undefined if the line does not fit the layout. */
export function toLineKind(start: string): LineKind | undefined {
  if (start.startsWith(RECORD_START)) return { kind: 'record' };
  if (start.startsWith('{"installation_id":')) return { kind: 'header' };
  if (start.startsWith('"')) {
    const category = start.slice(1, start.indexOf('"', 1));
    return isCategory(category) ? { kind: 'open', category } : undefined;
  }
  if (start.startsWith('],') || start.startsWith(',"entry_count"')) return { kind: 'close' };
  if (start === '}}') return { kind: 'end' };
  return undefined;
}

/** A record line's position in the file. `length` excludes the newline and any trailing comma. */
export interface RecordLine {
  readonly category: Category;
  readonly offset: number;
  readonly length: number;
}

/**
 * Collects record lines, in file order, into parts of at most `partSizeBytes`. `take` returns the previous part if the line does
 * not fit into it. `rest` returns the last part.
 */
export interface Cutter {
  take(line: RecordLine): CutPart | undefined;
  rest(): CutPart | undefined;
}

/** Creates an empty Cutter. */
export function createCutter(partSizeBytes: number): Cutter {
  let slices: Slice[] = [];
  let sizeBytes = 0;
  const flush = (): CutPart | undefined => {
    if (slices.length === 0) return undefined;
    const part = { slices };
    slices = [];
    sizeBytes = 0;
    return part;
  };
  return {
    take({ category, offset, length }) {
      const full = sizeBytes > 0 && sizeBytes + length > partSizeBytes ? flush() : undefined;
      const last = slices.at(-1);
      // The records in a section are separated by a comma and a newline.
      if (last !== undefined && last.category === category && last.offset + last.length + 2 === offset)
        slices[slices.length - 1] = {
          ...last,
          length: offset + length - last.offset,
          count: last.count + 1,
        };
      else slices.push({ category, offset, length, count: 1 });
      sizeBytes += length + 2;
      return full;
    },
    rest: flush,
  };
}

/** How a header line ends. The records follow on the next lines. */
const HEADER_END = '"data":{';

/**
 * Replaces the export, ledger and sequence in a header line, or returns the same line if it already names this export. Leaves out
 * the lists of the former ledger's sequences, and names the former ledger (R104). The same line and identity always give the same
 * result, because a key must always identify the same bytes (docs/spec/protocol.md R17).
 */
export function toRenamedHeader(
  line: string,
  identity: { readonly exportId: string; readonly ledgerId: string; readonly sequence: number },
): string {
  // `readHeaderLine` has checked the line's format.
  const header = JSON.parse(`${line.slice(0, line.lastIndexOf(`,${HEADER_END}`))}}`) as Record<
    string,
    unknown
  >;
  if (header['export_id'] === identity.exportId) return line;
  const {
    withdrawn_sequences: _withdrawn,
    reinstated_sequences: _reinstated,
    open_exports: _open,
    ...kept
  } = header as Partial<DocumentHeader>;
  const former = [kept.ledger_id ?? [], kept.former_ledger_ids ?? []].flat().slice(0, FORMER_LEDGERS_MAX);
  const renamed = {
    ...kept,
    export_id: identity.exportId,
    ledger_id: identity.ledgerId,
    sequence: identity.sequence,
    former_ledger_ids: former,
  };
  return `${JSON.stringify(renamed).slice(0, -1)},${HEADER_END}`;
}
