import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toNextPeriod } from './time-zones.ts';
import { createTimestampReader, type ZonePeriod } from './timestamps.ts';

const at = (text: string): number => Date.parse(`${text}Z`);

describe('the zones of a boat', () => {
  const halifax: ZonePeriod = { zone: 'America/Halifax', sinceMs: 0 };
  const seen = {
    zone: 'Atlantic/Azores',
    changedMs: at('2026-06-10T12:00:00'),
    lastExportMs: at('2026-06-10T03:00:00'),
    nowMs: at('2026-06-11T03:00:00'),
  };

  it('begin with the first known one', () =>
    assert.deepEqual(toNextPeriod([], seen), { zone: 'Atlantic/Azores', sinceMs: 0 }));

  it('stay the same if the setting is rewritten with the same zone', () =>
    assert.equal(toNextPeriod([halifax], { ...seen, zone: 'America/Halifax' }), undefined));

  for (const [what, changes, since] of [
    ['when the setting was written', {}, '2026-06-10T12:00:00'],
    ['at the latest export, if the setting seems older', { changedMs: 0 }, '2026-06-10T03:00:00'],
    [
      'now, if the setting seems to come from the future',
      { changedMs: at('2030-01-01T00:00:00') },
      '2026-06-11T03:00:00',
    ],
    [
      'at the latest export, if the clock was set back',
      { changedMs: at('2030-01-01T00:00:00'), nowMs: 0 },
      '2026-06-10T03:00:00',
    ],
    ['when the setting was written, without an export', { lastExportMs: undefined }, '2026-06-10T12:00:00'],
  ] as const)
    it(`change ${what}`, () =>
      assert.deepEqual(toNextPeriod([halifax], { ...seen, ...changes }), {
        zone: 'Atlantic/Azores',
        sinceMs: at(since),
      }));

  it('follow one another, no matter what the clock shows', () => {
    const first = { zone: 'Europe/Lisbon', sinceMs: at('2026-07-01T00:00:00') };
    const next = toNextPeriod([halifax, first], seen);
    assert.ok((next?.sinceMs ?? 0) > first.sinceMs);
  });

  it('interpret each naive time in the zone in which it was written', () => {
    const read = createTimestampReader([
      halifax,
      { zone: 'Atlantic/Azores', sinceMs: at('2026-06-10T12:00:00') },
    ]);
    for (const [raw, utc, zone] of [
      ['2026-06-10T08:59:59', '2026-06-10T11:59:59.000Z', 'America/Halifax'],
      ['2026-06-10T12:00:00', '2026-06-10T12:00:00.000Z', 'Atlantic/Azores'],
      ['20260612_120000', '2026-06-12T12:00:00.000Z', 'Atlantic/Azores'],
      ['2026-01-10T12:00:00', '2026-01-10T16:00:00.000Z', 'America/Halifax'],
    ] as const)
      assert.deepEqual(read(raw, 'local'), { utc, zone: `assumed_local:${zone}` }, raw);
  });

  it('may return to an earlier one', () => {
    const periods = [halifax, { zone: 'Atlantic/Azores', sinceMs: at('2026-06-10T12:00:00') }];
    const read = createTimestampReader([...periods, { ...halifax, sinceMs: at('2026-08-01T00:00:00') }]);
    assert.equal(read('2026-07-01T12:00:00', 'local').utc, '2026-07-01T12:00:00.000Z');
    assert.equal(read('2026-08-02T12:00:00', 'local').utc, '2026-08-02T15:00:00.000Z');
  });

  it('do not apply to a time that states its zone or whose writer uses UTC', () => {
    const read = createTimestampReader([halifax]);
    assert.equal(read('2026-06-10T08:00:00Z', 'local').utc, '2026-06-10T08:00:00.000Z');
    assert.equal(read('2026-06-10T08:00:00+02:00', 'local').utc, '2026-06-10T06:00:00.000Z');
    assert.deepEqual(read('2026-06-10 08:00:00', 'utc'), {
      utc: '2026-06-10T08:00:00.000Z',
      zone: 'assumed_utc',
    });
  });

  // The day of a clock change in a zone west of Greenwich, one east of it, and one that shifts by half an hour.
  for (const [zone, raw, utc] of [
    ['America/Toronto', '2026-11-01T00:59:59', '2026-11-01T04:59:59.000Z'],
    ['America/Toronto', '2026-11-01T01:30:00', '2026-11-01T05:30:00.000Z'],
    ['America/Toronto', '2026-11-01T02:00:00', '2026-11-01T07:00:00.000Z'],
    ['America/Toronto', '2026-03-08T01:59:59', '2026-03-08T06:59:59.000Z'],
    ['America/Toronto', '2026-03-08T02:30:00', '2026-03-08T07:30:00.000Z'],
    ['America/Toronto', '2026-03-08T03:00:00', '2026-03-08T07:00:00.000Z'],
    ['Europe/Berlin', '2026-10-25T01:59:59', '2026-10-24T23:59:59.000Z'],
    ['Europe/Berlin', '2026-10-25T02:30:00', '2026-10-25T00:30:00.000Z'],
    ['Europe/Berlin', '2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
    ['Europe/Berlin', '2026-03-29T02:30:00', '2026-03-29T01:30:00.000Z'],
    ['Europe/Berlin', '2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45:00', '2026-04-04T14:45:00.000Z'],
    ['Pacific/Auckland', '2026-06-01T00:30:00', '2026-05-31T12:30:00.000Z'],
    ['Asia/Kathmandu', '2026-06-01T00:30:00', '2026-05-31T18:45:00.000Z'],
  ] as const)
    it(`read ${raw} in ${zone} as ${utc}`, () =>
      assert.deepEqual(createTimestampReader(zone)(raw, 'local'), { utc, zone: `assumed_local:${zone}` }));
});
