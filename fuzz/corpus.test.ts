import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listCorpora, readCorpus } from './corpus.ts';
import { findSuperLinearWork } from './growth.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';

test('every target has kept inputs, and every kept input has a target', () => {
  assert.deepEqual(listCorpora(), TARGETS.map(({ name }) => name).toSorted());
});

for (const target of TARGETS)
  for (const { name, bytes } of readCorpus(target.name))
    test(`holds its invariants for a kept input: ${target.name}/${name}`, () => target.check(bytes));

test('the growth check detects quadratic work and accepts linear work', async () => {
  const text = { start: '', unit: ' ', end: 'x' };
  const [base] = TARGETS;
  assert.ok(base !== undefined);
  const toTarget = (passes: (bytes: Uint8Array) => number): Target => ({
    ...base,
    check(bytes) {
      // A native search would be too fast to measure on some machines.
      let sum = 0;
      for (let pass = 0; pass < passes(bytes); pass += 1) for (const byte of bytes) sum += byte;
      assert.ok(sum > 0);
    },
  });
  assert.match(
    String(
      await findSuperLinearWork(
        toTarget(({ length }) => length / 16),
        text,
      ),
    ),
    /not linear/,
  );
  assert.equal(
    await findSuperLinearWork(
      toTarget(() => 2_000),
      text,
    ),
    undefined,
  );
});
