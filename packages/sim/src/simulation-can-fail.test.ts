import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { createWorkingCopy } from '../../../mutation/working-copy.ts';
import { openCentralDatabase, runSeed } from './run-seed.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SEEDS = 6;
const DAYS = 3;
const BOUND = { timeout: 5 * 60_000 };

test(
  'with a card that ignores fsync seeds fail, and the same seeds are clean on an honest one',
  BOUND,
  async () => {
    const database = await openCentralDatabase();
    try {
      let broken = 0;
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { violations } = await runSeed(database, seed, DAYS, { fsync: 'ignored' });
        if (violations.length > 0) broken += 1;
        assert.deepEqual((await runSeed(database, seed, DAYS)).violations, []);
      }
      assert.ok(broken > 0, 'the simulation sees what an unsynced card loses');
    } finally {
      await database.close();
    }
  },
);

/** Where an answer is judged; with this line before it every 2xx is taken for central's receipt, as the seed did. */
const JUDGED = '  const json = parseJsonBytes(body.bytes);\n';
const BELIEVED = `  if (status >= 200 && status < 300)
    return {
      kind: 'receipt',
      offers: [],
      receipt: {
        status: 'success',
        import_id: 'believed',
        export_id: sent.exportId,
        part: sent.part,
        sha256: '0'.repeat(64),
        records_imported: {},
        rejected_records: [],
        duplicate: false,
        timestamp: '',
      },
    };
`;

test('with the receipt check off seeds fail, and the unchanged copy is clean', BOUND, () => {
  const copy = createWorkingCopy(ROOT);
  try {
    const file = 'packages/boat/src/deliver/send-part.ts';
    const text = copy.read(file);
    assert.equal(text.split(JUDGED).length, 2, 'the line stands where it is to be mutated');
    const simulate = () =>
      spawnSync(
        process.execPath,
        [
          '--conditions=development',
          'packages/sim/src/main.ts',
          '--seeds',
          String(SEEDS),
          '--days',
          String(DAYS),
        ],
        { cwd: copy.root, encoding: 'utf8', timeout: BOUND.timeout },
      );
    copy.write(file, text.replace(JUDGED, `${BELIEVED}${JUDGED}`));
    const believing = simulate();
    assert.equal(believing.status, 1, believing.stderr);
    assert.match(believing.stdout, /BROKEN/);
    copy.write(file, text);
    const checking = simulate();
    assert.equal(checking.status, 0, checking.stdout);
  } finally {
    copy.remove();
  }
});
