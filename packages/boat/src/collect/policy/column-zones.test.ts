import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LOCAL_ENTRY_TYPES, toColumnZone, toEntryZone, type ZonedSource } from './column-zones.ts';

describe('a timestamp without a zone', () => {
  for (const [source, column, type, zone] of [
    ['captures', 'timestamp', undefined, 'local'],
    ['captures', 'created_at', undefined, 'utc'],
    ['issues', 'timestamp', undefined, 'local'],
    ['issues', 'created_at', undefined, 'utc'],
    ['boatlog_entries', 'timestamp', 'voice', 'local'],
    ['boatlog_entries', 'timestamp', 'text', 'local'],
    ['boatlog_entries', 'timestamp', 'auto', 'utc'],
    ['boatlog_entries', 'timestamp', null, 'utc'],
    ['boatlog_entries', 'created_at', 'voice', 'utc'],
    ['browser_entries', 'timestamp', 'voice', 'local'],
    ['browser_entries', 'timestamp', 'trip', 'utc'],
  ] as const)
    it(`in ${source}.${column}${type === undefined ? '' : ` of the type ${type}`} is ${zone}`, () =>
      assert.equal(toEntryZone(toColumnZone(source, column), type), zone));

  it('in a table without a known time column has the same zone as `timestamp`', () => {
    for (const source of ['captures', 'issues', 'boatlog_entries'] as const satisfies readonly ZonedSource[])
      assert.equal(toColumnZone(source, undefined), toColumnZone(source, 'timestamp'));
  });

  it('is local only for entries that a person dictated or typed', () =>
    assert.deepEqual([...LOCAL_ENTRY_TYPES], ['voice', 'text']));
});
