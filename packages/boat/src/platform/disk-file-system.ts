import { constants } from 'node:fs';
import {
  chmod,
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
import type { DiskSpace, FileFacts, Links, Readers, WallMs } from './ports.ts';

/**
 * Permissions by reader. Exports contain the boat's records, so only the export manager's own user account may read them. Other
 * services read the two JSON views. The mode is set explicitly, because the daemon's umask removes other users' permissions.
 */
const FILE_MODES: Readonly<Record<Readers, number>> = { owner: 0o600, everyone: 0o644 };
const DIRECTORY_MODES: Readonly<Record<Readers, number>> = { owner: 0o700, everyone: 0o755 };

/** Permissions of the group and all other users. */
const OTHERS = 0o077;

/** An open file. Every method throws the system's errors (`code` is `ENOSPC`, `EIO`, …). */
export interface OpenFile {
  facts(): Promise<FileFacts>;
  /**
   * Reads from `position` into `into` and returns the number of bytes read, which may be fewer than requested. 0 means the end of
   * the file.
   */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes at `position` and returns the number of bytes written, which may be fewer than requested. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** Runs fsync: the written bytes then survive a power cut, but the file's name in its directory may not. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The primitive steps that a Disk consists of. Power can fail between any two of them. Every method throws the system's errors
 * with their `code`.
 */
export interface FileSystem {
  /**
   * Opens a file without blocking, even a pipe that has no writer. Throws ELOOP for a symbolic link unless `links` is `follow`.
   */
  openToRead(path: string, links: Links): Promise<OpenFile>;
  /** Creates a file and opens it for writing. Throws EEXIST if the path exists. */
  create(path: string, readers: Readers): Promise<OpenFile>;
  /** Reports a symbolic link that is dangling or not followed as `other`. Throws ELOOP for a circular link that it follows. */
  stat(path: string, links: Links): Promise<FileFacts>;
  names(path: string): Promise<readonly string[]>;
  rename(from: string, to: string): Promise<void>;
  /**
   * Adds a second name (a hard link) to a file. Throws EEXIST if the name is taken, and one of several codes if the file
   * system has no hard links.
   */
  link(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Creates one directory level. Throws EEXIST if the path exists. */
  makeDirectory(path: string, readers: Readers): Promise<void>;
  /** Removes other users' permissions on a file or directory, but not through a symbolic link. */
  restrict(path: string): Promise<void>;
  /** Runs fsync on a directory: its current names then survive a power cut. */
  syncDirectory(path: string): Promise<void>;
  /** Space available to an unprivileged writer. */
  space(path: string): Promise<DiskSpace>;
}

interface StatAnswer {
  isFile(): boolean;
  isDirectory(): boolean;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
  readonly mode: number;
}

function toFacts(answer: StatAnswer): FileFacts {
  return {
    kind: answer.isFile() ? 'file' : answer.isDirectory() ? 'directory' : 'other',
    sizeBytes: answer.size,
    // File system times are wall-clock times.
    modifiedMs: Math.floor(answer.mtimeMs) as WallMs,
    fileNo: answer.ino,
    permissions: answer.mode & 0o777,
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

async function statWithLinks(path: string, links: Links): Promise<FileFacts> {
  const own = await lstat(path);
  if (links === 'refuse' || !own.isSymbolicLink()) return toFacts(own);
  try {
    return toFacts(await stat(path));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return toFacts(own);
  }
}

async function restrict(path: string): Promise<void> {
  const facts = await lstat(path);
  if (!facts.isSymbolicLink() && (facts.mode & OTHERS) !== 0) await chmod(path, facts.mode & 0o777 & ~OTHERS);
}

/** Returns true if the system reports that nothing exists at the path. This includes a path below a file. */
export function isNotFound(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Returns the `code` of an error that the system reported (`ENOENT`, …), or undefined for any other kind of error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Creates an interface to the machine's file system. */
export function createFileSystem(): FileSystem {
  return {
    openToRead: async (path, links) =>
      toOpenFile(
        await open(
          path,
          constants.O_RDONLY | constants.O_NONBLOCK | (links === 'follow' ? 0 : constants.O_NOFOLLOW),
        ),
      ),
    create: async (path, readers) => {
      const handle = await open(path, 'wx', FILE_MODES[readers]);
      // The umask may have removed permissions that other services need.
      if (readers === 'everyone') await handle.chmod(FILE_MODES.everyone);
      return toOpenFile(handle);
    },
    stat: statWithLinks,
    names: (path) => readdir(path),
    rename,
    link,
    unlink,
    makeDirectory: async (path, readers) => {
      await mkdir(path, { mode: DIRECTORY_MODES[readers] });
      if (readers === 'everyone') await chmod(path, DIRECTORY_MODES.everyone);
    },
    restrict,
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
      return {
        freeBytes: facts.bavail * facts.bsize,
        totalBytes: facts.blocks * facts.bsize,
        // A file system without a fixed number of inodes, such as btrfs or FAT, reports 0 of 0.
        ...(facts.files === 0 ? {} : { freeInodes: facts.ffree }),
      };
    },
  };
}
