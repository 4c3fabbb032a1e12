import { setImmediate } from 'node:timers/promises';
import { toDiskReason } from './disk-error.ts';
import { isExportError } from './errors.ts';
import { parseForeignJson } from './lenient-json.ts';
import type { Disk } from './ports.ts';
import { decodeLongText } from './text.ts';

/**
 * A text file that may be missing. `empty` means that the file has no content, or that a power cut left only zero bytes in it.
 */
export type TextFile =
  | { readonly kind: 'missing' | 'empty' }
  | { readonly kind: 'unreadable' | 'too_large'; readonly reason: string }
  | { readonly kind: 'text'; readonly text: string };

/** A JSON file that may be missing. `odd` means that its text is not JSON, or is JSON that exceeds the limits. */
export type JsonFile =
  | Exclude<TextFile, { readonly kind: 'text' }>
  | { readonly kind: 'odd'; readonly reason: string }
  | { readonly kind: 'value'; readonly value: unknown };

/**
 * Reads the text of a file written by another program or an operator. All of these files are read with this function. Follows
 * links, but reads only regular files. The failure reason contains neither the path nor any of the file's content. Rethrows any
 * error that does not come from the disk.
 */
export async function readTextFile(
  disk: Pick<Disk, 'read'>,
  path: string,
  sizeMaxBytes: number,
): Promise<TextFile> {
  try {
    const bytes = await disk.read(path, sizeMaxBytes, 'follow');
    if (bytes === undefined) return { kind: 'missing' };
    const text = await decodeLongText(bytes, setImmediate);
    return text === '' ? { kind: 'empty' } : { kind: 'text', text };
  } catch (error) {
    return toReadFailure(error);
  }
}

/** Reads a JSON file. `NaN` and `Infinity` count as null, and numbers keep their digits (see `parseForeignJson`). */
export async function readJsonFile(
  disk: Pick<Disk, 'read'>,
  path: string,
  sizeMaxBytes: number,
): Promise<JsonFile> {
  const file = await readTextFile(disk, path, sizeMaxBytes);
  return file.kind === 'text' ? parseForeignJson(file.text) : file;
}

/** Describes why a file could not be read. Rethrows any error that does not come from the disk. */
export function toReadFailure(error: unknown): {
  readonly kind: 'unreadable' | 'too_large';
  readonly reason: string;
} {
  if (isExportError(error, 'FILE_TOO_LARGE')) return { kind: 'too_large', reason: 'is too large' };
  if (!isExportError(error)) throw error;
  return { kind: 'unreadable', reason: toDiskReason(error) };
}
