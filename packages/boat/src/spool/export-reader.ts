import type { Category, CategoryState } from '@d3kos/protocol';
import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { cutFile, readHeaderLine, readPart } from './cut.ts';
import { type CutPart, type Slice, toRenamedHeader } from './policy.ts';

/** The newline that ends the header line. */
const LINE_END = 10;

/** A part of an export file, defined by its records' positions. */
export interface PartToRead {
  readonly index: number;
  readonly count: number;
  readonly slices: readonly Slice[];
  /** Each category's collection state, repeated in every part. */
  readonly states: Readonly<Partial<Record<Category, CategoryState>>>;
}

/** Reads an export file. It keeps no file handle open, so it does not need to be closed. */
export interface ExportReader {
  readonly sizeBytes: number;
  /** Returns the header as JSON text. Throws EXPORT_FILE_MISSING or EXPORT_FILE_DAMAGED. */
  headerJson(): Promise<string>;
  /**
   * Returns the installation that created the export, or undefined if the header has none. Throws EXPORT_FILE_MISSING or
   * EXPORT_FILE_DAMAGED.
   */
  installationId(): Promise<string | undefined>;
  /** Splits the file into parts. See `cutFile`. */
  cut(partSizeBytes: number, isOpen?: (offset: number) => boolean): Promise<readonly CutPart[]>;
  /** Returns a part's body: a complete, uncompressed document. Throws EXPORT_FILE_MISSING or EXPORT_FILE_DAMAGED. */
  readPart(part: PartToRead): Promise<Uint8Array>;
  /** Returns the complete file, which must have `sizeBytes` bytes. Throws EXPORT_FILE_DAMAGED. */
  readWhole(sizeBytes: number): Promise<Uint8Array>;
}

/**
 * The export to which a file's bodies belong. It differs from the file's header if a new ledger has begun since the file was
 * written.
 */
export interface ExportIdentity {
  readonly exportId: string;
  readonly ledgerId: string;
  readonly sequence: number;
}

/**
 * Opens an export file for reading. If `identity` is given, the returned header and bodies name that export, while the file stays
 * unchanged. Throws EXPORT_FILE_MISSING.
 */
export async function openExportReader(
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  path: string,
  identity?: ExportIdentity,
): Promise<ExportReader> {
  const facts = await disk.stat(path);
  if (facts === undefined)
    throw new ExportError('EXPORT_FILE_MISSING', `The export file ${path} does not exist`, {
      op: 'open the export file',
      hint: 'The next export contains its records. If you moved the file, move it back.',
    });
  let header: string | undefined;
  let isRenamed = false;
  const readHeader = async (): Promise<string> => {
    if (header !== undefined) return header;
    const own = await readHeaderLine(disk, path);
    header = identity === undefined ? own : toRenamedHeader(own, identity);
    isRenamed = header !== own;
    return header;
  };
  return {
    sizeBytes: facts.sizeBytes,
    headerJson: async () => (await readHeader()).replace(/,"data":\{$/, '}'),
    installationId: async () => /^\{"installation_id":"([0-9a-f]{16})"/.exec(await readHeader())?.[1],
    cut: (partSizeBytes, isOpen) => cutFile(disk, clock, path, partSizeBytes, isOpen),
    readPart: async (part) => readPart(disk, path, await readHeader(), part),
    async readWhole(sizeBytes) {
      const body = await disk.readRange(path, 0, sizeBytes);
      if (body?.length === sizeBytes) {
        const line = identity === undefined ? '' : await readHeader();
        return isRenamed
          ? Buffer.concat([Buffer.from(line, 'utf8'), body.subarray(body.indexOf(LINE_END))])
          : body;
      }
      throw new ExportError('EXPORT_FILE_DAMAGED', `The size of the export file ${path} has changed`, {
        op: 'read the export file',
        hint: 'The next export contains its records.',
      });
    },
  };
}
