import { basename, dirname } from 'node:path';
import { type Aftermath, isSame, tear } from './disk-tear.ts';
import type { SimRandom } from './random.ts';

/** A file, with the content that programs see and the content certain to survive a power cut. */
export interface FileNode {
  readonly kind: 'file';
  /** At least `sizeBytes` long. Bytes beyond this length are spare capacity. */
  buffer: Uint8Array;
  sizeBytes: number;
  modifiedMs: number;
  durable: Uint8Array;
  /** Number of hard links. */
  links: number;
}

/** A directory, with the names that programs see, the durable names, and the ordered changes between the two. */
export interface DirectoryNode {
  readonly kind: 'directory';
  names: Map<string, Node>;
  durableNames: Map<string, Node>;
  pending: NameChange[];
  modifiedMs: number;
}

export type Node = FileNode | DirectoryNode;

/**
 * One change to the names in a directory. A rename within a directory is atomic. A rename across directories is a link and an
 * unlink.
 */
export type NameChange =
  | { readonly kind: 'link'; readonly name: string; readonly node: Node }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly node: Node };

/** Files that are stored elsewhere but appear on this disk: real SQLite databases. Their paths here are paths on this disk. */
export interface ForeignFiles {
  names(directory: string): readonly string[];
  stat(path: string): { readonly sizeBytes: number; readonly modifiedMs: number } | undefined;
  read(path: string): Uint8Array;
  rename(from: string, to: string): void;
  unlink(path: string): void;
}

/**
 * The behaviour of fsync: it syncs as documented, syncs files but not directories, or does nothing. Some real cards ignore fsync.
 */
export type FsyncMode = 'honest' | 'files_only' | 'ignored';

/** An unresponsive storage device, for example a network folder whose server is gone. */
export interface Hang {
  /** Reads of this path, and of every path below it, wait. */
  readonly path: string;
  /** Resolves when the device answers again. */
  readonly ended: Promise<void>;
  /** Called when a read begins to wait. */
  onWait(path: string): void;
}

/** Size of a block, in bytes. Even the smallest file uses this much space. */
const BLOCK_BYTES = 4096;

/** An error with a system error code, as `node:fs` throws it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code });
}

/**
 * A machine's medium. It survives power cuts, except for a random part of the unsynced data. The scenario and the boat's other
 * services use this class's methods, whose changes are durable at once.
 */
export class DiskMedium {
  readonly root: DirectoryNode = newDirectory(0);
  /** Space for files, in bytes. A write that exceeds it writes the bytes that fit and then fails with ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  isReadOnly = false;
  fsync: FsyncMode = 'honest';
  /** Returns a system error code such as `EIO` for an operation that should fail. */
  failureOf: ((op: string, path: string) => string | undefined) | undefined;
  /** The device that is currently unresponsive. */
  hang: Hang | undefined;
  foreign: ForeignFiles | undefined;
  #usedBytes = 0;
  readonly #fileNos = new WeakMap<Node, number>();
  #newestFileNo = 0;

  /** Returns the node at `path`, or undefined. Throws ENOTDIR if a parent is a file. */
  find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node === undefined) return undefined;
      if (node.kind === 'file') throw systemError('ENOTDIR', path);
      node = node.names.get(name);
    }
    return node;
  }

  /** Returns the directory that contains `path`. Throws ENOENT or ENOTDIR. */
  parentOf(path: string): DirectoryNode {
    const parent = this.find(dirname(path));
    if (parent === undefined) throw systemError('ENOENT', path);
    if (parent.kind === 'file') throw systemError('ENOTDIR', path);
    return parent;
  }

  isDirectory(path: string): boolean {
    try {
      return this.find(path)?.kind === 'directory';
    } catch {
      // `find` throws only if a parent is a file.
      return false;
    }
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.#usedBytes);
  }

  /** Returns a node's inode number. Two names of one file have the same number. It is never 0. */
  fileNoOf(node: Node): number {
    const known = this.#fileNos.get(node);
    if (known !== undefined) return known;
    this.#newestFileNo += 1;
    this.#fileNos.set(node, this.#newestFileNo);
    return this.#newestFileNo;
  }

  /** Grows a file to `sizeBytes`, as far as space allows. Returns the resulting size. */
  grow(file: FileNode, sizeBytes: number): number {
    const availableBytes = blocks(file.sizeBytes) + Math.floor(this.freeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const grown = Math.min(sizeBytes, Math.max(file.sizeBytes, availableBytes));
    if (grown > file.buffer.length) {
      const buffer = new Uint8Array(Math.max(grown, file.buffer.length * 2));
      buffer.set(file.buffer.subarray(0, file.sizeBytes));
      file.buffer = buffer;
    }
    this.#usedBytes += blocks(grown) - blocks(file.sizeBytes);
    file.sizeBytes = grown;
    return grown;
  }

  /** Removes one of a file's names. Removing the last one frees the file's space. */
  release(node: Node | undefined): void {
    if (node?.kind !== 'file') return;
    node.links -= 1;
    if (node.links === 0) this.#usedBytes -= blocks(node.sizeBytes);
  }

  /** Writes a file and creates its folders, as another service does. */
  put(path: string, bytes: Uint8Array | string, modifiedMs = 0): void {
    const parent = this.makeDirectory(dirname(path));
    this.release(parent.names.get(basename(path)));
    const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes.slice();
    const file: FileNode = {
      kind: 'file',
      buffer: content,
      sizeBytes: content.length,
      modifiedMs,
      durable: content.slice(),
      links: 1,
    };
    this.#usedBytes += blocks(content.length);
    parent.names.set(basename(path), file);
    parent.durableNames.set(basename(path), file);
  }

  /** Returns a copy of a file's content as programs see it, or undefined. */
  get(path: string): Uint8Array | undefined {
    const node = this.find(path);
    return node?.kind === 'file' ? contentOf(node).slice() : undefined;
  }

  /** Removes a file as another service does. */
  delete(path: string): void {
    const parent = this.parentOf(path);
    this.release(parent.names.get(basename(path)));
    parent.names.delete(basename(path));
    parent.durableNames.delete(basename(path));
  }

  /** Creates a directory and its parents. They are durable at once. */
  makeDirectory(path: string): DirectoryNode {
    if (path === '/') return this.root;
    const parent = this.makeDirectory(dirname(path));
    const there = parent.names.get(basename(path));
    if (there?.kind === 'file') throw systemError('ENOTDIR', path);
    const directory = there ?? newDirectory(0);
    parent.names.set(basename(path), directory);
    parent.durableNames.set(basename(path), directory);
    return directory;
  }

  /** Returns the paths of all files, sorted. */
  paths(): readonly string[] {
    return pathsUnder(this.root, '').sort();
  }

  /**
   * Copies all files under `path` while the machine is off. The returned function writes them back, durable at once, and removes
   * every other file there.
   */
  takeImage(path: string): (target?: DiskMedium) => void {
    const isUnder = (file: string): boolean => file.startsWith(`${path}/`);
    const files = this.paths()
      .filter(isUnder)
      .flatMap((file) => {
        const node = this.find(file);
        return node?.kind === 'file'
          ? [{ file, bytes: contentOf(node).slice(), modifiedMs: node.modifiedMs }]
          : [];
      });
    return (target = this) => {
      for (const file of target.paths().filter(isUnder)) target.delete(file);
      for (const { file, bytes, modifiedMs } of files) target.put(file, bytes.slice(), modifiedMs);
    };
  }

  /** Simulates a power failure. `aftermath` decides which unsynced changes survive. */
  powerLoss(random: SimRandom, aftermath: Aftermath = 'torn'): void {
    collapse(this.root, { random, aftermath }, new Set());
    const files = this.paths()
      .flatMap((path) => this.find(path) ?? [])
      .filter((node) => node.kind === 'file');
    for (const file of files) file.links = 0;
    for (const file of files) file.links += 1;
    this.#usedBytes = [...new Set(files)].reduce((sum, file) => sum + blocks(file.sizeBytes), 0);
  }

  /** Makes all changes so far durable, as the kernel's writeback eventually does. */
  writeBack(): void {
    syncAll(this.root, new Set());
  }
}

