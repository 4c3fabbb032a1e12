import { DatabaseSync } from 'node:sqlite';
import type { DiskMedium } from '../disk-medium.ts';
import type { SimRandom } from '../random.ts';
import type { Truth } from './truth.ts';

/** The databases, disk and random numbers that a simulated boat's sources share. */
export interface SourceContext {
  readonly truth: Truth;
  readonly random: SimRandom;
  readonly medium: DiskMedium;
  wallMs(): number;
  /** The boat's time zone. */
  readonly timeZone: string;
  /** Returns the real path of a database. */
  realPath(path: string): string;
}

/** Runs `work` in one transaction on another service's database. The changes are durable at once. */
export function writeDatabase<T>(realPath: string, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(realPath);
  try {
    db.exec('PRAGMA synchronous = OFF; BEGIN IMMEDIATE');
    const result = work(db);
    db.exec('COMMIT');
    return result;
  } finally {
    db.close();
  }
}

/** Returns a time as the boat's services write it. They use several formats, sometimes within one column. */
export function toBoatTimestamp(wallMs: number, random: SimRandom): string {
  const iso = new Date(wallMs).toISOString();
  switch (random.integer(3)) {
    case 0:
      return iso;
    case 1:
      return `${iso.slice(0, -1)}${String(random.integer(1_000)).padStart(3, '0')}`;
    default:
      return toCompactTimestamp(wallMs);
  }
}

const HOUR_MS = 3_600_000;

/**
 * Returns the current local time as written by a service that omits the zone, and the moment that it denotes. When clocks are
 * set back, the text in the second hour denotes a time in the first.
 */
export function toLocalTimestamp({ wallMs, timeZone, random }: SourceContext): {
  readonly timestamp: string;
  readonly atMs: number;
} {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const nowMs = wallMs();
  const local = format.format(nowMs);
  const isSecond = format.format(nowMs - HOUR_MS) === local;
  const milliseconds = String(nowMs % 1_000).padStart(3, '0');
  const microseconds = String(random.integer(1_000)).padStart(3, '0');
  return {
    timestamp: `${local.replace(' ', 'T')}.${milliseconds}${microseconds}`,
    atMs: isSecond ? nowMs - HOUR_MS : nowMs,
  };
}

/** `20260601_093000` */
export function toCompactTimestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
}
