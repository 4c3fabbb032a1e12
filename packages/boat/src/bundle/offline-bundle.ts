import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BUNDLE_PART_SIZE_MAX_BYTES, type BundleEnd, readBundle } from '@d3kos/protocol';
import { isDiskFull } from '../platform/disk-error.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { isBundleName, toFreeBundleName } from './policy.ts';

/** A bundle as it was read back from the USB drive. */
export interface WrittenBundle {
  readonly file: string;
  readonly sizeBytes: number;
  readonly end: BundleEnd;
}

/** Throws REQUEST_INVALID unless `directory` is a folder. A mistyped path must not create a folder on the boat's card. */
export async function requireBundleDirectory(disk: Disk, directory: string): Promise<void> {
  const facts = await disk.stat(directory, 'follow');
  if (facts?.kind === 'directory') return;
  throw new ExportError('REQUEST_INVALID', `${directory} is not a folder`, {
    op: 'write the bundle',
    hint: 'Name the folder where the USB drive is mounted. `lsblk` shows it.',
  });
}

/**
 * Writes an offline bundle into a folder on a USB drive and reads it back. When it resolves, the file is complete and
 * synced under its final name, and every part has the digest that its line names. If the drive is full or the bytes end early, no
 * file is left behind. An existing file is never replaced. Throws DISK_FULL, DISK_READ_ONLY, DISK_FAILED, and the errors of
 * `pieces`.
 */
export async function writeOfflineBundle(
  disk: Disk,
  directory: string,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<WrittenBundle> {
  if (!isBundleName(name)) throw new Error(`not the name of a bundle: ${name}`);
  const file = await findFreeFile(disk, directory, name);
  await writeWhole(disk, file, pieces);
  const written = await readBack(disk, file);
  if (written !== undefined) return written;
  await disk.remove(file);
  throw new ExportError(
    'DISK_FAILED',
    `The bundle in ${directory} reads back differently from what was written`,
    {
      op: `read back ${file}`,
      hint: 'The file was removed. Use another USB drive; the queue has not changed.',
    },
  );
}

async function findFreeFile(disk: Disk, directory: string, name: string): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const file = join(directory, toFreeBundleName(name, attempt));
    if ((await disk.stat(file)) === undefined) return file;
  }
}

async function writeWhole(disk: Disk, file: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let staged: Awaited<ReturnType<Disk['stage']>> | undefined;
  try {
    staged = await disk.stage(file);
    for await (const piece of pieces) await staged.write(piece);
    await staged.commit();
  } catch (error) {
    throw toDriveError(error, file);
  } finally {
    await staged?.discard();
  }
}

function toDriveError(error: unknown, file: string): unknown {
  if (isDiskFull(error))
    return new ExportError('DISK_FULL', 'The USB drive is full; no bundle was left on it', {
      op: `write ${file}`,
      hint: 'Free space on the drive or use a larger one. The exports are still on the boat.',
      cause: error,
    });
  if (isExportError(error, 'DISK_READ_ONLY') || isExportError(error, 'DISK_FAILED'))
    return new ExportError(error.code, `The bundle could not be written to the USB drive: ${error.message}`, {
      op: `write ${file}`,
      hint: 'Format it as FAT32 (files up to 4 GB), exFAT or ext4, and run the command as a user who may write to it. If a file of this name exists on the drive, do not rely on it, because the drive did not confirm the write.',
      cause: error,
    });
  return error;
}

/** The bundle as read from the drive, or undefined if it is not complete. */
async function readBack(disk: Disk, file: string): Promise<WrittenBundle | undefined> {
  let end: BundleEnd | undefined;
  let parts = 0;
  const source = {
    read: async (offset: number, length: number) =>
      (await disk.readRange(file, offset, length)) ?? new Uint8Array(),
    digest: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
  };
  for await (const item of readBundle(source, BUNDLE_PART_SIZE_MAX_BYTES)) {
    if (item.kind === 'damaged') return undefined;
    if (item.kind === 'part') parts += 1;
    if (item.kind === 'end') ({ end } = item);
  }
  const facts = await disk.stat(file);
  if (facts === undefined || end?.parts !== parts) return undefined;
  return { file, sizeBytes: facts.sizeBytes, end };
}