/** Creates an empty file under one name. */
export function newFile(modifiedMs: number): FileNode {
  const empty = new Uint8Array();
  return { kind: 'file', buffer: empty, sizeBytes: 0, modifiedMs, durable: empty, links: 1 };
}

/** Creates an empty directory. */
export function newDirectory(modifiedMs: number): DirectoryNode {
  return { kind: 'directory', names: new Map(), durableNames: new Map(), pending: [], modifiedMs };
}

/** Returns the content of a file as programs see it, without copying. */
export function contentOf(file: FileNode): Uint8Array {
  return file.buffer.subarray(0, file.sizeBytes);
}

/** Performs fsync on a file. */
export function syncFile(file: FileNode): void {
  file.durable = contentOf(file).slice();
}

/** Performs fsync on a directory. */
export function syncNames(directory: DirectoryNode): void {
  directory.durableNames = new Map(directory.names);
  directory.pending = [];
}

function blocks(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;
}

function pathsUnder(directory: DirectoryNode, path: string): string[] {
  return [...directory.names].flatMap(([name, node]) =>
    node.kind === 'file' ? [`${path}/${name}`] : pathsUnder(node, `${path}/${name}`),
  );
}

function syncAll(directory: DirectoryNode, seen: Set<Node>): void {
  syncNames(directory);
  for (const node of directory.names.values()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.kind === 'file') syncFile(node);
    else syncAll(node, seen);
  }
}

interface Loss {
  readonly random: SimRandom;
  readonly aftermath: Aftermath;
}

function collapse(directory: DirectoryNode, loss: Loss, seen: Set<Node>): void {
  for (const change of survivors(directory.pending, loss)) apply(change, directory.durableNames);
  directory.pending = [];
  directory.names = new Map(directory.durableNames);
  for (const node of directory.names.values()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (node.kind === 'directory') collapse(node, loss, seen);
    else if (!isSame(node.durable, contentOf(node))) {
      node.durable = tear(node.durable, contentOf(node), loss.random, loss.aftermath);
      node.buffer = node.durable.slice();
      node.sizeBytes = node.buffer.length;
    }
  }
}

/** Returns the unsynced name changes that survive: none, all, the first few, or a random choice. Their order is kept. */
function survivors(pending: readonly NameChange[], { random, aftermath }: Loss): readonly NameChange[] {
  if (pending.length === 0 || aftermath === 'kept') return pending;
  if (aftermath !== 'torn') return [];
  switch (random.pick(['none', 'all', 'first', 'any'] as const)) {
    case 'none':
      return [];
    case 'all':
      return pending;
    case 'first':
      return pending.slice(0, random.between(0, pending.length));
    case 'any':
      return pending.filter(() => random.bool(0.5));
  }
}

function apply(change: NameChange, names: Map<string, Node>): void {
  switch (change.kind) {
    case 'link':
      names.set(change.name, change.node);
      return;
    case 'unlink':
      names.delete(change.name);
      return;
    case 'rename':
      names.delete(change.from);
      names.set(change.to, change.node);
      return;
  }
}
