import assert from 'node:assert/strict';
import test from 'node:test';
import { runEveryOperation } from './every-operation.ts';
import { openCentralDatabase } from './simulated-central.ts';
import { parsePoint, toPointText } from './small-scenario.ts';

/** The long tier runs many more points. This share includes every way of cutting the power. */
const SHARE = { every: 367, from: 5 };

async function tryPoints(share: typeof SHARE) {
  const database = await openCentralDatabase();
  try {
    return await runEveryOperation(database, share);
  } finally {
    await database.close();
  }
}

test('a power cut at any operation of the small scenario breaks no promise', async (t) => {
  const { operations, runs, pageRuns, runsAgain, broken } = await tryPoints(SHARE);
  t.diagnostic(
    `${runs} cuts at an operation, ${pageRuns} after a page that SQLite wrote, ${runsAgain} cut again`,
  );
  assert.deepEqual(
    broken.map(({ point, violations }) => [`npm run sim -- --at ${toPointText(point)}`, ...violations]),
    [],
  );
  for (const op of [
    'disk.create',
    'disk.write',
    'disk.sync',
    'disk.rename',
    'disk.unlink',
    'disk.make-directory',
    'disk.sync-directory',
    'ledger.open',
    'ledger.begin',
    'ledger.commit',
    'ledger.committing',
    'ledger.committed',
    'ledger.checkpoint',
    'ledger.close',
  ])
    assert.ok((operations.get(op) ?? 0) > 0, `the scenario has ${op}`);
  assert.ok(runs > 2 && pageRuns > 0 && runsAgain > 0, 'power was cut in every possible way');
});

test('a point can be parsed from its text', () => {
  for (const text of ['1.17-lost', '1.40-p3', '2.9-torn+4', '1.1-kept'])
    assert.equal(toPointText(parsePoint(text)), text);
  assert.throws(() => parsePoint('1-lost'), RangeError);
  assert.throws(() => parsePoint('1.0-lost'), RangeError);
});
