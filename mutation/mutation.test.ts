import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { runTests } from './run-tests.ts';
import { type Mutant, mutateText } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { tryMutant } from './try-mutant.ts';
import { createWorkingCopy } from './working-copy.ts';

const root = join(import.meta.dirname, '..');

/** Timeout for a run of the quick test files used here. */
const LIMIT_MS = 60_000;

test('the text of every mutant occurs in its file exactly once, and its tests exist', () => {
  for (const mutant of MUTANTS) {
    const { name, file, before, after, killedBy } = mutant;
    const mutated = mutateText(readFileSync(join(root, file), 'utf8'), mutant);
    assert.equal(mutated.kind, 'mutated', `"${name}": its text must occur in ${file} once`);
    assert.notEqual(before, after, name);
    assert.ok(killedBy.length > 0, name);
    for (const tests of killedBy) assert.ok(existsSync(join(root, tests)), `"${name}" names ${tests}`);
  }
  assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length, 'names are unique');
  assert.ok(MUTANTS.length >= 20);
});

test('original code that is missing, or occurs twice, is reported', () => {
  const mutant: Mutant = { name: 'x', file: 'x', before: 'b', after: '', killedBy: [] };
  assert.deepEqual(mutateText('abc', mutant), { kind: 'mutated', text: 'ac' });
  assert.deepEqual(mutateText('ac', mutant), { kind: 'misplaced', times: 0 });
  assert.deepEqual(mutateText('abcb', mutant), { kind: 'misplaced', times: 2 });
});

test('a mutant is killed, a harmless change survives, and the copy is restored after both', async (t) => {
  const copy = createWorkingCopy(root);
  t.after(() => copy.remove());
  const harmful: Mutant = {
    name: 'a revoked token is accepted',
    file: 'packages/central/src/installations/policy.ts',
    before: 'return !facts.isEnded;',
    after: 'return true;',
    killedBy: ['packages/central/src/installations/policy.test.ts'],
  };
  const harmless: Mutant = { ...harmful, after: 'return facts.isEnded === false;' };
  const original = copy.read(harmful.file);
  const tryIt = (mutant: Mutant) => tryMutant(copy, mutant, LIMIT_MS, () => []);
  assert.deepEqual(await tryIt(harmful), {
    kind: 'killed',
    by: 'accepts only a token that was issued and not revoked, for an installation that is not disabled',
  });
  assert.deepEqual(await tryIt(harmless), { kind: 'survived' });
  assert.equal(copy.read(harmful.file), original);
  assert.equal(readFileSync(join(root, harmful.file), 'utf8'), original, 'the checkout is not changed');
});

test('tests that do not end are killed together with all processes that they started', async (t) => {
  const copy = createWorkingCopy(root);
  t.after(() => copy.remove());
  copy.write(
    'endless.test.ts',
    "import test from 'node:test';\ntest('waits', () => setInterval(() => 0, 1000) && new Promise(() => 0));\n",
  );
  assert.deepEqual(await runTests(copy, ['endless.test.ts'], 2_000), { kind: 'timed_out', limitMs: 2_000 });
});
