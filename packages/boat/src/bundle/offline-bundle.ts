import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { BUNDLE_PART_SIZE_MAX_BYTES, type BundleEnd, readBundle } from '@d3kos/protocol';
import { isDiskFull } from '../platform/disk-error.ts';
import { ExportError, isExportError } from '../platform/errors.ts';
import type { Disk } from '../platform/ports.ts';
import { isBundleName, toFreeBundleName } from './policy.ts';

/**
 * Maximum number of file names tried for a bundle. Names collide only if two bundles are written in the same second, but a faulty
 * drive could report that every name exists.
 */
const NAMES_MAX = 100;

/** A bundle as read back from the USB drive. */
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
    hint: 'Specify the folder where the USB drive is mounted. `lsblk` shows it.',
  });
}

/**
 * Writes an offline bundle into a folder on a USB drive and reads it back. When it resolves, the file is complete and synced
 * under its final name, and consists of exactly the bytes that were written. If the drive is full or the bytes end early, no
 * file is left behind. An existing file is never replaced. Throws DISK_FULL, DISK_READ_ONLY, DISK_FAILED, and the errors of
 * `pieces`.
 */
export async function writeOfflineBundle(
  disk: Disk,
  directory: string,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
): Promise<WrittenBundle> {
  if (!isBundleName(name)) throw new Error(`not a bundle name: ${name}`);
  const file = await findFreeFile(disk, directory, name);
  const sha256 = await writeWhole(disk, file, pieces);
  const written = await readBack(disk, file, sha256);
  if (written !== undefined) return written;
  await disk.remove(file);
  throw new ExportError('DISK_FAILED', `The bundle in ${directory} did not read back as it was written`, {
    op: `read back ${file}`,
    hint: 'The file was removed. Use another USB drive; the queue has not changed.',
  });
}

async function findFreeFile(disk: Disk, directory: string, name: string): Promise<string> {
  for (let attempt = 1; attempt <= NAMES_MAX; attempt += 1) {
    const file = join(directory, toFreeBundleName(name, attempt));
    if ((await disk.stat(file)) === undefined) return file;
  }
  throw new ExportError(
    'REQUEST_INVALID',
    `${directory} already has ${NAMES_MAX} files with this bundle's name`,
    {
      op: 'write the bundle',
      hint: 'Use another folder or another USB drive.',
    },
  );
}

/** Writes the file and returns the SHA-256 of its bytes. */
async function writeWhole(disk: Disk, file: string, pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  let staged: Awaited<ReturnType<Disk['stage']>> | undefined;
  try {
    staged = await disk.stage(file);
    for await (const piece of pieces) {
      hash.update(piece);
      await staged.write(piece);
    }
    await staged.commit();
    return hash.digest('hex');
  } catch (error) {
    // If the drive was removed, this step fails too. The first failure is the one to report.
    await staged?.discard().catch((second: unknown) => {
      if (!isExportError(second)) throw second;
    });
    throw toDriveError(error, file);
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
      hint: 'Format it as FAT32 (files up to 4 GB), exFAT or ext4, and run the command as a user who may write to it. Do not rely on a file of this name on the drive, because the drive did not confirm the write.',
      cause: error,
    });
  return error;
}

/** The bundle as read from the drive, or undefined if it is incomplete or has a different SHA-256. */
async function readBack(disk: Disk, file: string, sha256: string): Promise<WrittenBundle | undefined> {
  let end: BundleEnd | undefined;
  let parts = 0;
  // A different bundle could also be complete, so the whole file's digest is compared. The reader skips no bytes, so the hash
  // covers the whole file.
  const hash = createHash('sha256');
  let hashedBytes = 0;
  const source = {
    read: async (offset: number, length: number) => {
      const bytes = (await disk.readRange(file, offset, length)) ?? new Uint8Array();
      hash.update(bytes.subarray(Math.max(0, hashedBytes - offset)));
      hashedBytes = Math.max(hashedBytes, offset + bytes.length);
      return bytes;
    },
    digest: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
  };
  for await (const item of readBundle(source, BUNDLE_PART_SIZE_MAX_BYTES)) {
    if (item.kind === 'damaged') return undefined;
    if (item.kind === 'part') parts += 1;
    if (item.kind === 'end') ({ end } = item);
  }
  const facts = await disk.stat(file);
  if (facts === undefined || end?.parts !== parts || hash.digest('hex') !== sha256) return undefined;
  return { file, sizeBytes: facts.sizeBytes, end };
}
