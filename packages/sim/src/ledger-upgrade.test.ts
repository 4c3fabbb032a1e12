import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLedger } from '../../boat/src/ledger/ledger.ts';
import { writeLedgerOfVersion3 } from '../../boat/src/testing/ledger-of-version-3.ts';
import { createSimDatabases } from './databases.ts';
import { DiskMedium } from './disk-medium.ts';
import { createSimRandom } from './random.ts';
import { createPower, PowerLost } from './power.ts';

const FOLDER = '/opt/d3kos/data/exports';
const LEDGER = `${FOLDER}/exports.db`;

/** Upgrades a ledger with a power cut at the `cutAt`-th step, and starts again. Returns false if there is no such step. */
function upgradeWithCut(cutAt: number, seed: number): boolean {
  const random = createSimRandom(seed);
  const medium = new DiskMedium();
  medium.makeDirectory(FOLDER);
  const databases = createSimDatabases(medium);
  databases.realPath(LEDGER);
  const boot = (at: number, stage: string) => {
    const power = createPower(({ number }) => number === at);
    return { power, world: databases.boot(power, random.fork(`${stage} ${cutAt}`), () => 0) };
  };
  try {
    const before = boot(0, 'before');
    writeLedgerOfVersion3(before.world.openLedger(LEDGER));
    before.power.cut();
    const during = boot(cutAt, 'during');
    let wasCut = false;
    try {
      openLedger(during.world.openLedger(LEDGER), () => '');
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
      wasCut = true;
    }
    during.power.cut();
    const after = boot(0, 'after');
    const database = after.world.openLedger(LEDGER);
    const { queue, progress, facts } = openLedger(database, () => '');
    assert.equal(database.db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'], 'ok');
    assert.deepEqual(queue.counts(), { pending: 1, uploading: 0, completed: 1, failed: 1 });
    assert.deepEqual(
      [2, 3, 4].map((entryNo) => queue.parts(entryNo).length),
      [2, 0, 2],
    );
    assert.equal(progress.cursorOf('boatlog', 'main')?.position, 50);
    assert.deepEqual([facts.ledgerId, facts.nextSequence()], ['00112233445566ff', 6]);
    after.power.cut();
    return wasCut;
  } finally {
    databases.close();
  }
}

test('a power cut at any step of a ledger upgrade loses nothing', () => {
  let cuts = 0;
  for (const seed of [1, 2, 3]) {
    let cutAt = 1;
    while (upgradeWithCut(cutAt, seed)) cutAt += 1;
    cuts += cutAt - 1;
  }
  assert.ok(cuts >= 9, `power failed ${cuts} times`);
});
