import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from './boat-in-process.ts';
import type { RunningDaemon } from './processes.ts';

/** Longest that everything which waits may take: an export that was twice caught in the middle waits for five minutes. */
const DRAIN_MAX_MS = 400_000;
/** How often the queue is looked at, and hurried. */
const LOOK_MS = 100;

/** Resolves when nothing waits any more, hurrying the worker; fails as soon as an entry has failed. */
export async function untilDrained(daemon: Pick<RunningDaemon, 'request' | 'output'>): Promise<void> {
  await until(
    'everything to be delivered',
    async () => {
      const { json } = await daemon.request('GET', '/export/queue/status');
      assert.equal(json['failed_count'], 0, daemon.output());
      if (json['pending_count'] === 0 && json['uploading_count'] === 0) return true;
      await daemon.request('POST', '/export/queue/process');
      await sleep(LOOK_MS);
      return false;
    },
    DRAIN_MAX_MS,
  );
}

/**
 * Delivers what waits, then makes incremental exports until nothing is new, each delivered. Gives the ids of all exports
 * in the history.
 */
export async function deliverEverything(
  daemon: Pick<RunningDaemon, 'request' | 'output'>,
): Promise<ReadonlySet<string>> {
  await untilDrained(daemon);
  for (let last = 0, isNews = true; isNews; last += 1) {
    assert.ok(last < 3, 'an export that nothing was added to ends the news');
    const { status, json } = await daemon.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(status, 200, JSON.stringify(json));
    isNews = json['queued'] === true;
    await untilDrained(daemon);
  }
  const { json: history } = await daemon.request('GET', '/export/history?limit=10000');
  // The answer's shape is held to by the tests of the API.
  return new Set((history['exports'] as { export_id: string }[]).map((row) => row.export_id));
}
