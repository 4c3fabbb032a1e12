import assert from 'node:assert/strict';
import test from 'node:test';
import { createClock } from '../platform/clock.ts';
import type { MonotonicMs } from '../platform/ports.ts';
import { createTestContext, createTestProgress } from './collection-for-tests.ts';
import type { CollectContext, Page } from './collector.ts';
import { createStateRecords, type StateRecord, toStatePages } from './state-records.ts';

const PATHS = { root: '/', recordings: '/', proc: '/', sys: '/', run: '/' };

/** Creates a context whose clock advances by a millisecond each time it is read. */
function createCounted(over: Partial<CollectContext> = {}) {
  let nowMs = 0;
  const turns = { count: 0 };
  const clock = {
    ...createClock(),
    monotonic: () => {
      nowMs += 1;
      return nowMs as MonotonicMs;
    },
    yield: async () => {
      turns.count += 1;
    },
  };
  return { turns, context: createTestContext(PATHS, createTestProgress(), { clock, ...over }) };
}

async function collect(context: CollectContext, sources: readonly (readonly StateRecord[])[]) {
  const records = createStateRecords(context);
  const pages: Page[] = [];
  for (const source of sources) for await (const page of toStatePages(records, source)) pages.push(page);
  return pages;
}
const record = (n: number, text = ''): StateRecord => ({ record_id: String(n), text });

test('yields to the event loop while processing unchanged records, even if each chunk from the source is fast', async () => {
  const digests = new Map<string, string>();
  const first = createCounted({ addDigest: (recordId, digest) => void digests.set(recordId, digest) });
  const sources = Array.from({ length: 100 }, (_, piece) =>
    [0, 1, 2, 3, 4].map((n) => record(piece * 5 + n)),
  );
  await collect(first.context, sources);
  const again = createCounted({ digestOf: (recordId) => digests.get(recordId) });
  assert.deepEqual(await collect(again.context, sources), []);
  assert.ok(again.turns.count >= 40, `${again.turns.count} turns in 500 ms`);
});

test('exports a record that occurs twice only once, with its first content', async () => {
  const kept: string[] = [];
  const { context } = createCounted({ addDigest: (recordId) => void kept.push(recordId) });
  const pages = await collect(context, [[record(1, 'first'), record(2), record(1, 'second')], [record(2)]]);
  assert.deepEqual(
    pages.map(({ lines }) => lines),
    ['{"record_id":"1","text":"first"},\n{"record_id":"2","text":""}'],
  );
  assert.deepEqual(kept, ['1', '2']);
});

test('a page contains only complete lines, whatever their content and length', async () => {
  const texts = ['', 'ä⚓𝄞', 'x'.repeat(300_000), '⚓'.repeat(50_000), '\ud800', 'line\nend'];
  const { context } = createCounted();
  const pages = await collect(context, [texts.map((text, n) => record(n, text))]);
  const found = pages.flatMap(({ lines, count }) => {
    const parsed = lines.split(',\n').map((line) => JSON.parse(line) as StateRecord);
    assert.equal(parsed.length, count);
    return parsed.map(({ text }) => text);
  });
  assert.deepEqual(
    found,
    texts.map((text) => text.toWellFormed()),
  );
});
