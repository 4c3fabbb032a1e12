import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { INSTALLATION, inTemporaryFolder } from './boat-in-process.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { type LinkedBoat, type LinkedBoatOptions, startLinkedBoat } from './linked-boat.ts';
import {
  type CentralPlace,
  createProcesses,
  enrollAt,
  placeCentral,
  startCentral,
  withCentralStore,
} from './processes.ts';

/** A real central with one enrolled boat, for all tests in a file. */
export interface LinkedCentral {
  readonly place: CentralPlace;
  readonly token: string;
  /** Runs `work` with a new boat and its link to central. */
  overLink(
    options: Partial<LinkedBoatOptions>,
    work: (boat: LinkedBoat, link: FaultProxy) => Promise<void>,
  ): Promise<void>;
  /** Returns the number of an export's parts that central holds. Fails if central counted a part twice. */
  storedParts(exportId: string): Promise<number>;
  /** Returns the number of boatlog rows that central counted in an export's parts. */
  countedRows(exportId: string): Promise<number>;
}

/** Starts central before the tests of the calling file and stops it after them. */
export function useLinkedCentral(): () => LinkedCentral {
  const processes = createProcesses({ after });
  let central: LinkedCentral | undefined;
  before(async () => {
    const place = await placeCentral(processes);
    const token = await enrollAt(place, INSTALLATION);
    await startCentral(processes, place);
    central = toLinkedCentral(place, token);
  });
  return () => central ?? assert.fail('central is started by the hook before the tests');
}

function toLinkedCentral(place: CentralPlace, token: string): LinkedCentral {
  return {
    place,
    token,
    overLink: (options, work) =>
      inTemporaryFolder('links', async (root) => {
        const link = await startFaultProxy(place.port);
        const boat = await startLinkedBoat({ root, centralUrl: link.url, token, ...options });
        try {
          await work(boat, link);
        } finally {
          await boat.stop();
          await link.close();
        }
      }),
    storedParts: (exportId) =>
      withCentralStore(place, async (store) => {
        const [row] = await store.query(
          `select (select count(*)::int from imports where export_id = $1::text) as parts,
                  (select documents::int from installations where installation_id = $2::text) as counted,
                  (select count(*)::int from imports where installation_id = $2::text) as held`,
          [exportId, INSTALLATION],
        );
        assert.equal(row?.['counted'], row?.['held'], 'central counted each stored part once');
        return Number(row?.['parts']);
      }),
    countedRows: (exportId) =>
      withCentralStore(place, async (store) => {
        const [row] = await store.query(
          `select sum((receipt #>> '{records_imported,boatlog}')::int)::int as rows from imports where export_id = $1::text`,
          [exportId],
        );
        return Number(row?.['rows']);
      }),
  };
}
