import { basename, dirname } from 'node:path';
import { composeDisk } from '../../boat/src/platform/disk.ts';
import type { FileSystem, OpenFile } from '../../boat/src/platform/disk-file-system.ts';
import type { Disk, FileFacts, WallMs } from '../../boat/src/platform/ports.ts';
import type { MachineClock } from './clock.ts';
import {
  contentOf,
  type DirectoryNode,
  type DiskMedium,
  type FileNode,
  type NameChange,
  type Node,
  newDirectory,
  syncFile,
  syncNames,
  systemError,
} from './disk-medium.ts';
import type { SimRandom } from './random.ts';
import { never, type Power } from './power.ts';

/** What a medium is mounted in: one boot of one machine. */
export interface MountOptions {
  readonly power: Power;
  readonly clock: MachineClock;
  readonly random: SimRandom;
  /** Longest one step takes, in virtual time; how long each does is chance. 0: no time, and no other work between steps. */
  readonly latencyMaxMs: number;
}

/** The boat's real disk, composed over the steps of a simulated file system: each step is one at which power can fail. */
export function createSimDisk(medium: DiskMedium, options: MountOptions): Disk {
  return composeDisk(createSimFileSystem(medium, options), options.random.fork('names'));
}

/** The operation whose steps were under way when the power went ends never. */
interface Steps {
  /** Before an operation that changes something: a numbered step. */
  change(op: string, path: string): Promise<void>;
  /** Before an operation that only looks. */
  look(op: string, path: string): Promise<void>;
}

/** The primitive steps on `medium`, as the kernel offers them. */
export function createSimFileSystem(medium: DiskMedium, options: MountOptions): FileSystem {
  const steps = createSteps(medium, options);
  const nowMs = () => options.clock.wall();
  return {
    openToRead: async (path) => {
      await steps.look('open', path);
      const node = medium.find(path);
      if (node !== undefined) return toReader(node, path, steps);
      const facts = medium.foreign?.stat(path);
      if (medium.foreign === undefined || facts === undefined) throw systemError('ENOENT', path);
      const bytes = medium.foreign.read(path);
      return toReader(
        {
          kind: 'file',
          room: bytes,
          sizeBytes: bytes.length,
          modifiedMs: facts.modifiedMs,
          durable: bytes,
          links: 1,
        },
        path,
        steps,
      );
    },
    create: async (path) => {
      await steps.change('create', path);
      const parent = medium.parentOf(path);
      if (parent.names.has(basename(path))) throw systemError('EEXIST', path);
      const file: FileNode = {
        kind: 'file',
        room: new Uint8Array(),
        sizeBytes: 0,
        modifiedMs: nowMs(),
        durable: new Uint8Array(),
        links: 1,
      };
      change(parent, { kind: 'link', name: basename(path), node: file }, nowMs());
      return toWriter(medium, file, path, steps, nowMs);
    },
    stat: async (path) => {
      await steps.look('stat', path);
      const node = medium.find(path);
      if (node !== undefined) return toFacts(node);
      const foreign = medium.foreign?.stat(path);
      if (foreign === undefined) throw systemError('ENOENT', path);
      return {
        kind: 'file',
        sizeBytes: foreign.sizeBytes,
        modifiedMs: foreign.modifiedMs as WallMs,
        fileNo: FOREIGN_FILE_NO,
      };
    },
    names: async (path) => {
      await steps.look('list', path);
      const node = medium.find(path);
      if (node === undefined) throw systemError('ENOENT', path);
      if (node.kind === 'file') throw systemError('ENOTDIR', path);
      return [...node.names.keys(), ...(medium.foreign?.names(path) ?? [])];
    },
    rename: async (from, to) => {
      await steps.change('rename', to);
      rename(medium, from, to, nowMs());
    },
    link: async (from, to) => {
      await steps.change('link', to);
      const node = medium.parentOf(from).names.get(basename(from));
      if (node === undefined)
        throw systemError(medium.foreign?.stat(from) === undefined ? 'ENOENT' : 'EPERM', from);
      if (node.kind === 'directory') throw systemError('EPERM', from);
      const target = medium.parentOf(to);
      if (target.names.has(basename(to))) throw systemError('EEXIST', to);
      node.links += 1;
      change(target, { kind: 'link', name: basename(to), node }, nowMs());
    },
    unlink: async (path) => {
      await steps.change('unlink', path);
      const parent = medium.parentOf(path);
      const node = parent.names.get(basename(path));
      if (node?.kind === 'directory') throw systemError('EISDIR', path);
      if (node === undefined && medium.foreign?.stat(path) !== undefined) return medium.foreign.unlink(path);
      if (node === undefined) throw systemError('ENOENT', path);
      medium.release(node);
      change(parent, { kind: 'unlink', name: basename(path) }, nowMs());
    },
    makeDirectory: async (path) => {
      await steps.change('make-directory', path);
      const parent = medium.parentOf(path);
      if (parent.names.has(basename(path))) throw systemError('EEXIST', path);
      change(parent, { kind: 'link', name: basename(path), node: newDirectory(nowMs()) }, nowMs());
    },
    syncDirectory: async (path) => {
      await steps.change('sync-directory', path);
      const node = medium.find(path);
      if (node === undefined) throw systemError('ENOENT', path);
      if (node.kind === 'file') throw systemError('ENOTDIR', path);
      if (medium.fsync === 'honest') syncNames(node);
    },
    space: async (path) => {
      await steps.look('space', path);
      if (medium.find(path) === undefined) throw systemError('ENOENT', path);
      return { freeBytes: finite(medium.freeBytes), totalBytes: finite(medium.capacityBytes) };
    },
  };
}

