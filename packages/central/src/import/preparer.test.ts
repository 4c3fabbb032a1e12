import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { chargeWork, createInlinePreparer } from './preparer.ts';

test('measures work that fails, and charges it before its error is thrown', async () => {
  let nowMs = 0;
  const unreadable = {
    get bytes(): Uint8Array {
      nowMs += 40;
      throw new Error('a defect');
    },
    sha256: '',
    installationId: undefined,
    idempotencyKey: undefined,
  };
  const worked = await createInlinePreparer(() => nowMs).prepare(unreadable, () => 0);
  const charged: number[] = [];
  assert.throws(() => chargeWork(worked, (cpuMs) => charged.push(cpuMs)), /a defect/);
  assert.deepEqual(charged, [40]);
});
