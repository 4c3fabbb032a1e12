// Runs a year of the daily timer on a real boat with its ledger.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { WallMs } from '@d3kos/boat';
import { createClock } from '../packages/boat/src/platform/clock.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import {
  DAY_MS,
  FIRST_DAY,
  HOUR_MS,
  listDates,
  listElapses,
  readTimer,
  withoutAnalyze,
} from './support/timer-elapses.ts';

/** The timer fires twice a night. */
const FIRINGS = 2 * 365;

test(
  "over a year, the timer creates one scheduled export for each date in a real boat's ledger",
  { skip: withoutAnalyze },
  () =>
    inTemporaryFolder('calendar-year', async (root) => {
      const timeZone = 'Europe/Athens';
      prepareBoat({ root, rows: 5 });
      let wallMs = Date.parse(FIRST_DAY);
      const clock = { ...createClock(), wall: () => wallMs as WallMs, isSynchronized: async () => true };
      // A host name that does not resolve, so that every export waits.
      const boat = await startBoatInProcess({
        root,
        centralUrl: 'https://central.invalid',
        world: { clock },
        environment: { EXPORT_TIMEZONE: timeZone },
      });
      const boatlog = new DatabaseSync(join(root, 'data', 'boatlog', 'boatlog.db'));
      try {
        const made: string[] = [];
        let repeated = 0;
        for (const elapse of listElapses(readTimer('OnCalendar'), timeZone, FIRINGS).filter(
          (moment) => moment < Date.parse(FIRST_DAY) + 365 * DAY_MS,
        )) {
          wallMs = elapse;
          boatlog
            .prepare(
              "INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (?, 'text', 'Daily')",
            )
            .run(new Date(elapse - HOUR_MS).toISOString());
          const { status, json } = await boat.request('POST', '/export/generate', {
            type: 'incremental',
            trigger: 'scheduled',
          });
          assert.equal(status, 200, JSON.stringify(json));
          if (json['queued'] === true) made.push(String(json['slot']));
          else repeated += 1;
        }
        assert.deepEqual(made, listDates(365));
        // One night in spring has only one of the two times.
        assert.equal(repeated, 364);
        const scheduled = boat.boat.ledger.queue
          .list('pending')
          .filter(({ trigger }) => trigger === 'scheduled');
        assert.equal(scheduled.length, 365);
      } finally {
        boatlog.close();
        await boat.stop();
      }
    }),
);
