import assert from 'node:assert/strict';
import { findGaps } from '@d3kos/central';
import { INSTALLATION } from '../tests/support/boat-in-process.ts';
import { deliverEverything } from '../tests/support/deliver-everything.ts';
import { type CentralPlace, type RunningDaemon, withCentralStore } from '../tests/support/processes.ts';
import { assertCentralHolds, exportsAtCentral, readRecordsOfBoat } from '../tests/support/records-of-boat.ts';

/**
 * Delivers all waiting exports, stops the daemon, and asserts that the crashes broke no promise. Each acknowledged export must be
 * in the history, and no export may be failed or stuck. Central must hold exactly the exports in the history, and each record of
 * the boat once, without gaps. Returns the number of delivered exports.
 */
export async function assertAllArrived(
  daemon: Pick<RunningDaemon, 'request' | 'output' | 'stop'>,
  central: CentralPlace,
  root: string,
  acknowledged: readonly string[],
): Promise<number> {
  const delivered = await deliverEverything(daemon);
  assert.deepEqual(
    acknowledged.filter((exportId) => !delivered.has(exportId)),
    [],
    'every acknowledged export is in the history',
  );
  assert.equal(await daemon.stop(), 0);
  await withCentralStore(central, async (store) => {
    await assertCentralHolds(store, INSTALLATION, readRecordsOfBoat(root), {
      engine_benchmark: 2,
      qr_codes: 2,
      settings: 1,
      onboarding: 1,
    });
    assert.deepEqual(
      await exportsAtCentral(store, INSTALLATION),
      [...delivered].sort(),
      'central holds exactly the exports in the history',
    );
    assert.deepEqual((await findGaps(store, INSTALLATION)).missing_sequences, []);
  });
  return delivered.size;
}
