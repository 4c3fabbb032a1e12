import assert from 'node:assert/strict';
import test from 'node:test';
import { runEveryOperation } from './every-operation.ts';
import { openCentralDatabase } from './simulated-central.ts';
import { toPointText } from './small-scenario.ts';

/** Timeout for all points. They take nine minutes on an idle core. */
const POINTS_MAX_MS = 60 * 60_000;

test(
  'a power cut at every operation of the small scenario breaks no promise',
  { timeout: POINTS_MAX_MS },
  async (t) => {
    const database = await openCentralDatabase();
    try {
      const { runs, pageRuns, runsAgain, broken } = await runEveryOperation(database, { every: 1, from: 0 });
      t.diagnostic(
        `${runs} cuts at an operation, ${pageRuns} after a page that SQLite wrote, ${runsAgain} cut again`,
      );
      assert.deepEqual(
        broken.map(({ point, violations }) => [`npm run sim -- --at ${toPointText(point)}`, ...violations]),
        [],
      );
      assert.ok(runs > 1_000 && pageRuns > 500 && runsAgain > 200, 'power was cut at every operation');
    } finally {
      await database.close();
    }
  },
);
