import { AssertionError } from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { assertAllArrived } from '../crash/all-arrived.ts';
import { deliverEverything } from '../tests/support/deliver-everything.ts';
import type { Builder } from './builder.ts';
import { startOnHost } from './host-daemon.ts';
import type { Shore } from './shore.ts';
import type { Acknowledged } from './work.ts';

/** A boat's folder, copied from its card after the power failed. */
export interface CopiedBoat {
  readonly root: string;
}

/**
 * Copies the boat's folder from a card. `e2fsck` first replays the journal, as mounting would, so nothing has to be mounted on
 * the host. Throws if the file system has damage that the journal cannot repair.
 */
export async function copyBoat(
  builder: Builder,
  { image, folder, token }: { readonly image: string; readonly folder: string; readonly token: string },
): Promise<CopiedBoat> {
  const root = join(folder, 'd3kos');
  rmSync(root, { recursive: true, force: true });
  const name = image.slice(image.lastIndexOf('/') + 1);
  // Exit code 1 means that e2fsck has replayed the journal, or corrected errors that a boot would correct as well.
  await builder.run(
    `e2fsck -p /lab/${name} >/lab/e2fsck.log || [ $? -eq 1 ]
debugfs -R 'rdump /opt/d3kos /lab' /lab/${name}
[ -d /lab/d3kos/data ]`,
    { '/lab': folder },
  );
  // The boat's own copy is not durable: the lab wrote it just before the work began.
  writeFileSync(join(root, 'config', 'export-credentials.json'), JSON.stringify({ token }), { mode: 0o600 });
  for (const file of SOURCES) recoverSource(join(root, file));
  return { root };
}

/** The databases that the boat's other services write. */
const SOURCES = ['data/boatlog/boatlog.db', 'data/self-healing/issues.db', 'data/marine-vision/captures.db'];

/**
 * Rolls back the uncommitted changes of the boat's services, as their next start would. The export manager only reads these
 * databases.
 */
function recoverSource(path: string): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('BEGIN IMMEDIATE; ROLLBACK');
  } finally {
    db.close();
  }
}

/**
 * Delivers everything from the copied folder, and asserts that the power cut broke no promise: every acknowledged export is
 * delivered, and central holds exactly the exports in the history and the sources' records, each once. Returns the number
 * of delivered exports.
 */
export async function assertNothingLost(
  builder: Builder,
  boat: CopiedBoat,
  shore: Shore,
  acknowledged: readonly Acknowledged[],
): Promise<number> {
  const daemon = await startOnHost(builder, boat, shore.central.url);
  const exportIds = acknowledged.map(({ exportId }) => exportId);
  try {
    return await assertAllArrived(daemon, shore.central, boat.root, exportIds);
  } finally {
    await daemon.stop();
  }
}

/**
 * Delivers as much as possible from the copied folder. Returns the acknowledged exports that are still not delivered. An export
 * whose file is missing has failed: its records are sent again with the next export, but the export is lost.
 */
export async function findLost(
  builder: Builder,
  boat: CopiedBoat,
  shore: Shore,
  acknowledged: readonly Acknowledged[],
): Promise<readonly Acknowledged[]> {
  const daemon = await startOnHost(builder, boat, shore.central.url);
  const json = await readHistoryAfterDelivery(daemon).finally(() => daemon.stop());
  // The API tests assert this shape.
  const history = json['exports'] as readonly { readonly export_id: string }[];
  const delivered = new Set(history.map((entry) => entry.export_id));
  return acknowledged.filter(({ exportId }) => !delivered.has(exportId));
}

type HostDaemon = Awaited<ReturnType<typeof startOnHost>>;

async function readHistoryAfterDelivery(daemon: HostDaemon): Promise<Readonly<Record<string, unknown>>> {
  await deliverEverything(daemon).catch((error: unknown) => {
    // It asserts that no export has failed.
    if (!(error instanceof AssertionError)) throw error;
  });
  return (await daemon.request('GET', '/export/history?limit=10000')).json;
}
