import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mergeSourceOutcomes } from './source-outcomes.ts';

describe('the state of a category with several homes', () => {
  for (const [states, state] of [
    [[], 'source_missing'],
    [['source_missing', 'source_missing'], 'source_missing'],
    [['empty', 'source_missing'], 'empty'],
    [['ok', 'error'], 'ok'],
    [['empty', 'error'], 'error'],
    [['schema_unknown', 'empty'], 'schema_unknown'],
  ] as const)
    it(`is ${state} of ${states.join(' and ') || 'none'}`, () =>
      assert.equal(mergeSourceOutcomes(states.map((one) => ({ state: one }))).state, state));
  it('tells what was wrong with one of them', () =>
    assert.deepEqual(
      mergeSourceOutcomes([{ state: 'ok' }, { state: 'error', detail: 'old home is damaged' }]),
      {
        state: 'ok',
        detail: 'old home is damaged',
      },
    ));
});
