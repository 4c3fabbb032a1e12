import { basename, dirname } from 'node:path';
import { type DirectoryNode, type DiskMedium, type NameChange, systemError } from './disk-medium.ts';

/** Changes a name in a directory. The change is durable only after the directory is synced. */
export function changeName(directory: DirectoryNode, change: NameChange, nowMs: number): void {
  directory.pending.push(change);
  directory.modifiedMs = nowMs;
  switch (change.kind) {
    case 'link':
      directory.names.set(change.name, change.node);
      return;
    case 'unlink':
      directory.names.delete(change.name);
      return;
    case 'rename':
      directory.names.delete(change.from);
      directory.names.set(change.to, change.node);
      return;
  }
}

/**
 * rename(2). Across two directories, the change is a link and an unlink, and after a power cut only one of the two may survive.
 */
export function renameNode(medium: DiskMedium, from: string, to: string, nowMs: number): void {
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
    changeName(source, { kind: 'rename', from: basename(from), to: basename(to), node }, nowMs);
    return;
  }
  changeName(target, { kind: 'link', name: basename(to), node }, nowMs);
  changeName(source, { kind: 'unlink', name: basename(from) }, nowMs);
}

/** link(2). A database stored elsewhere cannot be given a second name. */
export function linkNode(medium: DiskMedium, from: string, to: string, nowMs: number): void {
  const node = medium.parentOf(from).names.get(basename(from));
  if (node === undefined)
    throw systemError(medium.foreign?.stat(from) === undefined ? 'ENOENT' : 'EPERM', from);
  if (node.kind === 'directory') throw systemError('EPERM', from);
  const target = medium.parentOf(to);
  if (target.names.has(basename(to))) throw systemError('EEXIST', to);
  node.links += 1;
  changeName(target, { kind: 'link', name: basename(to), node }, nowMs);
}

/** unlink(2). */
export function unlinkNode(medium: DiskMedium, path: string, nowMs: number): void {
  const parent = medium.parentOf(path);
  const node = parent.names.get(basename(path));
  if (node?.kind === 'directory') throw systemError('EISDIR', path);
  if (node === undefined && medium.foreign?.stat(path) !== undefined) return medium.foreign.unlink(path);
  if (node === undefined) throw systemError('ENOENT', path);
  medium.release(node);
  changeName(parent, { kind: 'unlink', name: basename(path) }, nowMs);
}
