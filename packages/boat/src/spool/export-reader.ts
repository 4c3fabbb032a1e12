import type { Category, CategoryState } from '@d3kos/protocol';
import { ExportError } from '../platform/errors.ts';
import type { Clock, Disk } from '../platform/ports.ts';
import { cutFile, readHeaderLine, readPart } from './cut.ts';
import type { CutPart, Slice } from './policy.ts';

/** A part of an export file, given by the positions of its records. */
export interface PartToRead {
  readonly index: number;
  readonly count: number;
  readonly slices: readonly Slice[];
  /** The state of each category's collection, repeated in every part. */
  readonly states: Readonly<Partial<Record<Category, CategoryState>>>;
}

/** An export file that is open for reading. It holds no file handle, so it does not need to be closed. */
export interface ExportReader {
  readonly sizeBytes: number;
  /** Returns the header as JSON text. Throws EXPORT_FILE_MISSING or EXPORT_FILE_DAMAGED. */
  headerJson(): Promise<string>;
  /**
   * Returns the installation that made the export, or undefined if the header names none. Throws EXPORT_FILE_MISSING or
   * EXPORT_FILE_DAMAGED.
   */
  installationId(): Promise<string | undefined>;
  /**
   * Cuts the file into parts of about `partSizeBytes`. The parts contain all records, or only the records whose offsets
   * `isOpen` accepts. `isOpen` is called in file order. The same file and size give the same parts on every boot. Throws
   * EXPORT_FILE_DAMAGED.
   */
  cut(partSizeBytes: number, isOpen?: (offset: number) => boolean): Promise<readonly CutPart[]>;
  /**
   * Returns the body of a part: a complete document, before compression. Throws EXPORT_FILE_MISSING or EXPORT_FILE_DAMAGED.
   */
  readPart(part: PartToRead): Promise<Uint8Array>;
  /** Returns the whole file, which must have `sizeBytes` bytes. Throws EXPORT_FILE_DAMAGED. */
  readWhole(sizeBytes: number): Promise<Uint8Array>;
}

/** Opens an export file. Throws EXPORT_FILE_MISSING. */
export async function openExportReader(
  { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
  path: string,
): Promise<ExportReader> {
  const facts = await disk.stat(path);
  if (facts === undefined)
    throw new ExportError('EXPORT_FILE_MISSING', `The export file ${path} does not exist`, {
      op: 'open the export file',
      hint: 'The next export carries its records. If you moved the file, move it back.',
    });
  let header: string | undefined;
  const readHeader = async (): Promise<string> => (header ??= await readHeaderLine(disk, path));
  return {
    sizeBytes: facts.sizeBytes,
    headerJson: async () => (await readHeader()).replace(/,"data":\{$/, '}'),
    installationId: async () => /^\{"installation_id":"([0-9a-f]{16})"/.exec(await readHeader())?.[1],
    cut: (partSizeBytes, isOpen) => cutFile(disk, clock, path, partSizeBytes, isOpen),
    readPart: async (part) => readPart(disk, path, await readHeader(), part),
    async readWhole(sizeBytes) {
      const body = await disk.readRange(path, 0, sizeBytes);
      if (body?.length === sizeBytes) return body;
      throw new ExportError('EXPORT_FILE_DAMAGED', `The size of the export file ${path} has changed`, {
        op: 'read the export file',
        hint: 'The next export carries its records.',
      });
    },
  };
}
