import assert from 'node:assert/strict';
import { basename, dirname, join } from 'node:path';
import { createFileSystem, type FileSystem, type OpenFile, systemCode } from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import type { DirectoryEntry, Disk, FileFacts, Random, StagedFile } from './ports.ts';
import { createRandom } from './random.ts';

/** Bytes read first from a file that says it is empty: those under /proc do, and most fit in one page. */
const FIRST_READ_BYTES = 4096;

/** Files of a directory asked for their facts at once: more than the four threads behind them, few enough to hold. */
const STAT_BATCH = 32;

/**
 * Bytes written to a file after which a sync of it begins beside the writing. Left to its commit, hundreds of MB would
 * be synced at once, and everybody's commits on that file system would wait behind them.
 */
export const SYNC_AHEAD_BYTES = 32 * 1024 * 1024;

/** A file system whose journal was aborted cannot be made writable where it is: it has to be mounted anew. */
export const READ_ONLY_HINT =
  "Linux does this after a storage error: check the SD card or SSD and the kernel log, then restart the boat's computer. What waits is kept.";

/** Random bytes in a temporary name: two files staged for one path at once must not meet. */
const TEMPORARY_NAME_BYTES = 6;

/** The machine's disk. */
export function createDisk(): Disk {
  return composeDisk(createFileSystem(), createRandom());
}

/**
 * A Disk made of the primitive steps of `fileSystem`, in the order that makes its promises true. The simulator
 * gives steps that can lose power between any two; `random` makes temporary names.
 */
export function composeDisk(fileSystem: FileSystem, random: Random): Disk {
  const disk: Disk = {
    read: (path, sizeMaxBytes) => readFrom(fileSystem, path, (file) => readWhole(file, path, sizeMaxBytes)),
    readRange: (path, offset, length) => readFrom(fileSystem, path, (file) => readAt(file, offset, length)),
    stat: (path) => told(`stat ${path}`, () => statIfThere(fileSystem, path)),
    list: (path) => told(`list ${path}`, () => listIfThere(fileSystem, path)),
    makeDirectory: (path) => told(`make directory ${path}`, () => makeDirectories(fileSystem, path)),
    stage: (path) => stage(fileSystem, random, path),
    replace: async (path, bytes) => {
      const staged = await disk.stage(path);
      try {
        await staged.write(bytes);
        await staged.commit();
      } finally {
        await staged.discard();
      }
    },
    move: (from, to) =>
      told(`move ${from} to ${to}`, async () => {
        const isAnotherFolder = dirname(from) !== dirname(to);
        const hasBoth = isAnotherFolder && (await addName(fileSystem, from, to));
        if (!hasBoth) await fileSystem.rename(from, to);
        // The new name is durable before the old one goes: a power cut leaves one of them or both, never none.
        await fileSystem.syncDirectory(dirname(to));
        if (hasBoth) await fileSystem.unlink(from);
        if (isAnotherFolder) await fileSystem.syncDirectory(dirname(from));
      }),
    remove: (path) =>
      told(`remove ${path}`, async () => {
        if (await unlinkIfThere(fileSystem, path)) await fileSystem.syncDirectory(dirname(path));
      }),
    space: (path) => told(`space of ${path}`, () => spaceAt(fileSystem, path)),
  };
  return disk;
}

