import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { createLockWait } from './lock-wait.ts';

const TABLE = { kind: 'table', step: '9001-step' } as const;

/** Returns a wait with the steps that it logged and the number of pauses that it took. */
function startWait(signal?: AbortSignal, onPause: () => void = () => undefined) {
  const taken = { steps: [] as unknown[], pauses: 0 };
  const wait = createLockWait({
    log: { write: (_level, _message, facts) => taken.steps.push(facts?.['step']) },
    pause: async () => {
      taken.pauses += 1;
      onPause();
    },
    signal,
  });
  return { taken, wait };
}

test('pauses before every attempt, and logs once which step waits', async () => {
  const { taken, wait } = startWait();
  for (let attempt = 0; attempt < 3; attempt += 1) await wait(TABLE);
  assert.deepEqual(taken, { steps: ['9001-step'], pauses: 3 });
});

test("returns at once after a timeout of the wait for another node's migration", async () => {
  const { taken, wait } = startWait();
  await wait({ kind: 'node' });
  assert.deepEqual(taken, { steps: [], pauses: 0 });
});

test('throws the reason for which the node stops, before or during a pause', async () => {
  const stop = new AbortController();
  const { taken, wait } = startWait(stop.signal, () => stop.abort('stop'));
  const isStop = (reason: unknown): boolean => reason === 'stop';
  await assert.rejects(wait(TABLE), isStop);
  await assert.rejects(wait(TABLE), isStop);
  await assert.rejects(wait({ kind: 'node' }), isStop);
  assert.equal(taken.pauses, 1);
});
