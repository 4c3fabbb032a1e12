import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findGaps, recordTable, type Store } from '@d3kos/central';
import { CATEGORIES } from '@d3kos/protocol';
import { addRecords, writeBoat } from '../../packages/sim/src/fixture/index.ts';
import { untilDrained } from './deliver-everything.ts';
import {
  type CentralPlace,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type Processes,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toEnding,
  withCentralStore,
} from './processes.ts';
import { assertCentralHolds, readRecordsOfBoat } from './records-of-boat.ts';

/** The fixture's records in the categories that do not grow. */
const UNCHANGING = { engine_benchmark: 2, qr_codes: 2, settings: 1, onboarding: 1 };

interface BoatAtSea {
  readonly id: string;
  readonly root: string;
  readonly daemon: RunningDaemon;
  /** True if the owner removes the files of delivered exports, so that only the sources hold their records. */
  readonly removesFiles: boolean;
}

/**
 * Central's data folder is restored from a copy while `count` boats are at sea. Every boat then creates one export, after which
 * central must again hold everything that it held before. Half of the boats no longer have the files of the lost exports and
 * therefore also need the next export, which contains the records.
 */
export async function restoreCentralUnder(t: TestContext, count: number): Promise<void> {
  const processes = createProcesses(toEnding(t));
  const central = await placeCentral(processes);
  const places = await prepareFleet(processes, central, count);
  const before = await startCentral(processes, central);
  const boats: BoatAtSea[] = [];
  for (const place of places)
    boats.push({ ...place, daemon: await startBoat(processes, central, place.root) });
  await forEach(boats, ({ daemon }) => exportOnce(daemon, 'full'));
  assert.equal(await before.stop(), 0);
  const backup = join(processes.folder('backup'), 'data');
  cpSync(central.dataDir, backup, { recursive: true, preserveTimestamps: true });

  const later = await startCentral(processes, central);
  for (const day of [1, 2])
    await forEach(boats, async ({ root, daemon }) => {
      addRecords(root, { rows: 10, seed: day });
      await exportOnce(daemon);
    });
  await forEach(
    boats.filter(({ removesFiles }) => removesFiles),
    removeFiles,
  );
  const held = await withCentralStore(central, readHeld);
  assert.equal(await later.stop(), 0);

  rmSync(central.dataDir, { recursive: true });
  cpSync(backup, central.dataDir, { recursive: true, preserveTimestamps: true });
  await startCentral(processes, central);
  const restored = await withCentralStore(central, readHeld);
  assert.ok(restored.imports.length < held.imports.length && restored.records.length < held.records.length);
  await forEach(boats, async (boat) => {
    addRecords(boat.root, { rows: 10, seed: 3 });
    await exportOnce(boat.daemon);
    if (boat.removesFiles) await exportOnce(boat.daemon);
    await assertReported(boat);
  });
  await withCentralStore(central, (store) => assertHealed(store, boats, held));
  for (const { daemon } of boats) assert.equal(await daemon.stop(), 0);
}

async function prepareFleet(processes: Processes, central: CentralPlace, count: number) {
  const folder = processes.folder('fleet');
  const places: Omit<BoatAtSea, 'daemon'>[] = [];
  for (let n = 1; n <= count; n += 1) {
    const id = n.toString(16).padStart(16, '0');
    const root = join(folder, `boat-${n}`);
    writeBoat(root, { generation: 'gen3', rows: 20, seed: n, installationId: id, tier: 2 });
    const token = await enrollAt(central, id);
    writeFileSync(join(root, 'config', 'export-credentials.json'), JSON.stringify({ token }), {
      mode: 0o600,
    });
    places.push({ id, root, removesFiles: n % 2 === 0 });
  }
  return places;
}

async function startBoat(processes: Processes, central: CentralPlace, root: string): Promise<RunningDaemon> {
  return startDaemon(processes, { root, port: await freePort(), centralUrl: central.url });
}

/** Number of boats that work at the same time. More would only wait for the machine's cores. */
const BOATS_AT_ONCE = 4;

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const one = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: BOATS_AT_ONCE }, one));
}

async function exportOnce(daemon: RunningDaemon, type = 'incremental'): Promise<void> {
  const { json } = await daemon.request('POST', '/export/generate', { type });
  assert.equal(json['queued'], true, JSON.stringify(json));
  await untilDrained(daemon);
}

async function removeFiles({ daemon }: BoatAtSea): Promise<void> {
  const { json } = await daemon.request('POST', '/export/queue/cleanup', { completed_older_than_days: 0 });
  assert.equal(json['completed_removed'], 3, JSON.stringify(json));
}

/** Asserts that the status, the metrics and the log show the owner what happened. */
async function assertReported({ daemon, removesFiles }: BoatAtSea): Promise<void> {
  const { json } = await daemon.request('GET', '/export/status');
  const { queued_again, rewound } = json['lost_by_central'] as Record<'queued_again' | 'rewound', number>;
  assert.deepEqual([queued_again, rewound], removesFiles ? [0, 2] : [2, 0]);
  const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
  assert.match(metrics, /^d3kos_export_lost_by_central_total\{action="(queued_again|rewound)"\} 2$/m);
  assert.match(daemon.output(), /Central has lost 2 exports that it had confirmed \(sequence 2, 3\)/);
}

interface Held {
  /** The keys of stored parts, with their bodies' digests. */
  readonly imports: readonly string[];
  /** Every record except telemetry samples, because earlier samples exist only in files. */
  readonly records: readonly string[];
}

async function readHeld(store: Store): Promise<Held> {
  const parts = await store.query(
    "select installation_id || ' ' || idempotency_key || ' ' || sha256 as text from imports order by 1",
  );
  const records: string[] = [];
  for (const category of CATEGORIES.filter((name) => name !== 'telemetry')) {
    const rows = await store.query(
      `select installation_id || ' ${category} ' || record_id as text from ${recordTable(category)} order by 1`,
    );
    records.push(...rows.map(({ text }) => String(text)));
  }
  return { imports: parts.map(({ text }) => String(text)), records };
}

/** Asserts by SQL that central holds everything that it held before, and exactly the records of each boat's sources. */
async function assertHealed(store: Store, boats: readonly BoatAtSea[], before: Held): Promise<void> {
  const after = await readHeld(store);
  const [records, imports] = [new Set(after.records), new Set(after.imports)];
  assert.deepEqual(
    before.records.filter((record) => !records.has(record)),
    [],
  );
  const withFiles = new Set(boats.filter(({ removesFiles }) => !removesFiles).map(({ id }) => id));
  assert.deepEqual(
    before.imports.filter((part) => withFiles.has(part.slice(0, 16)) && !imports.has(part)),
    [],
    'exports whose files were on the card are held under their keys with the same bytes',
  );
  for (const { id, root } of boats) {
    await assertCentralHolds(store, id, readRecordsOfBoat(root), UNCHANGING);
    const { missing_sequences, withdrawn_sequences } = await findGaps(store, id);
    assert.deepEqual([missing_sequences, withdrawn_sequences], [[], withFiles.has(id) ? [] : [2, 3]], id);
  }
}
