import assert from 'node:assert/strict';
import { basename, dirname, join } from 'node:path';
import { createNoInodes, createNotAFile, toDiskError } from './disk-error.ts';
import {
  createFileSystem,
  type FileSystem,
  isNotFound,
  type OpenFile,
  systemCode,
} from './disk-file-system.ts';
import { ExportError } from './errors.ts';
import type {
  DirectoryEntry,
  Disk,
  DiskSpace,
  FileFacts,
  Links,
  Random,
  Readers,
  StagedFile,
  WallMs,
} from './ports.ts';
import { createRandom } from './random.ts';

/** Size of the first read, in bytes. Files in /proc report a size of 0, and most of them fit in one page. */
const FIRST_READ_BYTES = 4096;

/**
 * Number of directory entries examined concurrently: enough to keep Node's four threads busy, and few enough to fit in memory.
 */
const STAT_BATCH = 32;

/**
 * Number of bytes written to a file between two background syncs. Without these syncs, a commit would sync hundreds of MB
 * at once, and every other commit on the file system would wait for it.
 */
export const SYNC_AHEAD_BYTES = 32 * 1024 * 1024;

/** Number of random bytes in a temporary name, so that two files staged for the same path do not collide. */
const TEMPORARY_NAME_BYTES = 6;

/** Creates the machine's disk. */
export function createDisk(): Disk {
  return composeDisk(createFileSystem(), createRandom());
}

/**
 * Creates a Disk from the primitive steps of `fileSystem`, in an order that fulfils the `Disk` contract. The simulator can cut
 * power between any two steps. `random` is used for temporary names.
 */
export function composeDisk(fileSystem: FileSystem, random: Random): Disk {
  const disk: Disk = {
    read: (path, sizeMaxBytes, links = 'refuse') =>
      readFrom(fileSystem, path, links, (file) => readWhole(file, path, sizeMaxBytes)),
    readRange: (path, offset, length, links = 'refuse') =>
      readFrom(fileSystem, path, links, (file) => readAt(file, offset, length)),
    stat: (path, links = 'refuse') =>
      withDiskErrors(`stat ${path}`, () => statIfThere(fileSystem, path, links)),
    list: (path, links = 'refuse') =>
      withDiskErrors(`list ${path}`, () => listIfThere(fileSystem, path, links)),
    makeDirectory: (path, readers = 'owner') =>
      withDiskErrors(`make directory ${path}`, () => makeDirectories(fileSystem, path, readers)),
    restrict: (path) =>
      withDiskErrors(`restrict ${path}`, async () => {
        await orAbsent(fileSystem.restrict(path));
      }),
    stage: (path, readers = 'owner') => stage(fileSystem, random, path, readers),
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
      withDiskErrors(`move ${from} to ${to}`, async () => {
        const isAnotherFolder = dirname(from) !== dirname(to);
        const hasBoth = isAnotherFolder && (await addName(fileSystem, from, to));
        if (!hasBoth) await fileSystem.rename(from, to);
        // The new name is durable before the old one is removed. A power cut leaves at least one of the two.
        await fileSystem.syncDirectory(dirname(to));
        if (hasBoth) await fileSystem.unlink(from);
        if (isAnotherFolder) await fileSystem.syncDirectory(dirname(from));
      }),
    remove: (path) =>
      withDiskErrors(`remove ${path}`, async () => {
        if (await unlinkIfThere(fileSystem, path)) await fileSystem.syncDirectory(dirname(path));
      }),
    space: (path) => withDiskErrors(`space of ${path}`, () => spaceAt(fileSystem, path)),
  };
  return disk;
}

