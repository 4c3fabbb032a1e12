import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { currentSlot, findSlot, toDueSlot } from './policy.ts';

const HOUR_MS = 3_600_000;
const ZONES = ['UTC', 'Europe/Helsinki', 'America/New_York', 'Australia/Lord_Howe'] as const;

function owed(
  utc: string,
  timeZone: string,
  claimed: readonly string[] = [],
  clockSynchronized = true,
): string | undefined {
  return toDueSlot(findSlot({ wallMs: Date.parse(utc), clockSynchronized, timeZone, hour: 3, claimed }));
}

describe('the slot that is due', () => {
  const table: readonly (readonly [name: string, timeZone: string, utc: string, slot: string])[] = [
    ['at 03:00', 'UTC', '2026-11-23T03:00:00Z', '2026-11-23'],
    ['just before 03:00', 'UTC', '2026-11-23T02:59:59Z', '2026-11-22'],
    ['at the end of the day', 'UTC', '2026-11-23T23:59:59Z', '2026-11-23'],
    ['at the start of a month', 'UTC', '2026-03-01T01:00:00Z', '2026-02-28'],
    ['at the start of a year', 'UTC', '2027-01-01T02:00:00Z', '2026-12-31'],
    ['by local time, east', 'Europe/Helsinki', '2026-11-23T01:00:00Z', '2026-11-23'],
    ['by local time, west', 'America/New_York', '2026-11-23T07:59:59Z', '2026-11-22'],
    // 29 March 2026: 03:00 does not exist in Helsinki. The clock changes from 02:59:59 to 04:00 at 01:00 UTC.
    ['before an hour that does not exist', 'Europe/Helsinki', '2026-03-29T00:59:59Z', '2026-03-28'],
    ['after an hour that does not exist', 'Europe/Helsinki', '2026-03-29T01:00:00Z', '2026-03-29'],
    // 25 October 2026: 03:00 happens at 00:00 UTC and again at 01:00 UTC.
    ['at the first of two 03:00s', 'Europe/Helsinki', '2026-10-25T00:00:00Z', '2026-10-25'],
    ['at the second of two 03:00s', 'Europe/Helsinki', '2026-10-25T01:00:00Z', '2026-10-25'],
    // 8 March 2026: the clock changes from 01:59:59 to 03:00.
    ['just after the skipped 02:00', 'America/New_York', '2026-03-08T07:00:00Z', '2026-03-08'],
    ['before 02:00, which does not exist', 'America/New_York', '2026-03-08T06:59:59Z', '2026-03-07'],
    // 1 November 2026: 01:00 happens twice.
    ['in the second 01:00', 'America/New_York', '2026-11-01T06:30:00Z', '2026-10-31'],
    // Lord Howe Island's clocks change by half an hour: forwards on 4 October 2026, back on 5 April 2026.
    ['half an hour forwards', 'Australia/Lord_Howe', '2026-10-03T16:00:00Z', '2026-10-04'],
    ['half an hour back, before', 'Australia/Lord_Howe', '2026-04-04T16:29:59Z', '2026-04-04'],
    ['half an hour back, after', 'Australia/Lord_Howe', '2026-04-04T16:30:00Z', '2026-04-05'],
    // Samoa skipped 30 December 2011.
    ['after a date that does not exist', 'Pacific/Apia', '2011-12-30T11:00:00Z', '2011-12-29'],
  ];
  for (const [name, timeZone, utc, slot] of table)
    it(`${name} (${timeZone}) is ${slot}`, () => assert.equal(owed(utc, timeZone), slot));

  it('is none once it is claimed, even if the timer fires twice or at every boot', () => {
    assert.equal(owed('2026-11-23T04:00:00Z', 'UTC', ['2026-11-23']), undefined);
    assert.equal(owed('2026-11-24T02:00:00Z', 'UTC', ['2026-11-23']), undefined);
    assert.equal(owed('2026-10-25T01:30:00Z', 'Europe/Helsinki', ['2026-10-25']), undefined);
  });

  it('is a single one after any number of missed nights', () => {
    const first = owed('2026-11-23T10:00:00Z', 'UTC', ['2026-11-01']);
    assert.equal(first, '2026-11-23');
    assert.equal(owed('2026-11-23T10:01:00Z', 'UTC', ['2026-11-01', '2026-11-23']), undefined);
  });

  it('is none while the clock is behind and no time server has been reached', () => {
    const claimed = ['2026-11-20'];
    assert.equal(owed('2026-04-02T12:00:00Z', 'UTC', claimed, false), undefined);
    assert.equal(owed('1970-01-01T00:00:30Z', 'UTC', claimed, false), undefined);
    assert.equal(owed('2026-11-23T12:00:00Z', 'UTC', claimed, true), '2026-11-23');
    assert.equal(owed('2026-11-23T12:00:00Z', 'UTC', claimed, false), '2026-11-23');
    const unknownClock = { clockSynchronized: undefined, timeZone: 'UTC', hour: 3, claimed };
    assert.equal(
      toDueSlot(findSlot({ ...unknownClock, wallMs: Date.parse('2026-04-02T12:00:00Z') })),
      '2026-04-02',
    );
  });

  it('waits for the clock only if it is not claimed', () => {
    const facts = { clockSynchronized: false, timeZone: 'UTC', hour: 3, wallMs: Date.UTC(2026, 10, 23, 12) };
    const slot = '2026-11-23';
    assert.deepEqual(findSlot({ ...facts, claimed: ['2031-05-05'] }), { slot, state: 'waits_for_clock' });
    assert.deepEqual(findSlot({ ...facts, claimed: ['2031-05-05', slot] }), { slot, state: 'claimed' });
    assert.deepEqual(findSlot({ ...facts, claimed: [] }), { slot, state: 'due' });
  });

  it('is not blocked by a claim made while the clock was ahead', () => {
    assert.equal(owed('2026-11-23T12:00:00Z', 'UTC', ['2026-11-22', '2031-05-05']), '2026-11-23');
  });

  it('works for every hour of the day', () => {
    for (const hour of [0, 3, 12, 23]) {
      const wallMs = Date.UTC(2026, 10, 23, hour);
      assert.equal(currentSlot(wallMs, 'UTC', hour), '2026-11-23');
      assert.equal(currentSlot(wallMs - 1, 'UTC', hour), '2026-11-22');
    }
  });

  it('throws an error that names an unknown time zone', () => {
    assert.throws(() => owed('2026-11-23T12:00:00Z', 'Atlantis/Harbour'), RangeError);
  });
});

