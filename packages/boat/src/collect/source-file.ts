import { join } from 'node:path';
import { toDiskReason } from '../platform/disk-error.ts';
import { isExportError } from '../platform/errors.ts';
import type { CollectContext } from './collector.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';
import { createTimestampReader, type TimestampReader } from './policy/timestamps.ts';
import { readTimeZoneFile } from './time-zone-file.ts';

/**
 * Maximum size of a text or JSON source, in bytes. A benchmark download with samples is about 5 MB, and settings are under
 * 10 kB.
 */
export const SOURCE_FILE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

/** A source file. `empty` is a file of 0 bytes that was created but never written, or that a power cut truncated. */
export type FileText =
  | { readonly kind: 'absent' }
  | { readonly kind: 'empty' }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'text'; readonly text: string };

/** A JSON source file. */
export type FileJson =
  Exclude<FileText, { readonly kind: 'text' }> | { readonly kind: 'value'; readonly value: unknown };

/** Reads the text file `name` below the boat's root. For an unreadable file, the detail contains the name but no path. */
export async function readSourceText(
  context: CollectContext,
  name: string,
  sizeMaxBytes = SOURCE_FILE_SIZE_MAX_BYTES,
): Promise<FileText> {
  return readTextAt(context, join(context.paths.root, name), name, sizeMaxBytes);
}

/** Reads the text file at `path`. For an unreadable file, the detail contains `name`. */
export async function readTextAt(
  context: CollectContext,
  path: string,
  name: string,
  sizeMaxBytes: number,
): Promise<FileText> {
  try {
    const bytes = await context.disk.read(path, sizeMaxBytes, 'follow');
    if (bytes === undefined) return { kind: 'absent' };
    if (bytes.length === 0) return { kind: 'empty' };
    return { kind: 'text', text: new TextDecoder().decode(bytes) };
  } catch (error) {
    return { kind: 'unreadable', detail: toFileDetail(error, name) };
  }
}

/**
 * Returns a human-readable description of a failure to read a source file. Rethrows any error that does not come from the
 * disk.
 */
export function toFileDetail(error: unknown, name: string): string {
  if (isExportError(error, 'FILE_TOO_LARGE')) return `${name} is too large`;
  if (isExportError(error)) return `${name} ${toDiskReason(error)}`;
  throw error;
}

/** The outcome of a source file without a value. */
export function toFileOutcome(file: Exclude<FileJson, { readonly kind: 'value' }>): SourceOutcome {
  switch (file.kind) {
    case 'absent':
      return { state: 'source_missing' };
    case 'empty':
      return { state: 'empty' };
    case 'unreadable':
      return { state: 'error', detail: file.detail };
    default:
      return file satisfies never;
  }
}

/** Reads the JSON file `name` below the boat's root. `NaN` and `Infinity`, which Python writes, count as null. */
export async function readSourceJson(context: CollectContext, name: string): Promise<FileJson> {
  const file = await readSourceText(context, name);
  if (file.kind !== 'text') return file;
  const value = parseLenientJson(file.text);
  return value === undefined
    ? { kind: 'unreadable', detail: `${name} is not valid JSON` }
    : { kind: 'value', value };
}

/** Parses JSON, with `NaN` and `Infinity` as null. Undefined if the text is not JSON. */
export function parseLenientJson(text: string): unknown {
  return (
    parseJson(text) ??
    parseJson(text.replaceAll(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\b(?:NaN|Infinity)\b/g, toJsonToken))
  );
}

function toJsonToken(token: string): string {
  return token.startsWith('"') ? token : 'null';
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    // Any other error is a bug.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Creates a reader of this boat's timestamps. Local times are in the boat's zones; see `CollectContext.timeZones`. */
export async function readTimestampReader({
  disk,
  paths,
  timeZones,
}: CollectContext): Promise<TimestampReader> {
  return createTimestampReader(timeZones ?? (await readTimeZoneFile(disk, paths.root)));
}
