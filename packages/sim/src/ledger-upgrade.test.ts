import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openLedger } from '../../boat/src/ledger/ledger.ts';
import {
  EARLIER_VERSIONS,
  type EarlierVersion,
  writeEarlierLedger,
} from '../../boat/src/testing/earlier-ledger.ts';
import { createSimDatabases } from './databases.ts';
import { DiskMedium } from './disk-medium.ts';
import { createSimRandom } from './random.ts';
import { createPower, PowerLost } from './power.ts';

const FOLDER = '/opt/d3kos/data/exports';
const LEDGER = `${FOLDER}/exports.db`;

/**
 * Runs an upgrade in which power fails at step `cutAt`, and then a start. Returns false if the upgrade ended before that step.
 */
function upgradeWithCut(cutAt: number, version: EarlierVersion): boolean {
  const random = createSimRandom(version);
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
    const observed = writeEarlierLedger(before.world.openLedger(LEDGER), version);
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
    assert.deepEqual(queue.counts(), { pending: 3, uploading: 0, completed: 1, failed: 2 });
    assert.deepEqual(
      [2, 5].map((entryNo) => queue.parts(entryNo).map(({ acknowledged }) => acknowledged)),
      observed.parts,
    );
    assert.deepEqual(progress.cursorOf('boatlog', 'main'), observed.cursors[0]);
    assert.deepEqual([facts.ledgerId, facts.nextSequence()], [observed.ledgerId, observed.nextSequence]);
    after.power.cut();
    return wasCut;
  } finally {
    databases.close();
  }
}

for (const version of EARLIER_VERSIONS)
  test(`a power cut at any step of an upgrade from version ${version} loses nothing in the ledger`, () => {
    let cutAt = 1;
    while (upgradeWithCut(cutAt, version)) cutAt += 1;
    assert.ok(cutAt > 2, `power failed ${cutAt - 1} times`);
  });
