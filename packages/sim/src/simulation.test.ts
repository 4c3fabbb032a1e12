import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeed } from './run-seed.ts';
import { openCentralDatabase } from './simulated-central.ts';
import { testSeeds } from './testing/test-seeds.ts';

testSeeds(1, 6);

test('on a card that ignores fsync, a seed breaks a promise; otherwise it keeps it', async () => {
  const database = await openCentralDatabase();
  try {
    assert.deepEqual((await runSeed(database, 1, { days: 3 })).violations, []);
    assert.notDeepEqual(
      (await runSeed(database, 1, { days: 3, defect: { fsync: 'ignored' } })).violations,
      [],
    );
  } finally {
    await database.close();
  }
});
