// Tests the daily export's timer over two calendar years, with the times that systemd calculates, in time zones with every kind
// of clock change.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findSlot, toDueSlot } from '../packages/boat/src/schedule/policy.ts';
import {
  DAY_MS,
  FIRST_DAY,
  HOUR_MS,
  listDates,
  listElapses,
  readTimer,
  withoutAnalyze,
} from './support/timer-elapses.ts';

const DAYS = 2 * 365;

const ZONES = [
  'UTC',
  // 03:00 does not exist on one night and happens twice on another.
  'Europe/Athens',
  // The clock changes at 02:00.
  'America/New_York',
  // The clock changes by half an hour, and summer time is in the southern summer.
  'Australia/Lord_Howe',
  // The clock changes at midnight.
  'America/Santiago',
] as const;

/** Returns the slots that a boat claims if it is on at the given moments. */
function claimAt(moments: readonly number[], timeZone: string): readonly string[] {
  const claimed: string[] = [];
  for (const wallMs of moments) {
    const slot = toDueSlot(
      findSlot({ wallMs, clockSynchronized: true, timeZone, hour: 3, claimed: claimed.slice(-3) }),
    );
    if (slot !== undefined) claimed.push(slot);
  }
  return claimed;
}

for (const timeZone of ZONES)
  test(
    `over two years, the timer claims each date once in ${timeZone}, whatever the boat's delay`,
    { skip: withoutAnalyze },
    () => {
      const calendar = readTimer('OnCalendar');
      const [, delayMinutes = ''] = /^(\d+)min$/.exec(readTimer('RandomizedDelaySec')) ?? [];
      const elapses = listElapses(calendar, timeZone, 2 * DAYS + 10);
      for (const delayMs of [0, (Number(delayMinutes) * HOUR_MS) / 60]) {
        const claimed = claimAt(
          elapses.map((elapse) => elapse + delayMs),
          timeZone,
        );
        assert.ok(claimed.length >= DAYS, `${claimed.length} dates`);
        assert.deepEqual(claimed, listDates(claimed.length));
      }
    },
  );

test('if it ran only at 03:00, systemd would skip a day in Athens', { skip: withoutAnalyze }, () => {
  const claimed = claimAt(listElapses('*-*-* 03:00:00', 'Europe/Athens', 100), 'Europe/Athens');
  assert.ok(
    claimed.includes('2026-03-28') && !claimed.includes('2026-03-29') && claimed.includes('2026-03-30'),
  );
});

test('a boat that is on only some evenings exports once on each of them', { skip: withoutAnalyze }, () => {
  const timeZone = 'Europe/Athens';
  const elapses = listElapses(readTimer('OnCalendar'), timeZone, 2 * DAYS);
  // The boat is on for three hours from 18:00 UTC, every third day. systemd stores when a persistent timer last fired.
  const evenings = Array.from(
    { length: 122 },
    (_, evening) => Date.parse(FIRST_DAY) + 3 * evening * DAY_MS + 18 * HOUR_MS,
  );
  let firedMs = Number.NEGATIVE_INFINITY;
  const moments = evenings.filter((startMs) => {
    const isMissed = elapses.some((elapse) => elapse > firedMs && elapse <= startMs);
    if (isMissed) firedMs = startMs;
    return isMissed;
  });
  const claimed = claimAt(moments, timeZone);
  assert.deepEqual(
    claimed,
    evenings.map((startMs) => new Date(startMs).toISOString().slice(0, 10)),
  );
});
