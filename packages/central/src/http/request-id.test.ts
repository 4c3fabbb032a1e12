import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { CentralFailure } from '../platform/errors.ts';
import type { Log, Store } from '../platform/ports.ts';
import { startNode } from '../testing/central-under-test.ts';

const fail = () =>
  Promise.reject(new CentralFailure('STORE_FAILED', 'planned', { op: 'test', hint: 'none' }));
const STORE: Store = { query: fail, script: fail, transaction: fail, close: async () => undefined };

function request(id: string | undefined): Request {
  const headers: Record<string, string> = { Authorization: 'Bearer unknown-token' };
  return new Request('http://central.test/api/v1/data/import/export_1', {
    headers: id === undefined ? headers : { ...headers, 'X-Request-Id': id },
  });
}

/** Returns the ID in the answer, and the IDs in the log lines. */
async function ask(id: string | undefined) {
  const logged: unknown[] = [];
  const log: Log = { write: (_level, _message, facts) => void logged.push(facts?.['request']) };
  const answer = await startNode(STORE, { log }).fetch(request(id));
  assert.equal(answer.status, 500);
  return { answered: answer.headers.get('X-Request-Id'), logged };
}

test('a request keeps the ID from its proxy in the answer and in every log line', async () => {
  const id = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
  const { answered, logged } = await ask(id);
  assert.equal(answered, id);
  assert.deepEqual([...new Set(logged)], [id]);
  assert.ok(logged.length >= 2, 'the log lines of the failure and of the answer');
});

test('a request without an ID, or with one that could forge a log line, gets a new one', async () => {
  const seen = new Set<string>();
  for (const id of [undefined, '', 'short', 'x'.repeat(65), 'abcdefgh request="x"', 'abcdefgh<script>']) {
    const { answered, logged } = await ask(id);
    assert.match(answered ?? '', /^[0-9a-f]{16}$/);
    assert.deepEqual([...new Set(logged)], [answered]);
    seen.add(answered ?? '');
  }
  assert.equal(seen.size, 6);
});

test('concurrent requests keep their IDs apart', async () => {
  const gates: (() => void)[] = [];
  const logged: string[] = [];
  const log: Log = {
    write: (_level, message, facts) => void logged.push(`${message} ${String(facts?.['request'])}`),
  };
  const waiting: Store = {
    ...STORE,
    query: async () => {
      await new Promise<void>((resolve) => gates.push(resolve));
      return fail();
    },
  };
  const app = startNode(waiting, { log });
  const answers = ['request-one', 'request-two'].map((id) => app.fetch(request(id)));
  while (gates.length < 2) await new Promise((resolve) => setImmediate(resolve));
  for (const open of gates.reverse()) open();
  const ids = (await Promise.all(answers)).map(({ headers }) => headers.get('X-Request-Id'));
  assert.deepEqual(ids, ['request-one', 'request-two']);
  assert.deepEqual(
    logged.filter((line) => line.startsWith('request failed')),
    ['request failed request-two', 'request failed request-one'],
  );
});
