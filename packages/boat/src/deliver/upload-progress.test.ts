import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MonotonicMs } from '../platform/ports.ts';
import { createUploadMeter } from './upload-progress.ts';

test("the time left is based on this delivery's actual rate, and is unknown before its first receipt", () => {
  let nowMs = 5_000;
  const meter = createUploadMeter({ monotonic: () => nowMs as MonotonicMs }, 700);
  assert.deepEqual(meter.progress(4, 9), { sentBytes: 700, leftMs: undefined });
  nowMs += 20_000;
  meter.recordAcknowledged(1_000);
  assert.deepEqual(meter.progress(5, 9), { sentBytes: 1_700, leftMs: 100_000 });
  nowMs += 10_000;
  meter.recordAcknowledged(1_000);
  // The first two parts took 30 s, and four are left.
  assert.deepEqual(meter.progress(6, 9), { sentBytes: 2_700, leftMs: 60_000 });
});