/** What a file system says that knows no second names, as FAT does, or that may not give this file one. */
const NO_SECOND_NAME = new Set(['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Gives the file at `from` the name `to` as well, in place of what has it. False where the file system cannot: there a
 * rename has to do, of which a power cut may leave one half.
 */
async function addName(fileSystem: FileSystem, from: string, to: string): Promise<boolean> {
  for (let isFree = false; ; isFree = true)
    try {
      await fileSystem.link(from, to);
      return true;
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (NO_SECOND_NAME.has(code)) return false;
      if (isFree || code !== 'EEXIST') throw error;
      await fileSystem.unlink(to);
    }
}

async function stage(fileSystem: FileSystem, random: Random, path: string): Promise<StagedFile> {
  const name = `.${basename(path)}.${random.hex(TEMPORARY_NAME_BYTES)}.tmp`;
  const temporary = join(dirname(path), name);
  const file = await told(`create ${temporary}`, () => fileSystem.create(temporary));
  return toStagedFile(fileSystem, file, temporary, path);
}

function toStagedFile(fileSystem: FileSystem, file: OpenFile, temporary: string, path: string): StagedFile {
  // `spent`: a step failed or is under way; such a file can only be discarded, so no part of one is ever committed.
  let state: 'open' | 'spent' | 'committed' | 'discarded' = 'open';
  let isClosed = false;
  let sizeBytes = 0;
  const ahead = createSyncAhead(file);
  const closeOnce = async () => {
    if (isClosed) return;
    isClosed = true;
    await ahead.ended();
    await file.close();
  };
  const place = async () => {
    assert(state === 'open', `commit of a staged file that is ${state}: ${path}`);
    state = 'spent';
    await told(`commit ${path}`, async () => {
      await ahead.throwIfFailed();
      await file.sync();
      await closeOnce();
      await fileSystem.rename(temporary, path);
    });
    state = 'committed';
  };
  return {
    write: async (bytes) => {
      assert(state === 'open', `write to a staged file that is ${state}: ${path}`);
      state = 'spent';
      await told(`write ${temporary}`, () => writeAll(file, bytes, sizeBytes));
      sizeBytes += bytes.length;
      ahead.wrote(sizeBytes);
      state = 'open';
    },
    place,
    commit: async () => {
      await place();
      await told(`commit ${path}`, () => fileSystem.syncDirectory(dirname(path)));
    },
    discard: async () => {
      if (state === 'committed' || state === 'discarded') return;
      state = 'spent';
      await told(`discard ${temporary}`, async () => {
        await closeOnce();
        await unlinkIfThere(fileSystem, temporary);
      });
      state = 'discarded';
    },
  };
}

/** Syncs of a file beside its writing, one at a time. */
interface SyncAhead {
  /** To be told how much has been written so far. */
  wrote(sizeBytes: number): void;
  /** Resolves when no sync is under way. */
  ended(): Promise<void>;
  /** Rejects where a sync has failed: the system tells lost writes once, and the next sync would succeed. */
  throwIfFailed(): Promise<void>;
}

function createSyncAhead(file: OpenFile): SyncAhead {
  let begunAtBytes = 0;
  let underWay: Promise<void> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const sync = async (): Promise<void> => {
    await file.sync().catch((error: unknown) => {
      failure ??= { error };
    });
    underWay = undefined;
  };
  return {
    wrote(sizeBytes) {
      if (underWay !== undefined || sizeBytes - begunAtBytes < SYNC_AHEAD_BYTES) return;
      begunAtBytes = sizeBytes;
      underWay = sync();
    },
    ended: async () => underWay,
    throwIfFailed: async () => {
      await underWay;
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** A write may take fewer bytes than it was given, on a nearly full disk for one; the rest is offered again. */
async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const taken = await file.write(bytes.subarray(written), position + written);
    if (taken === 0) throw Object.assign(new Error('the file system took no byte'), { code: 'EIO' });
    written += taken;
  }
}

async function readFrom<T>(
  fileSystem: FileSystem,
  path: string,
  work: (file: OpenFile) => Promise<T>,
): Promise<T | undefined> {
  return told(`read ${path}`, async () => {
    const file = await orAbsent(fileSystem.openToRead(path));
    if (file === undefined) return undefined;
    try {
      const { kind } = await file.facts();
      if (kind !== 'file')
        throw new ExportError('DISK_FAILED', `${path} is not a file`, {
          op: `read ${path}`,
          hint: `A file is expected there; move what is there aside.`,
        });
      return await work(file);
    } finally {
      await file.close();
    }
  });
}

async function readWhole(file: OpenFile, path: string, sizeMaxBytes: number): Promise<Uint8Array> {
  const { sizeBytes } = await file.facts();
  if (sizeBytes > sizeMaxBytes) throw tooLarge(path, sizeMaxBytes);
  // One byte more than is expected: only a read of 0 bytes is the end, and the file may grow meanwhile.
  let bytes = new Uint8Array(Math.max(sizeBytes + 1, FIRST_READ_BYTES));
  let length = 0;
  for (;;) {
    const count = await file.read(bytes.subarray(length), length);
    if (count === 0) return bytes.slice(0, length);
    length += count;
    if (length > sizeMaxBytes) throw tooLarge(path, sizeMaxBytes);
    if (length === bytes.length) {
      const larger = new Uint8Array(bytes.length * 2);
      larger.set(bytes);
      bytes = larger;
    }
  }
}

async function readAt(file: OpenFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = await file.read(bytes.subarray(filled), offset + filled);
    if (count === 0) return bytes.slice(0, filled);
    filled += count;
  }
  return bytes;
}

function tooLarge(path: string, sizeMaxBytes: number): ExportError {
  return new ExportError('FILE_TOO_LARGE', `${path} is larger than ${sizeMaxBytes} bytes`, {
    op: `read ${path}`,
    hint: 'A file this large is not what is expected there; look at what writes it.',
  });
}

async function statIfThere(fileSystem: FileSystem, path: string): Promise<FileFacts | undefined> {
  return orAbsent(fileSystem.stat(path));
}

async function listIfThere(
  fileSystem: FileSystem,
  path: string,
): Promise<readonly DirectoryEntry[] | undefined> {
  const names = await orAbsent(fileSystem.names(path));
  if (names === undefined) return undefined;
  const sorted = [...names].sort();
  const entries: DirectoryEntry[] = [];
  for (let start = 0; start < sorted.length; start += STAT_BATCH) {
    const batch = sorted.slice(start, start + STAT_BATCH);
    const facts = await Promise.all(batch.map((name) => statIfThere(fileSystem, join(path, name))));
    batch.forEach((name, index) => {
      const found = facts[index];
      // A file removed since the names were read is no longer there, and so not listed.
      if (found !== undefined) entries.push({ name, ...found });
    });
  }
  return entries;
}

async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  const missing: string[] = [];
  let existing = path;
  for (;;) {
    const facts = await statIfThere(fileSystem, existing);
    if (facts !== undefined) break;
    missing.unshift(existing);
    existing = dirname(existing);
  }
  await syncParent(fileSystem, existing);
  for (const directory of missing) {
    await fileSystem.makeDirectory(directory).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    await fileSystem.syncDirectory(dirname(directory));
  }
  const { kind } = await fileSystem.stat(path);
  if (kind !== 'directory') throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
}

/**
 * A process killed between making a directory and its fsync leaves one that is there and not yet durable, so the
 * name of an existing directory is synced too. A parent that may not be read is not one we made anything in.
 */
async function syncParent(fileSystem: FileSystem, directory: string): Promise<void> {
  await fileSystem.syncDirectory(dirname(directory)).catch((error: unknown) => {
    if (systemCode(error) !== 'EACCES') throw error;
  });
}

async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<boolean> {
  const isRemoved = await orAbsent(fileSystem.unlink(path).then(() => true));
  return isRemoved ?? false;
}

async function spaceAt(
  fileSystem: FileSystem,
  path: string,
): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
  for (let held = path; ; held = dirname(held)) {
    const space = await orAbsent(fileSystem.space(held));
    if (space !== undefined) return space;
    assert(held !== dirname(held), 'the root of the file system is there');
  }
}

