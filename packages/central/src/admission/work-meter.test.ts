import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { DEFAULT_IMPORT_LIMITS, toWorkBudget } from './policy.ts';
import { createWorkMeter } from './work-meter.ts';

const NOTHING = { requests: 0, cpuMs: 0 };

test('keeps usage that was not written, and passes usage to one of two writers only', async () => {
  const meter = createWorkMeter(toWorkBudget(DEFAULT_IMPORT_LIMITS), () => 0);
  meter.countRequest('boat');
  meter.charge('boat', 7);
  await assert.rejects(
    meter.bill(
      'boat',
      () => Promise.reject(new Error('not written')),
      () => true,
    ),
    /not written/,
  );
  const written = Promise.withResolvers<'refused'>();
  const first = meter.bill(
    'boat',
    (unbilled) => {
      assert.deepEqual(unbilled, { requests: 1, cpuMs: 7 });
      return written.promise;
    },
    (outcome) => outcome !== 'refused',
  );
  assert.deepEqual(meter.unbilled('boat'), NOTHING);
  meter.countRequest('boat');
  written.resolve('refused');
  assert.equal(await first, 'refused');
  const billed = await meter.bill(
    'boat',
    async (unbilled) => unbilled,
    () => true,
  );
  assert.deepEqual(billed, { requests: 2, cpuMs: 7 });
  assert.deepEqual(meter.unbilled('boat'), NOTHING);
  assert.equal(meter.spentMs('boat'), 7);
});