describe('two years, hour by hour', () => {
  for (const timeZone of ZONES)
    it(`claims each date exactly once in ${timeZone} on a boat that is always on`, () => {
      const claimed: string[] = [];
      const startMs = Date.UTC(2026, 0, 1, 12);
      for (let hours = 0; hours < 2 * 365 * 24; hours += 1) {
        const wallMs = startMs + hours * HOUR_MS;
        const slot = toDueSlot(
          findSlot({ wallMs, clockSynchronized: true, timeZone, hour: 3, claimed: claimed.slice(-3) }),
        );
        if (slot !== undefined) claimed.push(slot);
      }
      assert.equal(new Set(claimed).size, claimed.length);
      const days = claimed.map((slot) => Date.parse(slot));
      days.slice(1).forEach((day, index) => {
        assert.equal(day - (days[index] ?? Number.NaN), 24 * HOUR_MS);
      });
      assert.ok(claimed.length >= 730);
    });

  it('claims no date twice and at most one date an hour, whenever the boat is on', () => {
    const stays = fc.array(
      fc.record({ offHours: fc.integer({ min: 0, max: 400 }), upHours: fc.integer({ min: 1, max: 60 }) }),
      { minLength: 1, maxLength: 25 },
    );
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), stays, (timeZone, times) => {
        const claimed: string[] = [];
        let wallMs = Date.UTC(2026, 0, 1, 12);
        for (const { offHours, upHours } of times) {
          wallMs += offHours * HOUR_MS;
          for (let hour = 0; hour < upHours; hour += 1, wallMs += HOUR_MS) {
            const claim = () =>
              toDueSlot(findSlot({ wallMs, clockSynchronized: false, timeZone, hour: 3, claimed }));
            const slot = claim();
            if (slot !== undefined) claimed.push(slot);
            assert.equal(claim(), undefined);
          }
        }
        assert.equal(new Set(claimed).size, claimed.length);
        assert.deepEqual(claimed, claimed.toSorted());
      }),
      { numRuns: 15 },
    );
  });
});
