import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import fc from 'fast-check';
import { judgeAdmission, mayHold, toImportAdmissionLimits } from './policy.ts';

const limits = toImportAdmissionLimits({ importsMax: 4, installationImportsMax: 2, bodySizeMaxBytes: 1_000 });

test('never admits a request beyond either limit, and names the limit it meets', () => {
  const property = fc.property(fc.nat(20), fc.nat(4), (waiting, installationRequests) => {
    const verdict = judgeAdmission({ waiting, installationRequests }, limits);
    assert.equal(verdict === 'admitted', waiting < 16 && installationRequests < 2);
    assert.equal(verdict === 'installation_busy', installationRequests >= 2);
  });
  fc.assert(property);
  assert.equal(judgeAdmission({ waiting: 15, installationRequests: 1 }, limits), 'admitted');
  assert.equal(judgeAdmission({ waiting: 16, installationRequests: 1 }, limits), 'node_busy');
});

test('bounds the bytes in memory by the largest body times the concurrent imports', () => {
  assert.equal(mayHold(3_000, 1_000, limits), true);
  assert.equal(mayHold(3_000, 1_001, limits), false);
});
