import { basename } from 'node:path';
import { composeDisk } from '../../boat/src/platform/disk.ts';
import type { FileSystem, OpenFile } from '../../boat/src/platform/disk-file-system.ts';
import type { Disk, FileFacts, WallMs } from '../../boat/src/platform/ports.ts';
import {
  contentOf,
  type DirectoryNode,
  type DiskMedium,
  type FileNode,
  newDirectory,
  newFile,
  type Node,
  syncFile,
  syncNames,
  systemError,
} from './disk-medium.ts';
import { changeName, linkNode, renameNode, unlinkNode } from './disk-names.ts';
import { createSteps, type MountOptions, type Steps } from './disk-steps.ts';

export type { MountOptions };

/** Runs the boat's real disk code on a simulated file system. Power can fail at each step. */
export function createSimDisk(medium: DiskMedium, options: MountOptions): Disk {
  return composeDisk(createSimFileSystem(medium, options), options.random.fork('names'));
}

/** Returns the primitive operations on `medium`, as the kernel offers them. */
export function createSimFileSystem(medium: DiskMedium, options: MountOptions): FileSystem {
  const steps = createSteps(medium, options);
  const nowMs = (): number => options.clock.wall();
  return {
    openToRead: async (path) => {
      await steps.beforeRead('open', path);
      return toReader(medium, findOrForeign(medium, path), path, steps);
    },
    create: async (path) => {
      await steps.beforeChange('create', path);
      const parent = medium.parentOf(path);
      if (parent.names.has(basename(path))) throw systemError('EEXIST', path);
      const file = newFile(nowMs());
      changeName(parent, { kind: 'link', name: basename(path), node: file }, nowMs());
      return toWriter(medium, file, path, steps, nowMs);
    },
    stat: async (path) => {
      await steps.beforeRead('stat', path);
      const node = medium.find(path);
      return node === undefined ? statForeign(medium, path) : toFacts(medium, node);
    },
    names: async (path) => {
      await steps.beforeRead('list', path);
      return [...directoryAt(medium, path).names.keys(), ...(medium.foreign?.names(path) ?? [])];
    },
    rename: async (from, to) => {
      await steps.beforeChange('rename', to);
      renameNode(medium, from, to, nowMs());
    },
    link: async (from, to) => {
      await steps.beforeChange('link', to);
      linkNode(medium, from, to, nowMs());
    },
    unlink: async (path) => {
      await steps.beforeChange('unlink', path);
      unlinkNode(medium, path, nowMs());
    },
    makeDirectory: async (path) => {
      await steps.beforeChange('make-directory', path);
      const parent = medium.parentOf(path);
      if (parent.names.has(basename(path))) throw systemError('EEXIST', path);
      changeName(parent, { kind: 'link', name: basename(path), node: newDirectory(nowMs()) }, nowMs());
    },
    // The simulated machine has one user.
    restrict: async () => undefined,
    syncDirectory: async (path) => {
      await steps.beforeChange('sync-directory', path);
      const directory = directoryAt(medium, path);
      if (medium.fsync === 'honest') syncNames(directory);
    },
    space: async (path) => {
      await steps.beforeRead('space', path);
      if (medium.find(path) === undefined) throw systemError('ENOENT', path);
      return { freeBytes: finite(medium.freeBytes), totalBytes: finite(medium.capacityBytes) };
    },
  };
}

/** Space reported by a disk without a size limit: that of a 64 GB card. */
const UNLIMITED_BYTES = 64 * 1024 ** 3;

/** Inode number reported for databases. Each database has only one name, so no comparison needs the real number. */
const FOREIGN_FILE_NO = 0;

function directoryAt(medium: DiskMedium, path: string): DirectoryNode {
  const node = medium.find(path);
  if (node === undefined) throw systemError('ENOENT', path);
  if (node.kind === 'file') throw systemError('ENOTDIR', path);
  return node;
}

/** Returns the node at `path`, or a read-only copy of a database stored elsewhere. */
function findOrForeign(medium: DiskMedium, path: string): Node {
  const node = medium.find(path);
  if (node !== undefined) return node;
  const facts = medium.foreign?.stat(path);
  if (medium.foreign === undefined || facts === undefined) throw systemError('ENOENT', path);
  const bytes = medium.foreign.read(path);
  return { ...newFile(facts.modifiedMs), buffer: bytes, sizeBytes: bytes.length, durable: bytes };
}

function statForeign(medium: DiskMedium, path: string): FileFacts {
  const foreign = medium.foreign?.stat(path);
  if (foreign === undefined) throw systemError('ENOENT', path);
  return {
    kind: 'file',
    sizeBytes: foreign.sizeBytes,
    // Times on this disk come from the machine's wall clock.
    modifiedMs: foreign.modifiedMs as WallMs,
    fileNo: FOREIGN_FILE_NO,
  };
}

function toFacts(medium: DiskMedium, node: Node): FileFacts {
  return {
    kind: node.kind,
    sizeBytes: node.kind === 'file' ? node.sizeBytes : 0,
    // Times on this disk come from the machine's wall clock.
    modifiedMs: node.modifiedMs as WallMs,
    fileNo: medium.fileNoOf(node),
  };
}

function toReader(medium: DiskMedium, node: Node, path: string, steps: Steps): OpenFile {
  return {
    facts: async () => toFacts(medium, node),
    read: async (into, position) => {
      await steps.beforeRead('read', path);
      if (node.kind === 'directory') throw systemError('EISDIR', path);
      const bytes = contentOf(node).subarray(position, position + into.length);
      into.set(bytes);
      return bytes.length;
    },
    write: async () => Promise.reject(systemError('EBADF', path)),
    sync: async () => undefined,
    close: async () => undefined,
  };
}

function toWriter(
  medium: DiskMedium,
  file: FileNode,
  path: string,
  steps: Steps,
  nowMs: () => number,
): OpenFile {
  return {
    ...toReader(medium, file, path, steps),
    write: async (bytes, position) => {
      await steps.beforeChange('write', path);
      const end = Math.min(position + bytes.length, medium.grow(file, position + bytes.length));
      if (end <= position) throw systemError('ENOSPC', path);
      file.buffer.set(bytes.subarray(0, end - position), position);
      file.modifiedMs = nowMs();
      return end - position;
    },
    sync: async () => {
      await steps.beforeChange('sync', path);
      if (medium.fsync !== 'ignored') syncFile(file);
    },
  };
}

function finite(sizeBytes: number): number {
  return Number.isFinite(sizeBytes) ? sizeBytes : UNLIMITED_BYTES;
}
