import type { SimRandom } from './random.ts';

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/**
 * What the end of power leaves of what was not synced: what chance takes, nothing, everything (as where only the program
 * was killed, and the kernel writes on), or, for a number, nothing but so many pages of what SQLite was writing.
 */
export type Aftermath = 'torn' | 'lost' | 'kept' | number;

/**
 * What a power cut may leave of a file that was `durable` at its last sync and has been changed to `current` since:
 * the old, the new, the new up to some byte, or any sectors of the new among the old. Sectors that were never written
 * within a file that grew are zeros. Of a file that is as it was synced nothing is lost, and no chance is drawn.
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

/** The new up to a byte of the changed part, the old after it. */
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

/** Where the pages of a file are: the first begins at `startBytes`. */
export interface Pages {
  readonly startBytes: number;
  readonly pageBytes: number;
}

/** The old, with the first `count` of the pages in which the new differs from it, and with all before the first page. */
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

/** Where the pages begin in which the two differ. */
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

/** How much is compared at once where two files are looked through for their first difference. */
const COMPARED_BYTES = 64 * 1024;

/** True where both hold the same bytes: whole files are compared far faster than a loop looks at bytes. */
export function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return left === right || Buffer.compare(left, right) === 0;
}

/** Start of the first sector in which the two differ: a file of megabytes with a new end is not torn in its beginning. */
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