/** "Not there" as a value. A file where a folder of the path should be is "not there" as well. */
async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Runs `work` and tells what the system reports as an ExportError; any other error is not the disk's and passes. */
async function told<T>(op: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDiskError(error, op);
  }
}

/** What the system reports as an ExportError (DISK_FULL, DISK_READ_ONLY, DISK_FAILED); any other error as it is. */
export function toDiskError(error: unknown, op: string): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof ExportError || !(error instanceof Error)) return error;
  const facts = { op, cause: error };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ExportError('DISK_FULL', `No space left: ${op}`, {
        ...facts,
        hint: 'Free space on this file system. Exports that wait for delivery are kept.',
      });
    case 'EROFS':
      return new ExportError('DISK_READ_ONLY', `The file system is read-only: ${op}`, {
        ...facts,
        hint: READ_ONLY_HINT,
      });
    case 'EACCES':
    case 'EPERM':
      return new ExportError('DISK_FAILED', `Not permitted: ${op}`, {
        ...facts,
        hint: 'Give the user the export manager runs as permission for this path.',
      });
    case 'EIO':
      return new ExportError('DISK_FAILED', `The storage failed: ${op}`, {
        ...facts,
        hint: 'Check the SD card or SSD and the kernel log, and replace it if errors repeat.',
      });
    default:
      return new ExportError('DISK_FAILED', `${error.message}: ${op}`, {
        ...facts,
        hint: `The system reports ${code}. Check this path and the kernel log.`,
      });
  }
}
