import assert from 'node:assert/strict';
import test from 'node:test';
import { eachPage, type TableRow } from './table-rows.ts';

test('each page continues after the last row of the previous one until a page is empty, and an abort takes effect between pages', () => {
  const asked: string[] = [];
  const readPage = (after: string): readonly TableRow<'a'>[] => {
    asked.push(after);
    return asked.length > 3 ? [] : [{ position: String(asked.length), values: { a: 1 } }];
  };
  assert.equal([...eachPage(readPage, new AbortController().signal)].length, 3);
  assert.deepEqual(asked.slice(1), ['1', '2', '3']);

  asked.length = 0;
  const stopping = new AbortController();
  const reason = new Error('the daemon stops');
  assert.throws(() => {
    for (const rows of eachPage(readPage, stopping.signal)) {
      assert.equal(rows.length, 1);
      stopping.abort(reason);
    }
  }, reason);
  assert.equal(asked.length, 1);
});
