import assert from 'node:assert/strict';
import { INSTALLATION } from '../tests/support/boat-in-process.ts';
import { type CentralPlace, withCentralStore } from '../tests/support/processes.ts';
import { exportsAtCentral } from '../tests/support/records-of-boat.ts';
import { requestBoat, runOrThrow } from './boat-service.ts';
import type { BoatMachine } from './machine.ts';
import type { Acknowledged } from './work.ts';

/**
 * Asserts the state of a boat that has booted: no systemd unit has failed, the ledger has every acknowledged export, the history
 * has no export twice, and central holds every delivered export in the history.
 */
export async function assertBootedWell(
  machine: BoatMachine,
  central: CentralPlace,
  acknowledged: readonly Acknowledged[],
): Promise<void> {
  assert.equal(await runOrThrow(machine, 'systemctl --failed --no-legend --plain'), '', 'failed units');
  const { json: queue } = await requestBoat(machine, 'GET', '/export/queue');
  const { json: history } = await requestBoat(machine, 'GET', '/export/history?limit=10000');
  // The API tests assert these shapes.
  const waiting = (['pending', 'uploading', 'completed', 'failed'] as const).flatMap(
    (status) => queue[status] as readonly { readonly queue_id: string }[],
  );
  const delivered = history['exports'] as readonly {
    readonly queue_id: string;
    readonly export_id: string;
  }[];
  const known = new Set([...waiting, ...delivered].map((entry) => entry.queue_id));
  assert.deepEqual(
    acknowledged.filter(({ queueId }) => !known.has(queueId)),
    [],
    'the ledger has every acknowledged export',
  );
  const exportIds = delivered.map((entry) => entry.export_id);
  assert.equal(new Set(exportIds).size, exportIds.length, 'no export is in the history twice');
  const held = new Set(await withCentralStore(central, (store) => exportsAtCentral(store, INSTALLATION)));
  assert.deepEqual(
    exportIds.filter((exportId) => !held.has(exportId)),
    [],
    'central holds every delivered export',
  );
}