/** Error codes for a file system that does not support hard links, such as FAT, or does not allow one for this file. */
export const NO_SECOND_NAME = new Set(['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

/**
 * Adds the name `to` to the file at `from`, replacing any file with that name. Returns false if the file system does not support
 * hard links. The caller must then rename the file, and a power cut may leave the rename incomplete.
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

async function stage(
  fileSystem: FileSystem,
  random: Random,
  path: string,
  readers: Readers,
): Promise<StagedFile> {
  const name = `.${basename(path)}.${random.hex(TEMPORARY_NAME_BYTES)}.tmp`;
  const temporary = join(dirname(path), name);
  const file = await withDiskErrors(`create ${temporary}`, () =>
    fileSystem.create(temporary, readers).catch((error: unknown) => nameFullDisk(fileSystem, path, error)),
  );
  return toStagedFile(fileSystem, file, temporary, path);
}

function toStagedFile(fileSystem: FileSystem, file: OpenFile, temporary: string, path: string): StagedFile {
  // `spent` means that a step has failed or is still running. In this state, the file can only be discarded, so that a partial
  // file is never committed.
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
    await withDiskErrors(`commit ${path}`, async () => {
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
      await withDiskErrors(`write ${temporary}`, () => writeAll(file, bytes, sizeBytes));
      sizeBytes += bytes.length;
      ahead.wrote(sizeBytes);
      state = 'open';
    },
    place,
    commit: async () => {
      await place();
      await withDiskErrors(`commit ${path}`, () => fileSystem.syncDirectory(dirname(path)));
    },
    discard: async () => {
      if (state === 'committed' || state === 'discarded') return;
      state = 'spent';
      await withDiskErrors(`discard ${temporary}`, async () => {
        await closeOnce();
        await unlinkIfThere(fileSystem, temporary);
      });
      state = 'discarded';
    },
  };
}

/** Syncs a file in the background while it is being written, one sync at a time. */
interface SyncAhead {
  /** Called with the number of bytes written so far. */
  wrote(sizeBytes: number): void;
  /** Resolves once no sync is running. */
  ended(): Promise<void>;
  /**
   * Rejects if a sync has failed. The failure is kept because the system reports lost writes only once, so a later sync would
   * succeed.
   */
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

/** Writes all bytes. A single write may accept only some of the bytes, for example on a nearly full disk. */
async function writeAll(file: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const taken = await file.write(bytes.subarray(written), position + written);
    if (taken === 0) throw Object.assign(new Error('the file system wrote no bytes'), { code: 'EIO' });
    written += taken;
  }
}

/**
 * Rethrows an error, distinguishing lack of inodes from lack of space, because the system reports both as ENOSPC. Only a new name
 * needs an inode.
 */
async function nameFullDisk(fileSystem: FileSystem, path: string, error: unknown): Promise<never> {
  if (systemCode(error) === 'ENOSPC' && (await spaceAt(fileSystem, path)).freeInodes === 0)
    throw createNoInodes(`create ${path}`, error);
  throw error;
}

async function readFrom<T>(
  fileSystem: FileSystem,
  path: string,
  links: Links,
  work: (file: OpenFile) => Promise<T>,
): Promise<T | undefined> {
  return withDiskErrors(`read ${path}`, async () => {
    const file = await orAbsent(fileSystem.openToRead(path, links));
    if (file === undefined) return undefined;
    try {
      const { kind } = await file.facts();
      if (kind !== 'file') throw createNotAFile(path, kind, `read ${path}`);
      return await work(file);
    } finally {
      await file.close();
    }
  });
}

async function readWhole(file: OpenFile, path: string, sizeMaxBytes: number): Promise<Uint8Array> {
  const { sizeBytes } = await file.facts();
  if (sizeBytes > sizeMaxBytes) throw createTooLarge(path, sizeMaxBytes);
  // The buffer is one byte larger than the reported size, because the file may have grown, and only a read of 0 bytes indicates
  // its end.
  let bytes = new Uint8Array(Math.max(sizeBytes + 1, FIRST_READ_BYTES));
  let length = 0;
  for (;;) {
    const count = await file.read(bytes.subarray(length), length);
    if (count === 0) return bytes.slice(0, length);
    length += count;
    if (length > sizeMaxBytes) throw createTooLarge(path, sizeMaxBytes);
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

/** Creates the error for a file that is larger than its reader accepts. */
export function createTooLarge(path: string, sizeMaxBytes: number): ExportError {
  return new ExportError('FILE_TOO_LARGE', `${path} is larger than ${sizeMaxBytes} bytes`, {
    op: `read ${path}`,
    hint: 'The export manager expects a smaller file there. Check the program that writes it.',
  });
}

async function statIfThere(
  fileSystem: FileSystem,
  path: string,
  links: Links,
): Promise<FileFacts | undefined> {
  return orAbsent(fileSystem.stat(path, links));
}

/** Values for a directory entry that the system does not let us examine. */
// An unknown time counts as the oldest.
const UNKNOWN_FACTS: FileFacts = { kind: 'other', sizeBytes: 0, modifiedMs: 0 as WallMs, fileNo: 0 };

async function statEntry(fileSystem: FileSystem, path: string, links: Links): Promise<FileFacts | undefined> {
  try {
    return await statIfThere(fileSystem, path, links);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return UNKNOWN_FACTS;
  }
}

async function listIfThere(
  fileSystem: FileSystem,
  path: string,
  links: Links,
): Promise<readonly DirectoryEntry[] | undefined> {
  const names = await orAbsent(fileSystem.names(path));
  if (names === undefined) return undefined;
  const sorted = [...names].sort();
  const entries: DirectoryEntry[] = [];
  for (let start = 0; start < sorted.length; start += STAT_BATCH) {
    const batch = sorted.slice(start, start + STAT_BATCH);
    const facts = await Promise.all(batch.map((name) => statEntry(fileSystem, join(path, name), links)));
    batch.forEach((name, index) => {
      const found = facts[index];
      // Skips a file that was removed after the directory was listed.
      if (found !== undefined) entries.push({ name, ...found });
    });
  }
  return entries;
}

async function makeDirectories(fileSystem: FileSystem, path: string, readers: Readers): Promise<void> {
  const missing: string[] = [];
  let existing = path;
  for (;;) {
    const facts = await statIfThere(fileSystem, existing, 'follow');
    if (facts !== undefined) break;
    missing.unshift(existing);
    existing = dirname(existing);
  }
  await syncParent(fileSystem, existing);
  for (const directory of missing) {
    await fileSystem.makeDirectory(directory, readers).catch(async (error: unknown) => {
      if (systemCode(error) !== 'EEXIST') await nameFullDisk(fileSystem, existing, error);
    });
    await fileSystem.syncDirectory(dirname(directory));
  }
  const { kind } = await fileSystem.stat(path, 'follow');
  if (kind !== 'directory') throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
}

/**
 * Syncs an existing directory's parent. If a process is killed between creating a directory and the fsync, the directory is not
 * durable yet. A parent that this process is not allowed to read cannot contain a directory that this process created.
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

async function spaceAt(fileSystem: FileSystem, path: string): Promise<DiskSpace> {
  for (let held = path; ; held = dirname(held)) {
    const space = await orAbsent(fileSystem.space(held));
    if (space !== undefined) return space;
    assert(held !== dirname(held), 'the root of the file system exists');
  }
}

/** Resolves to undefined if nothing exists at the path, including a path below a file. */
async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Runs `work` and converts operating system errors to ExportErrors. Rethrows any other error unchanged. */
async function withDiskErrors<T>(op: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toDiskError(error, op);
  }
}
