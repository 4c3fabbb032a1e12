import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Seeded } from '../packages/sim/src/fixture/seeded.ts';

/** Size of the unit that either reaches the card or is lost. */
export const SECTOR_BYTES = 512;

/**
 * What the card does on a flush: `honest` writes its cache to the image. `ignored` reports success and writes nothing, like a
 * counterfeit card or a file system mounted with `barrier=0`.
 */
export type FlushMode = 'honest' | 'ignored';

/** Shares of the unflushed sectors that survive a power cut. One of them is drawn for each cut. */
const SURVIVING_SHARES = [0, 0.5, 0.9, 1] as const;

/** What a power cut did to the sectors that were written since the last flush. */
export interface CutSectors {
  readonly pending: number;
  readonly kept: number;
}

/** A card's image file, with a write cache that loses its content when power fails. */
export interface VolatileCard {
  readonly sizeBytes: number;
  /** Number of write requests received. */
  writes(): number;
  read(offset: number, length: number): Buffer;
  /** Keeps the sectors in the cache. `data` must not be changed afterwards. */
  write(offset: number, data: Buffer): void;
  /** Makes all cached sectors durable, unless flushes are ignored. */
  flush(): void;
  /**
   * Cuts the power: a random part of the cached sectors reaches the image, in any combination or as a prefix of the write order.
   * Writes can be torn and reordered. The card cannot be used afterwards.
   */
  cut(seeded: Seeded): CutSectors;
  /** Writes the cache to the image and closes it. Does nothing after a cut. */
  close(): void;
}

/** Opens a card image. The image must not be used by another program until the card is cut or closed. */
export function openVolatileCard(image: string, flushMode: FlushMode): VolatileCard {
  const file = openSync(image, 'r+');
  const sizeBytes = fstatSync(file).size;
  const cached = new Map<number, Buffer>();
  /** Every cached write by sector, in order, including writes that a later write replaced. */
  let written: (readonly [sector: number, data: Buffer])[] = [];
  let writes = 0;
  let isOpen = true;
  const writeBack = (): void => {
    for (const [sector, data] of joinSectors(cached))
      writeSync(file, data, 0, data.length, sector * SECTOR_BYTES);
    cached.clear();
    written = [];
  };
  const end = (): void => {
    isOpen = false;
    closeSync(file);
  };
  return {
    sizeBytes,
    writes: () => writes,
    read(offset, length) {
      const data = Buffer.alloc(length);
      readSync(file, data, 0, length, offset);
      if (cached.size > 0)
        for (let at = 0; at < length; at += SECTOR_BYTES)
          cached.get((offset + at) / SECTOR_BYTES)?.copy(data, at);
      return data;
    },
    write(offset, data) {
      writes += 1;
      for (let at = 0; at < data.length; at += SECTOR_BYTES) {
        const sector = (offset + at) / SECTOR_BYTES;
        const content = data.subarray(at, at + SECTOR_BYTES);
        cached.set(sector, content);
        written.push([sector, content]);
      }
    },
    flush() {
      if (flushMode === 'honest') writeBack();
    },
    cut(seeded) {
      const pending = written.length;
      const share = seeded.pick(SURVIVING_SHARES);
      const limit = seeded.below(2) === 0 ? seeded.below(pending + 1) : pending;
      const kept = written.slice(0, limit).filter(() => seeded.fraction() < share);
      for (const [sector, data] of kept) writeSync(file, data, 0, data.length, sector * SECTOR_BYTES);
      end();
      return { pending, kept: kept.length };
    },
    close() {
      if (!isOpen) return;
      writeBack();
      end();
    },
  };
}

/** Joins neighbouring sectors, so that a flush needs few system calls. */
function* joinSectors(
  sectors: ReadonlyMap<number, Buffer>,
): Generator<readonly [sector: number, data: Buffer]> {
  let start = -1;
  let run: Buffer[] = [];
  for (const [sector, data] of [...sectors].sort(([a], [b]) => a - b)) {
    if (run.length > 0 && sector !== start + run.length) {
      yield [start, Buffer.concat(run)];
      run = [];
    }
    if (run.length === 0) start = sector;
    run.push(data);
  }
  if (run.length > 0) yield [start, Buffer.concat(run)];
}
