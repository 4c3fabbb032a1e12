import type { SimRandom } from './random.ts';

/** Size of a sector, in bytes. A disk writes a sector completely or not at all. */
const SECTOR_BYTES = 512;

/**
 * The part of unsynced data that survives a power cut: a random mix (`torn`), nothing (`lost`), everything (`kept`, as if only
 * the program was killed), or this number of the pages that SQLite was writing.
 */
export type Aftermath = 'torn' | 'lost' | 'kept' | number;

/**
 * Returns the surviving content of a file whose content was `durable` at its last sync and is `current` now: the old content,
 * the new content, the new content up to some byte, or the old content with random sectors of the new one. In a file that grew,
 * sectors that were never written are zeros. No random number is drawn for an unchanged file.
 */
export function tear(
  durable: Uint8Array,
  current: Uint8Array,
  random: SimRandom,
  aftermath: Aftermath = 'torn',
): Uint8Array {
  if (isSame(durable, current)) return durable;
  if (aftermath === 'kept') return current.slice();
  if (aftermath !== 'torn') return durable.slice();
  switch (random.pick(['old', 'new', 'prefix', 'sectors'] as const)) {
    case 'old':
      return durable.slice();
    case 'new':
      return current.slice();
    case 'prefix':
      return mixPrefix(durable, current, random);
    case 'sectors':
      return mixSectors(durable, current, random);
  }
}

/** Returns the new content up to a random byte in the changed part, followed by the old content. */
function mixPrefix(durable: Uint8Array, current: Uint8Array, random: SimRandom): Uint8Array {
  const from = firstChange(durable, current);
  const cut = random.between(from, Math.max(from, current.length));
  const mixed = new Uint8Array(Math.max(cut, durable.length));
  mixed.set(durable);
  mixed.set(current.subarray(0, cut));
  return mixed;
}

function mixSectors(durable: Uint8Array, current: Uint8Array, random: SimRandom): Uint8Array {
  const longest = Math.max(durable.length, current.length);
  const mixed = new Uint8Array(longest);
  mixed.set(durable);
  let length = durable.length;
  const share = random.fraction();
  for (let start = firstChange(durable, current); start < current.length; start += SECTOR_BYTES) {
    if (!random.bool(share)) continue;
    const sector = current.subarray(start, start + SECTOR_BYTES);
    mixed.set(sector, start);
    length = Math.max(length, start + sector.length);
  }
  return mixed.slice(0, length);
}

/** A file's page layout. The first page begins at offset `startBytes`. */
export interface Pages {
  readonly startBytes: number;
  readonly pageBytes: number;
}

/** Returns the old content with the first `count` changed pages of the new content. Bytes before the first page are new. */
export function keepPages(
  durable: Uint8Array,
  current: Uint8Array,
  { startBytes, pageBytes }: Pages,
  count: number,
): Uint8Array {
  const starts = changedPages(durable, current, { startBytes, pageBytes }).slice(0, count);
  if (starts.length === 0) return durable.slice();
  const end = Math.min(current.length, (starts.at(-1) ?? 0) + pageBytes);
  const mixed = new Uint8Array(Math.max(durable.length, end));
  mixed.set(durable);
  mixed.set(current.subarray(0, Math.min(startBytes, current.length)));
  for (const start of starts) mixed.set(current.subarray(start, start + pageBytes), start);
  return mixed;
}

/** Returns the offsets of the pages that differ. */
export function changedPages(
  durable: Uint8Array,
  current: Uint8Array,
  { startBytes, pageBytes }: Pages,
): readonly number[] {
  const starts: number[] = [];
  for (let start = startBytes; start < current.length; start += pageBytes)
    if (!isSame(durable.subarray(start, start + pageBytes), current.subarray(start, start + pageBytes)))
      starts.push(start);
  return starts;
}

/** Number of bytes compared at a time when searching for the first difference between two files. */
const COMPARED_BYTES = 64 * 1024;

/** True if both have the same bytes. Far faster than a loop over the bytes. */
export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left === right || Buffer.compare(left, right) === 0;
}

/**
 * Returns the offset of the first sector that differs. This ensures that a large file of which only the end is new is not torn at
 * its beginning.
 */
function firstChange(durable: Uint8Array, current: Uint8Array): number {
  const shared = Math.min(durable.length, current.length);
  let index = 0;
  while (
    index + COMPARED_BYTES <= shared &&
    isSame(durable.subarray(index, index + COMPARED_BYTES), current.subarray(index, index + COMPARED_BYTES))
  )
    index += COMPARED_BYTES;
  while (index < shared && durable[index] === current[index]) index += 1;
  return index - (index % SECTOR_BYTES);
}
