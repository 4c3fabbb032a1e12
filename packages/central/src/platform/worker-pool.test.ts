import { strict as assert } from 'node:assert';
import { after, test } from 'node:test';
import type { TestJob } from './testing/pool-thread.ts';
import { createWorkerPool, type WorkerPool } from './worker-pool.ts';

const MODULE = new URL('./testing/pool-thread.ts', import.meta.url);
const pools: WorkerPool<TestJob, Uint8Array>[] = [];
after(() => Promise.all(pools.map((pool) => pool.close())));

function openPool(limits: { readonly runMaxMs?: number; readonly heapMaxMb?: number } = {}) {
  const pool = createWorkerPool<TestJob, Uint8Array>(MODULE, 1, {
    runMaxMs: 60_000,
    heapMaxMb: 256,
    ...limits,
  });
  pools.push(pool);
  return pool;
}

function echo(pool: WorkerPool<TestJob, Uint8Array>, byte: number, rank: () => number = () => 0) {
  const bytes = new Uint8Array([byte]);
  return pool.run({ kind: 'echo', bytes }, [bytes.buffer], rank);
}

test('runs a job in a thread, and takes ownership of its bytes', async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const outcome = await openPool().run({ kind: 'echo', bytes }, [bytes.buffer], () => 0);
  assert.ok(outcome.kind === 'done');
  assert.deepEqual([...outcome.result], [1, 2, 3]);
  assert.equal(bytes.byteLength, 0);
});

test('terminates a job that exceeds its time limit while this thread continues, and runs the next job', async () => {
  const pool = openPool({ runMaxMs: 300 });
  const spinning = pool.run({ kind: 'spin' }, [], () => 0);
  const next = echo(pool, 7);
  assert.deepEqual({ ...(await spinning), cpuMs: 0 }, { kind: 'exceeded', limit: 'time', cpuMs: 0 });
  assert.equal((await next).kind, 'done');
});

test('terminates a job that exceeds its memory limit, and runs the next job', async () => {
  const pool = openPool({ heapMaxMb: 48 });
  const filling = pool.run({ kind: 'fill' }, [], () => 0);
  const next = echo(pool, 7);
  assert.deepEqual({ ...(await filling), cpuMs: 0 }, { kind: 'exceeded', limit: 'memory', cpuMs: 0 });
  assert.equal((await next).kind, 'done');
});

test('runs the waiting job with the lowest rank first, and the oldest job of equal rank', async () => {
  const pool = openPool();
  const order: number[] = [];
  const ranks = [5, 3, 0, 3];
  await Promise.all(
    ranks.map(async (rank, index) => {
      await echo(pool, index, () => rank);
      order.push(index);
    }),
  );
  assert.deepEqual(order, [2, 1, 3, 0]);
});

test('reports a defect in a thread as a failure of that job only, with its run time', async () => {
  const pool = openPool();
  const outcome = await pool.run({ kind: 'fail' }, [], () => 0);
  assert.ok(outcome.kind === 'failed');
  assert.match(outcome.error.message, /a defect/);
  assert.ok(outcome.cpuMs > 0);
  assert.equal((await echo(pool, 1)).kind, 'done');
});

test('rejects waiting and running jobs when it is closed', async () => {
  const pool = openPool();
  const jobs = [pool.run({ kind: 'spin' }, [], () => 0), echo(pool, 1)];
  const settled = Promise.allSettled(jobs);
  await pool.close();
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await assert.rejects(echo(pool, 1), /closed/);
});
