import { basename, dirname } from 'node:path';
import { type Aftermath, isSame, tear } from './disk-tear.ts';
import type { SimRandom } from './random.ts';

/** A file: what programs see, and what a power cut leaves for certain. */
export interface FileNode {
  readonly kind: 'file';
  /** Room for the bytes; the first `sizeBytes` of it are the file. */
  room: Uint8Array;
  sizeBytes: number;
  modifiedMs: number;
  durable: Uint8Array;
  /** How many names it has. */
  links: number;
}

/** A directory: the names programs see, those that are certain, and the changes between, in order. */
export interface DirectoryNode {
  readonly kind: 'directory';
  names: Map<string, Node>;
  durableNames: Map<string, Node>;
  pending: NameChange[];
  modifiedMs: number;
}

export type Node = FileNode | DirectoryNode;

/** One change of the names of a directory. A rename within it happens whole; one across two is a link and an unlink. */
export type NameChange =
  | { readonly kind: 'link'; readonly name: string; readonly node: Node }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly node: Node };

/** Files that are kept elsewhere but show on this disk: real SQLite databases. Paths are those of the disk. */
export interface ForeignFiles {
  names(directory: string): readonly string[];
  stat(path: string): { readonly sizeBytes: number; readonly modifiedMs: number } | undefined;
  read(path: string): Uint8Array;
  rename(from: string, to: string): void;
  unlink(path: string): void;
}

/** What a disk does when it is told to sync: what it says, files but no directories, or nothing at all (cards exist that do this). */
export type FsyncMode = 'honest' | 'files_only' | 'ignored';

/** Bytes of a block: what the smallest file takes of the space. */
const BLOCK_BYTES = 4096;

/** An error as the system reports it. */
export function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, '${path}'`), { code });
}

/**
 * The medium of one machine: it stays when the power goes, and then keeps of the unsynced only what chance leaves.
 * Its own verbs are those of the scenario and of other services of the boat: they take effect durably at once.
 */
export class DiskMedium {
  readonly root: DirectoryNode = newDirectory(0);
  /** Space for files; writing beyond it takes what fits and then reports ENOSPC. */
  capacityBytes = Number.POSITIVE_INFINITY;
  isReadOnly = false;
  fsync: FsyncMode = 'honest';
  /** Gives a system error code (`EIO`) for an operation that shall fail. */
  failureOf: ((op: string, path: string) => string | undefined) | undefined;
  foreign: ForeignFiles | undefined;
  #usedBytes = 0;

  /** The node at `path`, or undefined where there is none; throws ENOTDIR below a file. */
  find(path: string): Node | undefined {
    let node: Node | undefined = this.root;
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node === undefined) return undefined;
      if (node.kind === 'file') throw systemError('ENOTDIR', path);
      node = node.names.get(name);
    }
    return node;
  }

  /** The directory that holds `path`; throws ENOENT or ENOTDIR where it is none. */
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
      // Below a file: the only thing `find` throws.
      return false;
    }
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.#usedBytes);
  }

  /** Makes room for a file to grow to `sizeBytes`; gives the size it can grow to. */
  grow(file: FileNode, sizeBytes: number): number {
    const roomBytes = blocks(file.sizeBytes) + Math.floor(this.freeBytes / BLOCK_BYTES) * BLOCK_BYTES;
    const grown = Math.min(sizeBytes, Math.max(file.sizeBytes, roomBytes));
    if (grown > file.room.length) {
      const room = new Uint8Array(Math.max(grown, file.room.length * 2));
      room.set(file.room.subarray(0, file.sizeBytes));
      file.room = room;
    }
    this.#usedBytes += blocks(grown) - blocks(file.sizeBytes);
    file.sizeBytes = grown;
    return grown;
  }

  /** Takes a name from a file: the space comes back with the last one. */
  release(node: Node | undefined): void {
    if (node?.kind !== 'file') return;
    node.links -= 1;
    if (node.links === 0) this.#usedBytes -= blocks(node.sizeBytes);
  }

  /** Writes a file as another service does; its folders are made. */
  put(path: string, bytes: Uint8Array | string, modifiedMs = 0): void {
    const parent = this.makeDirectory(dirname(path));
    this.release(parent.names.get(basename(path)));
    const content = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes.slice();
    const file: FileNode = {
      kind: 'file',
      room: content,
      sizeBytes: content.length,
      modifiedMs,
      durable: content.slice(),
      links: 1,
    };
    this.#usedBytes += blocks(content.length);
    parent.names.set(basename(path), file);
    parent.durableNames.set(basename(path), file);
  }

  /** The bytes of a file as programs see them, or undefined. */
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

  /** Makes a directory and its parents, durably. */
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

  /** All files, by path, sorted: what an oracle compares. */
  paths(): readonly string[] {
    return pathsUnder(this.root, '').sort();
  }

  /** The power goes: `aftermath` says what is left of what was not synced. */
  powerLoss(random: SimRandom, aftermath: Aftermath = 'torn'): void {
    collapse(this.root, { random, aftermath }, new Set());
    const files = this.paths()
      .flatMap((path) => this.find(path) ?? [])
      .filter((node) => node.kind === 'file');
    for (const file of files) file.links = 0;
    for (const file of files) file.links += 1;
    this.#usedBytes = [...new Set(files)].reduce((sum, file) => sum + blocks(file.sizeBytes), 0);
  }

  /** Everything so far becomes durable, as the kernel's own writeback makes it some time later. */
  writeBack(): void {
    syncAll(this.root, new Set());
  }
}

/** A directory with nothing in it. */
export function newDirectory(modifiedMs: number): DirectoryNode {
  return { kind: 'directory', names: new Map(), durableNames: new Map(), pending: [], modifiedMs };
}

/** The bytes of a file as programs see them, not copied. */
export function contentOf(file: FileNode): Uint8Array {
  return file.room.subarray(0, file.sizeBytes);
}

/** What fsync of a file does. */
export function syncFile(file: FileNode): void {
  file.durable = contentOf(file).slice();
}

/** What fsync of a directory does. */
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
      node.room = node.durable.slice();
      node.sizeBytes = node.room.length;
    }
  }
}

/** Which unsynced changes of names happened: none, all, the first few, or any of them; always in their order. */
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
