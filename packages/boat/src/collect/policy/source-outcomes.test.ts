import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergeSourceOutcomes } from './source-outcomes.ts';

describe('the state of a category with several sources', () => {
  for (const [states, state] of [
    [[], 'source_missing'],
    [['source_missing', 'source_missing'], 'source_missing'],
    [['empty', 'source_missing'], 'empty'],
    [['ok', 'error'], 'ok'],
    [['empty', 'error'], 'error'],
    [['schema_unknown', 'empty'], 'schema_unknown'],
  ] as const)
    it(`is ${state} for ${states.join(' and ') || 'no source'}`, () =>
      assert.equal(mergeSourceOutcomes(states.map((one) => ({ state: one }))).state, state));
  it("includes a source's problem in the detail", () =>
    assert.deepEqual(
      mergeSourceOutcomes([{ state: 'ok' }, { state: 'error', detail: 'the old database is damaged' }]),
      {
        state: 'ok',
        detail: 'the old database is damaged',
      },
    ));
});