/** Space a disk without a limit says it has: a 64 GB card. */
const UNLIMITED_BYTES = 64 * 1024 ** 3;

/** Real time after which the kernel writes unsynced data by itself: Linux's dirty_expire_centisecs. */
const WRITE_BACK_MS = 30_000;

/** Operations that a read-only file system refuses; syncing nothing is not one. */
const WRITING_OPS = new Set(['create', 'write', 'rename', 'link', 'unlink', 'make-directory']);

function createSteps(medium: DiskMedium, { power, clock, random, latencyMaxMs }: MountOptions): Steps {
  let writtenBackMs: number = clock.monotonic();
  const take = async (op: string, path: string): Promise<void> => {
    const failure =
      medium.failureOf?.(op, path) ?? (medium.isReadOnly && WRITING_OPS.has(op) ? 'EROFS' : undefined);
    if (failure !== undefined) throw systemError(failure, path);
    if (latencyMaxMs > 0) await clock.sleep(random.fraction() * latencyMaxMs);
  };
  return {
    look: async (op, path) => {
      if (!power.isOn()) return never();
      await take(op, path);
    },
    change: async (op, path) => {
      if (!power.isOn()) return never();
      if (power.isCutWithin(`disk.${op}`)) {
        power.cut();
        return never();
      }
      if (medium.fsync === 'ignored' && clock.monotonic() - writtenBackMs > WRITE_BACK_MS) {
        medium.writeBack();
        writtenBackMs = clock.monotonic();
      }
      await take(op, path);
    },
  };
}

function change(directory: DirectoryNode, made: NameChange, nowMs: number): void {
  directory.pending.push(made);
  directory.modifiedMs = nowMs;
  switch (made.kind) {
    case 'link':
      directory.names.set(made.name, made.node);
      return;
    case 'unlink':
      directory.names.delete(made.name);
      return;
    case 'rename':
      directory.names.delete(made.from);
      directory.names.set(made.to, made.node);
      return;
  }
}

function rename(medium: DiskMedium, from: string, to: string, nowMs: number): void {
  const source = medium.parentOf(from);
  const target = medium.parentOf(to);
  const node = source.names.get(basename(from));
  if (node === undefined) {
    if (medium.foreign?.stat(from) === undefined) throw systemError('ENOENT', from);
    medium.foreign.rename(from, to);
    return;
  }
  const replaced = target.names.get(basename(to));
  if (replaced === node) return;
  if (replaced?.kind === 'directory') throw systemError(node.kind === 'file' ? 'EISDIR' : 'ENOTEMPTY', to);
  if (replaced !== undefined && node.kind === 'directory') throw systemError('ENOTDIR', to);
  medium.release(replaced);
  if (dirname(from) === dirname(to)) {
    change(source, { kind: 'rename', from: basename(from), to: basename(to), node }, nowMs);
    return;
  }
  change(target, { kind: 'link', name: basename(to), node }, nowMs);
  change(source, { kind: 'unlink', name: basename(from) }, nowMs);
}

/** Of databases, which have one name each. */
const FOREIGN_FILE_NO = 0;
const fileNos = new WeakMap<Node, number>();
let newestFileNo = FOREIGN_FILE_NO;

function fileNoOf(node: Node): number {
  const known = fileNos.get(node);
  if (known !== undefined) return known;
  newestFileNo += 1;
  fileNos.set(node, newestFileNo);
  return newestFileNo;
}

function toFacts(node: Node): FileFacts {
  return {
    kind: node.kind,
    sizeBytes: node.kind === 'file' ? node.sizeBytes : 0,
    // The simulated file system keeps times of the machine's wall clock; the brand says so.
    modifiedMs: node.modifiedMs as WallMs,
    fileNo: fileNoOf(node),
  };
}

function toReader(node: Node, path: string, steps: Steps): OpenFile {
  return {
    facts: async () => toFacts(node),
    read: async (into, position) => {
      await steps.look('read', path);
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
    ...toReader(file, path, steps),
    write: async (bytes, position) => {
      await steps.change('write', path);
      const end = Math.min(position + bytes.length, medium.grow(file, position + bytes.length));
      if (end <= position) throw systemError('ENOSPC', path);
      file.room.set(bytes.subarray(0, end - position), position);
      file.modifiedMs = nowMs();
      return end - position;
    },
    sync: async () => {
      await steps.change('sync', path);
      if (medium.fsync !== 'ignored') syncFile(file);
    },
  };
}

function finite(sizeBytes: number): number {
  return Number.isFinite(sizeBytes) ? sizeBytes : UNLIMITED_BYTES;
}
