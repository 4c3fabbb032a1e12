import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { createPermits } from './permits.ts';

test('serves the lowest rank first, and the oldest request of equal rank', async () => {
  const permits = createPermits(1);
  assert.equal(await permits.acquire(() => 0), true);
  const served: number[] = [];
  const waiting = [7, 2, 9, 2].map(async (rank, index) => {
    assert.equal(await permits.acquire(() => rank), true);
    served.push(index);
    permits.release();
  });
  permits.release();
  await Promise.all(waiting);
  assert.deepEqual(served, [1, 3, 0, 2]);
});

test('refuses the request with the highest rank once the queue is full', async () => {
  const permits = createPermits(1);
  await permits.acquire(() => 0);
  const waiting = [5, 5, 8, 5].map((rank) => permits.acquire(() => rank));
  assert.equal(permits.isFull(), true);
  assert.equal(await permits.acquire(() => 8), false);
  const modest = permits.acquire(() => 1);
  assert.equal(await waiting[2], false);
  permits.release();
  assert.equal(await modest, true);
});

test('counts permits exactly, however often they are taken and released', async () => {
  const permits = createPermits(2);
  for (let round = 0; round < 3; round += 1) {
    const both = await Promise.all([permits.acquire(() => 0), permits.acquire(() => 0)]);
    assert.deepEqual(both, [true, true]);
    const third = permits.acquire(() => 0);
    permits.release();
    assert.equal(await third, true);
    permits.release();
    permits.release();
  }
});
