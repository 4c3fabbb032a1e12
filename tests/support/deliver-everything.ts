import assert from 'node:assert/strict';
import type { RunningDaemon } from './processes.ts';
import { until } from './until.ts';

/** Number of used attempts after which an export waits five minutes for the next one. */
const ATTEMPTS_BEFORE_LONG_WAIT = 2;

type Daemon = Pick<RunningDaemon, 'request' | 'output'>;

/**
 * Resolves once no export is waiting or uploading. Rejects as soon as an export has failed, or if none is delivered for a long
 * time. The whole may take any time, because the machine may be busy.
 */
export async function untilDrained(daemon: Daemon): Promise<void> {
  let left = await tryEveryExport(daemon);
  while (left > 0)
    await until(`one of ${left} exports to be delivered`, async () => {
      const before = left;
      left = await tryEveryExport(daemon);
      return left < before;
    });
}

/** Makes all waiting exports due. Returns the number of exports that are waiting or uploading. */
async function tryEveryExport(daemon: Daemon): Promise<number> {
  const { json } = await daemon.request('GET', '/export/queue');
  // The API tests check this shape.
  const { pending, uploading, failed } = json as Record<
    'pending' | 'uploading' | 'failed',
    readonly { queue_id: string; retry_count: number }[]
  >;
  assert.deepEqual(failed, [], daemon.output());
  for (const entry of pending)
    if (entry.retry_count >= ATTEMPTS_BEFORE_LONG_WAIT) await resetAttempts(daemon, entry.queue_id);
  if (pending.length > 0) await daemon.request('POST', '/export/queue/process');
  return pending.length + uploading.length;
}

/** Cancels and retries an export, which gives it all of its attempts again. */
async function resetAttempts(daemon: Daemon, queueId: string): Promise<void> {
  const cancelled = await daemon.request('DELETE', `/export/queue/${queueId}`);
  // 409: the worker has just begun to upload it.
  if (cancelled.status === 409) return;
  const retried = await daemon.request('POST', `/export/queue/${queueId}/retry`);
  assert.deepEqual([cancelled.status, retried.status], [200, 200], JSON.stringify([cancelled, retried]));
}

/**
 * Delivers every waiting export, then creates and delivers incremental exports until there is nothing new to export. Returns the
 * IDs of all exports in the history.
 */
export async function deliverEverything(daemon: Daemon): Promise<ReadonlySet<string>> {
  await untilDrained(daemon);
  for (let made = 0, hasNews = true; hasNews; made += 1) {
    assert.ok(made < 3, 'without new records, an export soon finds nothing new');
    const { status, json } = await daemon.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(status, 200, JSON.stringify(json));
    hasNews = json['queued'] === true;
    await untilDrained(daemon);
  }
  const { json: history } = await daemon.request('GET', '/export/history?limit=10000');
  // The API tests check this shape.
  return new Set((history['exports'] as { export_id: string }[]).map((row) => row.export_id));
}
