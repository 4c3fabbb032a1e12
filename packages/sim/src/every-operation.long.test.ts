import assert from 'node:assert/strict';
import test from 'node:test';
import { runEveryOperation } from './every-operation.ts';
import { openCentralDatabase } from './simulated-central.ts';
import { toPointText } from './small-scenario.ts';

/** Timeout for one test's points, which take twelve minutes on an idle core. */
const POINTS_MAX_MS = 60 * 60_000;
/**
 * `npm run sim -- --every-operation` runs all points in half an hour. A third of them covers every kind of operation several
 * times.
 */
const SHARE = { every: 3, from: 1 };
/** A few points are enough to detect a defective card. */
const FEW = { every: 181, from: 5 };

test(
  'a power cut at a third of the operations of the small scenario breaks no promise',
  { timeout: POINTS_MAX_MS },
  async (t) => {
    const database = await openCentralDatabase();
    try {
      const { runs, pageRuns, runsAgain, broken } = await runEveryOperation(database, SHARE);
      t.diagnostic(
        `${runs} cuts at an operation, ${pageRuns} after a page that SQLite wrote, ${runsAgain} cut again`,
      );
      assert.deepEqual(
        broken.map(({ point, violations }) => [`npm run sim -- --at ${toPointText(point)}`, ...violations]),
        [],
      );
      assert.ok(runs > 400 && pageRuns > 200 && runsAgain > 80, 'power was cut in each possible way');
    } finally {
      await database.close();
    }
  },
);

test(
  'on a card that does not sync directories, power cuts break promises',
  { timeout: POINTS_MAX_MS },
  async () => {
    const database = await openCentralDatabase();
    try {
      const { broken } = await runEveryOperation(database, FEW, { defect: { fsync: 'files_only' } });
      assert.notDeepEqual(broken, []);
    } finally {
      await database.close();
    }
  },
);
