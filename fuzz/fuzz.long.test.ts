import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { runTargets } from './run-targets.ts';
import { TARGETS } from './targets.ts';

/** Total time for all targets, in seconds. */
const SECONDS = 64;

test('a minute of generated inputs finds no fault in any parser of external bytes', async (context) => {
  const seed = randomInt(2 ** 30);
  context.diagnostic(`seed ${seed}`);
  const names = TARGETS.map(({ name }) => name);
  for await (const { target, facts, finding } of runTargets(names, { seconds: SECONDS, seed })) {
    context.diagnostic(`${target}: ${facts?.executions} inputs, ${facts?.growths} growing strings`);
    const start = Buffer.from(finding?.input.subarray(0, 2_000) ?? []).toString('base64');
    assert.equal(finding, undefined, `${target}, seed ${seed}: ${finding?.reason}\n${start}`);
  }
});
