import { constants } from 'node:fs';
import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises';
import type { FileFacts, WallMs } from './ports.ts';

/** Permissions of new files: the owner writes, services of the same boat may read. The umask still applies. */
const FILE_MODE = 0o644;
const DIRECTORY_MODE = 0o755;

/** An open file. Everything throws the system's error (`code` is `ENOSPC`, `EIO`, …). */
export interface OpenFile {
  facts(): Promise<FileFacts>;
  /** Reads from `position` into `into`; fewer bytes than fit are allowed, 0 is the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes at `position`; gives how many of the bytes were taken, which may be fewer than there are. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** fsync: what was written survives a power cut. The name it has in its directory may not. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The primitive steps that a Disk is composed of; each one is a moment at which power can fail.
 * Everything throws the system's error with its `code`.
 */
export interface FileSystem {
  /** Opens without waiting for anybody: a pipe without a writer does not hold it up. */
  openToRead(path: string): Promise<OpenFile>;
  /** Creates a file that is not there yet (EEXIST otherwise) and opens it for writing. */
  create(path: string): Promise<OpenFile>;
  /** Follows links; a link to nothing is `other`. */
  stat(path: string): Promise<FileFacts>;
  names(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file; EEXIST where something has it, and one of several codes where the file system knows no such names. */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** One level; EEXIST where something is there. */
  makeDirectory(path: string): Promise<void>;
  /** fsync of a directory: the names in it survive a power cut as they are now. */
  syncDirectory(path: string): Promise<void>;
  /** Space as an unprivileged writer sees it. */
  space(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
}

interface StatAnswer {
  isFile(): boolean;
  isDirectory(): boolean;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

function toFacts(answer: StatAnswer): FileFacts {
  return {
    kind: answer.isFile() ? 'file' : answer.isDirectory() ? 'directory' : 'other',
    sizeBytes: answer.size,
    // The file system keeps times of the wall clock; the brand says so.
    modifiedMs: Math.floor(answer.mtimeMs) as WallMs,
    fileNo: answer.ino,
  };
}

function toOpenFile(handle: FileHandle): OpenFile {
  return {
    facts: async () => toFacts(await handle.stat()),
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

async function statThroughLinks(path: string): Promise<FileFacts> {
  try {
    return toFacts(await stat(path));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return toFacts(await lstat(path));
  }
}

/** The `code` of an error that the system reported (`ENOENT`, …), or undefined for an error of another kind. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The machine's file system. */
export function createFileSystem(): FileSystem {
  return {
    openToRead: async (path) => toOpenFile(await open(path, constants.O_RDONLY | constants.O_NONBLOCK)),
    create: async (path) => toOpenFile(await open(path, 'wx', FILE_MODE)),
    stat: statThroughLinks,
    names: (path) => readdir(path),
    rename,
    link,
    unlink,
    makeDirectory: async (path) => {
      await mkdir(path, { mode: DIRECTORY_MODE });
    },
    syncDirectory: async (path) => {
      const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    },
    space: async (path) => {
      const facts = await statfs(path);
      return { freeBytes: facts.bavail * facts.bsize, totalBytes: facts.blocks * facts.bsize };
    },
  };
}
