import assert from 'node:assert/strict';
import test from 'node:test';
import { runSeed } from './run-seed.ts';
import { openCentralDatabase } from './simulated-central.ts';
import { testSeeds } from './testing/test-seeds.ts';

testSeeds(1, 6);

test('a seed that keeps every promise breaks one on a card that ignores fsync', async () => {
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
