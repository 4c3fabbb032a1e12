import { join } from 'node:path';
import { type ParsedJson, parseForeignJson } from '../platform/lenient-json.ts';
import { type JsonFile, type TextFile, readTextFile, toReadFailure } from '../platform/text-file.ts';
import type { CollectContext } from './collector.ts';
import type { SourceOutcome } from './policy/source-outcomes.ts';
import { createTimestampReader, type TimestampReader } from './policy/timestamps.ts';
import { readTimeZoneFile } from './time-zone-file.ts';

/**
 * Maximum size of a text or JSON source, in bytes. A benchmark download with samples is about 5 MB, and settings are smaller than
 * 10 kB.
 */
export const SOURCE_FILE_SIZE_MAX_BYTES = 16 * 1024 * 1024;

/** Reads the text file `name` below the boat's root. */
export async function readSourceText(
  context: CollectContext,
  name: string,
  sizeMaxBytes = SOURCE_FILE_SIZE_MAX_BYTES,
): Promise<TextFile> {
  return readTextFile(context.disk, join(context.paths.root, name), sizeMaxBytes);
}

/** Reads the JSON file `name` below the boat's root. `NaN` and `Infinity`, which Python writes, count as null. */
export async function readSourceJson(context: CollectContext, name: string): Promise<JsonFile> {
  const file = await readSourceText(context, name);
  return file.kind === 'text' ? parseForeignJson(file.text) : file;
}

/** Describes why a source file could not be read, in human-readable form. Rethrows any error that does not come from the disk. */
export function toFileDetail(error: unknown, name: string): string {
  return `${name} ${toReadFailure(error).reason}`;
}

/** The outcome for a source file that has no value. */
export function toFileOutcome(
  name: string,
  file: Exclude<JsonFile, { readonly kind: 'value' }>,
): SourceOutcome {
  switch (file.kind) {
    case 'missing':
      return { state: 'source_missing' };
    case 'empty':
      return { state: 'empty' };
    case 'unreadable':
    case 'too_large':
    case 'odd':
      return { state: 'error', detail: `${name} ${file.reason}` };
    default:
      return file satisfies never;
  }
}

/** Parses JSON, with `NaN` and `Infinity` as null. Returns undefined if the text is not JSON. */
export function parseLenientJson(text: string): unknown {
  const parsed: ParsedJson = parseForeignJson(text);
  return parsed.kind === 'value' ? parsed.value : undefined;
}

/** Creates a reader for this boat's timestamps. Local times are in the boat's zones; see `CollectContext.timeZones`. */
export async function readTimestampReader({
  disk,
  paths,
  timeZones,
}: CollectContext): Promise<TimestampReader> {
  return createTimestampReader(timeZones ?? (await readTimeZoneFile(disk, paths.root)));
}
