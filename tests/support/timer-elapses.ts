import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const TIMER = join(import.meta.dirname, '..', '..', 'deploy', 'systemd', 'd3kos-export-daily.timer');
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** The first day of the tested calendar. */
export const FIRST_DAY = '2026-01-01';

/** Timeout for systemd-analyze, which needs half a second for a year. */
const ANALYZE_MAX_MS = 60_000;

/** The reason why systemd cannot calculate the timer's moments here, or false. */
export const withoutAnalyze =
  spawnSync('systemd-analyze', ['--version']).error === undefined
    ? false
    : 'systemd-analyze is not installed here';

/** Noon UTC on the day before. In every zone, this is after 03:00 and before midnight of that day. */
const BASE_TIME = '2025-12-31 12:00:00 UTC';

/** Returns the times at which a timer elapses after the base time, without its random delay. */
export function listElapses(calendar: string, timeZone: string, count: number): readonly number[] {
  const { stdout, stderr, status } = spawnSync(
    'systemd-analyze',
    ['calendar', `--base-time=${BASE_TIME}`, `--iterations=${count}`, calendar],
    { encoding: 'utf8', timeout: ANALYZE_MAX_MS, env: { ...process.env, TZ: timeZone, LC_ALL: 'C' } },
  );
  assert.equal(status, 0, stderr);
  const inUtc = [...stdout.matchAll(/\(in UTC\): \S+ (\S+ \S+) UTC/g)];
  // In UTC, systemd prints each moment once.
  const moments =
    inUtc.length > 0 ? inUtc : [...stdout.matchAll(/(?:Next elapse|Iter\. #\d+): \S+ (\S+ \S+) UTC/g)];
  return moments.map(([, moment = '']) => Date.parse(`${moment.replace(' ', 'T')}Z`));
}

/** Returns a setting of the daily export's timer. */
export function readTimer(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(readFileSync(TIMER, 'utf8'))?.[1] ?? assert.fail(key);
}

/** Returns `count` dates, beginning with the first day. */
export const listDates = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, day) =>
    new Date(Date.parse(FIRST_DAY) + day * DAY_MS).toISOString().slice(0, 10),
  );
