import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { createWorkingCopy } from '../../../mutation/working-copy.ts';
import { runSeed } from './run-seed.ts';
import { openCentralDatabase } from './simulated-central.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const SEEDS = 6;
const DAYS = 3;
const BOUND = { timeout: 30 * 60_000 };

test('on a card that ignores fsync, seeds fail; on a reliable card the same seeds pass', BOUND, async () => {
  const database = await openCentralDatabase();
  try {
    let broken = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { violations } = await runSeed(database, seed, { days: DAYS, defect: { fsync: 'ignored' } });
      if (violations.length > 0) broken += 1;
      assert.deepEqual((await runSeed(database, seed, { days: DAYS })).violations, []);
    }
    assert.ok(broken > 0, 'the simulation detects the losses caused by a card that ignores fsync');
  } finally {
    await database.close();
  }
});

/**
 * The line that recognises central's answer. If BELIEVED is inserted before it, every 2xx counts as a receipt, as in the legacy
 * exporter.
 */
const RECOGNISED = '  const answer = recogniseAnswer(toPartAnswer(response, body, sent.centralUrl));\n';
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

test('without the receipt check, seeds fail; in the unchanged copy they pass', BOUND, () => {
  const copy = createWorkingCopy(ROOT);
  try {
    const file = 'packages/boat/src/deliver/send-part.ts';
    const text = copy.read(file);
    assert.equal(text.split(RECOGNISED).length, 2, 'the line to be changed occurs once in the file');
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
    copy.write(file, text.replace(RECOGNISED, `${BELIEVED}${RECOGNISED}`));
    const unchecked = simulate();
    assert.equal(unchecked.status, 1, unchecked.stderr);
    assert.match(unchecked.stdout, /BROKEN/);
    copy.write(file, text);
    const checked = simulate();
    assert.equal(checked.status, 0, checked.stdout);
  } finally {
    copy.remove();
  }
});
