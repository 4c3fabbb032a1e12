import { dirname, join } from 'node:path';
import type { StoredDocument } from '@d3kos/protocol';
import { asObject } from '../collect/allowed.ts';
import type { Disk } from '../platform/ports.ts';
import { readTextFile } from '../platform/text-file.ts';
import { decideFile, type FileAction, type NewerFiles, type PresentFile } from './policy.ts';
import { type RestorableFile, toRestorable } from './restorable-files.ts';

/** Maximum size of a file that is merged with restored values, in bytes. Real ones have a few kB. */
const FILE_SIZE_MAX_BYTES = 1024 * 1024;

/** Suffix of the copy of a file as it was before it was updated. */
const COPY_SUFFIX = '.before-restore';

/** Permissions of other users to read a file. */
const OTHERS_READ = 0o044;

/** The actions of a restoration, carried out or planned. */
export interface RestorePlan {
  readonly files: readonly PlannedFile[];
  /** One sentence for each value that is not written, because it never left the boat or cannot be restored. */
  readonly notRestored: readonly string[];
  /** Times at which central received the two records. Null for a record that it does not hold. */
  readonly recordedAt: { readonly onboarding: string | null; readonly settings: string | null };
}

/** One file of a restoration. */
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

/** The two records as central returned them. */
export interface StoredRecords {
  readonly onboarding: StoredDocument | null;
  readonly settings: StoredDocument | null;
}

/** Compares the boat's files with what central holds. Writes nothing. Throws the errors of the disk. */
export async function planRestore(
  disk: Disk,
  root: string,
  { onboarding, settings }: StoredRecords,
  newer: NewerFiles,
): Promise<RestorePlan> {
  const { files, notRestored } = toRestorable(asObject(onboarding?.record), asObject(settings?.record));
  const recordedMs = { onboarding: toMs(onboarding), settings: toMs(settings) };
  const planned: PlannedFile[] = [];
  for (const file of files) planned.push(await planFile(disk, root, file, recordedMs[file.record], newer));
  return {
    files: planned,
    notRestored,
    recordedAt: {
      onboarding: onboarding?.received_at ?? null,
      settings: settings?.received_at ?? null,
    },
  };
}

/** A record whose time cannot be read counts as older than every file. */
function toMs(document: StoredDocument | null): number {
  const ms = Date.parse(document?.received_at ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}

async function planFile(
  disk: Disk,
  root: string,
  file: RestorableFile,
  recordedMs: number,
  newer: NewerFiles,
): Promise<PlannedFile> {
  const { path, keys } = file;
  const present = await readPresent(disk, join(root, path));
  const content = file.merge(present.kind === 'text' ? present.text : undefined);
  const action = decideFile(present, content === undefined, recordedMs, newer);
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
 * Writes the planned files one after another. Each is replaced atomically and durably, and a file that is
 * updated is first copied to `NAME.before-restore`. If power fails partway, the next run finds the files that are already written
 * and writes the rest. Throws the errors of the disk.
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

/** Replaces a file. Other programs read these files, so a new one is readable by everyone. */
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
