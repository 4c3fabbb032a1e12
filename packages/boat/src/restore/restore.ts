import { dirname, join } from 'node:path';
import type { StoredDocument } from '@d3kos/protocol';
import { asObject } from '../collect/allowed.ts';
import type { Disk, WallMs } from '../platform/ports.ts';
import { readTextFile } from '../platform/text-file.ts';
import { decideFile, type FileAction, type NewerFiles, type PresentFile } from './policy.ts';
import { type RestorableFile, toRestorable } from './restorable-files.ts';

/**
 * Maximum size of a file before and after restored values are merged into it, in bytes. Real files are a few kB. Central might
 * send more than the boat's programs can read.
 */
const FILE_SIZE_MAX_BYTES = 1024 * 1024;

/** Maximum number and length of the sentences about values that are not restored. A real boat has fewer than ten. */
const NOT_RESTORED_MAX = 50;
const NOT_RESTORED_LENGTH_MAX = 300;

/**
 * Maximum difference between the boat's and central's clocks. Without this limit, a record from the future would make every file
 * look old.
 */
const CLOCK_DIFFERENCE_MAX_MS = 24 * 3_600_000;

/** A record with an unknown time counts as older than any file. */
const OLDEST_MS = 0;

/** Suffix for the backup copy of a file that is about to be updated. */
const COPY_SUFFIX = '.before-restore';

/** Permission bits that let other users read a file. */
const OTHERS_READ = 0o044;

/** A restoration's actions, planned or carried out. */
export interface RestorePlan {
  readonly files: readonly PlannedFile[];
  /** One sentence for each value that cannot be restored, for example because it never left the boat. */
  readonly notRestored: readonly string[];
  /** When central received each record. Null for a record that central does not hold. */
  readonly recordedAt: { readonly onboarding: string | null; readonly settings: string | null };
}

/** One file in a restoration. */
export interface PlannedFile {
  /** Path below the boat's root. */
  readonly path: string;
  readonly action: FileAction;
  /** Names of the restored values. */
  readonly keys: readonly string[];
  /** The new content, present for `create` and `update`. */
  readonly content?: string;
  /** Why the file cannot be read, present for `keep_unreadable`. */
  readonly reason?: string;
}

/** The two records, as returned by central. */
export interface StoredRecords {
  readonly onboarding: StoredDocument | null;
  readonly settings: StoredDocument | null;
}

/**
 * Compares the boat's files with what central holds. Writes nothing. `nowMs` is this computer's time, which central's record
 * cannot be later than. Throws the errors of the disk.
 */
export async function planRestore(
  disk: Disk,
  root: string,
  { onboarding, settings }: StoredRecords,
  { newer, nowMs }: { readonly newer: NewerFiles; readonly nowMs: WallMs },
): Promise<RestorePlan> {
  const { files, notRestored } = toRestorable(asObject(onboarding?.record), asObject(settings?.record));
  const recordedMs = { onboarding: toRecordedMs(onboarding, nowMs), settings: toRecordedMs(settings, nowMs) };
  const planned: PlannedFile[] = [];
  const tooLarge: string[] = [];
  for (const file of files) {
    const plan = await planFile(disk, root, file, recordedMs[file.record], newer);
    if (Buffer.byteLength(plan.content ?? '') <= FILE_SIZE_MAX_BYTES) planned.push(plan);
    else tooLarge.push(`${file.path}: it would have more than ${FILE_SIZE_MAX_BYTES} bytes`);
  }
  return {
    files: planned,
    notRestored: toListed([...notRestored, ...tooLarge]),
    recordedAt: { onboarding: toTime(recordedMs.onboarding), settings: toTime(recordedMs.settings) },
  };
}

/**
 * Returns the first entries and the number of remaining ones. Each entry is truncated, because it may contain a name sent by
 * central.
 */
function toListed(entries: readonly string[]): readonly string[] {
  const shown = entries.slice(0, NOT_RESTORED_MAX).map((entry) => entry.slice(0, NOT_RESTORED_LENGTH_MAX));
  const rest = entries.length - shown.length;
  return rest === 0 ? shown : [...shown, `and ${rest} more values`];
}

/** Returns undefined for a time that cannot be parsed or lies in the future. */
function toRecordedMs(document: StoredDocument | null, nowMs: WallMs): number | undefined {
  const ms = Date.parse(document?.received_at ?? '');
  return Number.isNaN(ms) || ms > nowMs + CLOCK_DIFFERENCE_MAX_MS ? undefined : ms;
}

function toTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

async function planFile(
  disk: Disk,
  root: string,
  file: RestorableFile,
  recordedMs: number | undefined,
  newer: NewerFiles,
): Promise<PlannedFile> {
  const { path, keys } = file;
  const present = await readPresent(disk, join(root, path));
  const content = file.merge(present.kind === 'text' ? present.text : undefined);
  const action = decideFile(present, content === undefined, recordedMs ?? OLDEST_MS, newer);
  return {
    path,
    keys,
    action,
    ...(content !== undefined && isWritten(action) ? { content } : {}),
    ...(present.kind === 'unreadable' ? { reason: present.reason } : {}),
  };
}

async function readPresent(disk: Disk, path: string): Promise<PresentFile> {
  const file = await readTextFile(disk, path, FILE_SIZE_MAX_BYTES);
  switch (file.kind) {
    case 'missing':
    case 'empty':
      return { kind: 'missing' };
    case 'unreadable':
    case 'too_large':
      return { kind: 'unreadable', reason: file.reason };
    case 'text': {
      const facts = await disk.stat(path, 'follow');
      return { kind: 'text', text: file.text, modifiedMs: facts?.modifiedMs ?? 0 };
    }
    default:
      return file satisfies never;
  }
}

function isWritten(action: FileAction): boolean {
  return action === 'create' || action === 'update';
}

/**
 * Writes the planned files one after another. Each is replaced atomically and durably. Before a file is updated, it is copied to
 * `NAME.before-restore`. If power fails partway, the next run writes only the remaining files. Throws the errors of the disk.
 */
export async function writeRestore(disk: Disk, root: string, { files }: RestorePlan): Promise<void> {
  for (const { path, action, content } of files) {
    if (content === undefined) continue;
    const target = join(root, path);
    await disk.makeDirectory(dirname(target), 'everyone');
    const before = action === 'update' ? await disk.read(target, FILE_SIZE_MAX_BYTES, 'follow') : undefined;
    if (before !== undefined) await disk.replace(`${target}${COPY_SUFFIX}`, before);
    await replace(disk, target, content);
  }
}

/** Replaces a file. New files are readable by everyone, because other programs read them. */
async function replace(disk: Disk, path: string, content: string): Promise<void> {
  const permissions = (await disk.stat(path, 'follow'))?.permissions ?? OTHERS_READ;
  const staged = await disk.stage(path, (permissions & OTHERS_READ) === 0 ? 'owner' : 'everyone');
  try {
    await staged.write(new TextEncoder().encode(content));
    await staged.commit();
  } finally {
    await staged.discard();
  }
}
