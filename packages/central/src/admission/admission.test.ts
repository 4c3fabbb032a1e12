import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { createAdmission } from './admission.ts';
import { DEFAULT_IMPORT_LIMITS, toImportAdmissionLimits, toWorkBudget } from './policy.ts';
import { createWorkMeter } from './work-meter.ts';

test('refuses a request that has waited too long, and serves the next one', async () => {
  let nowMs = 0;
  const monotonic = () => nowMs;
  const limits = toImportAdmissionLimits({ ...DEFAULT_IMPORT_LIMITS, importsMax: 1 });
  const admission = createAdmission(
    limits,
    createWorkMeter(toWorkBudget(DEFAULT_IMPORT_LIMITS), monotonic),
    monotonic,
  );
  const admit = (id: string) => {
    const admitted = admission.admit(id);
    assert.ok(admitted.kind === 'admitted');
    return admitted.request;
  };
  const [slow, late, next] = [admit('a'), admit('b'), admit('c')];
  assert.equal(await slow.acquirePermit('light'), true);
  const isLateServed = late.acquirePermit('light');
  nowMs = 5_000;
  const isNextServed = next.acquirePermit('light');
  nowMs = 10_001;
  slow.release();
  assert.equal(await isLateServed, false);
  late.release();
  assert.equal(await isNextServed, true);
  next.release();
  assert.deepEqual(admission.waiting(), { light: 0, heavy: 0 });
});
