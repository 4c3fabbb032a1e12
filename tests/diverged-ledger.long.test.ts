import assert from 'node:assert/strict';
import { cpSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { after, before } from 'node:test';
import { recordTable } from '@d3kos/central';
import type { Category } from '@d3kos/protocol';
import { INSTALLATION, prepareBoat } from './support/boat-in-process.ts';
import { untilDrained } from './support/deliver-everything.ts';
import {
  type CentralPlace,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type RunningDaemon,
  startCentral,
  startDaemon,
  withCentralStore,
} from './support/processes.ts';

const OPERATOR_TOKEN = 'operator-token-1234';
const processes = createProcesses({ after });
let central: CentralPlace;
let image: string;

/** Adds a boatlog entry and changes an alert and the version. The resulting state differs from any earlier one. */
function change(root: string, text: string): void {
  const log = new DatabaseSync(join(root, 'data/boatlog/boatlog.db'));
  log
    .prepare("INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (?, 'auto', ?)")
    .run(`2026-10-01T10:00:00.${String((changes += 1)).padStart(3, '0')}Z`, text);
  log.close();
  const issues = new DatabaseSync(join(root, 'data/self-healing/issues.db'));
  issues.prepare('UPDATE issues SET status = ? WHERE id = (SELECT min(id) FROM issues)').run(text);
  issues.close();
  writeFileSync(join(root, 'config/version.txt'), text);
}
let changes = 0;

/** Returns the contents of a boat's sources: boatlog contents, alert states, and the version. */
function readSources(root: string, version: string) {
  const read = (file: string, sql: string): readonly string[] => {
    const db = new DatabaseSync(join(root, file), { readOnly: true });
    const rows = db.prepare(sql).all();
    db.close();
    return rows.map((row) => String(row['text'])).sort();
  };
  return {
    boatlog: read('data/boatlog/boatlog.db', 'SELECT content AS text FROM boatlog_entries'),
    system_alerts: read('data/self-healing/issues.db', "SELECT id || ' ' || status AS text FROM issues"),
    settings: [version],
  };
}

/** Returns the same facts as central holds them. */
async function readHeld() {
  return withCentralStore(central, async (store) => {
    const held = async (category: Category, text: string): Promise<readonly string[]> => {
      const rows = await store.query(
        `select ${text} as text from ${recordTable(category)} where installation_id = $1::text and ${text} is not null`,
        [INSTALLATION],
      );
      return rows.map((row) => String(row['text'])).sort();
    };
    return {
      boatlog: await held('boatlog', "record ->> 'content'"),
      system_alerts: await held(
        'system_alerts',
        "case when record_id like 'issues:%' then split_part(substr(record_id, 8), '@', 1) || ' ' || (record ->> 'status') end",
      ),
      settings: await held('settings', "record ->> 'version'"),
    };
  });
}

async function start(root: string): Promise<RunningDaemon> {
  return startDaemon(processes, { root, port: await freePort(), centralUrl: central.url });
}

async function exportAll(daemon: RunningDaemon, type = 'incremental'): Promise<string> {
  const { json } = await daemon.request('POST', '/export/generate', { type });
  assert.equal(json['queued'], true, JSON.stringify(json));
  await untilDrained(daemon);
  return String(json['export_type']);
}

/** Returns the members that `whole` lacks. */
const missingFrom = (whole: readonly string[], members: readonly string[]) =>
  members.filter((member) => !whole.includes(member));

before(async () => {
  central = await placeCentral(processes);
  const root = join(processes.folder('diverged'), 'boat');
  prepareBoat({ root, rows: 20 }, await enrollAt(central, INSTALLATION));
  await startCentral(processes, central, { CENTRAL_OPERATOR_TOKEN: OPERATOR_TOKEN });
  const daemon = await start(root);
  await exportAll(daemon, 'full');
  assert.equal(await daemon.stop(), 0);
  image = join(root, '..', 'image');
  cpSync(root, image, { recursive: true, preserveTimestamps: true });
});

test("a card that is restored from an image continues in a new ledger, and central ends up with the same records as the boat's sources", async () => {
  const root = join(image, '..', 'boat');
  const weeks = await start(root);
  for (const week of [1, 2, 3, 4, 5]) {
    change(root, `week ${week}`);
    await exportAll(weeks);
  }
  assert.equal(await weeks.stop(), 0);
  assert.deepEqual((await readHeld()).settings, ['week 5']);

  renameSync(root, `${root}-dead`);
  cpSync(image, root, { recursive: true, preserveTimestamps: true });
  const restored = await start(root);
  const changedFile = new DatabaseSync(join(root, 'data/boatlog/boatlog.db'));
  changedFile
    .prepare(
      "INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES ('2026-10-02T00:00:00Z', 'auto', 'restored')",
    )
    .run();
  changedFile.close();
  writeFileSync(join(root, 'config/version.txt'), 'restored');
  await exportAll(restored);
  const { json: status } = await restored.request('GET', '/export/status');
  const ledger = status['ledger'] as { change: Record<string, unknown> | null };
  assert.deepEqual([ledger.change?.['renumbered_exports'], ledger.change?.['full_export_due']], [1, true]);
  const { json: doctor } = await restored.request('GET', '/export/doctor');
  assert.match(JSON.stringify(doctor['findings']), /restored from an image or copied/);
  assert.match(restored.output(), /The boat began the ledger [0-9a-f]{16}/);
  const { json: history } = await restored.request('GET', '/export/history?limit=1');
  assert.match(JSON.stringify(history['exports']), /LEDGER_DIVERGED/);
  // Central holds the records of this export immediately, and all others after the next export, which is full.
  const atOnce = await readHeld();
  assert.deepEqual(atOnce.settings, ['restored']);
  assert.ok(atOnce.boatlog.includes('restored'));

  assert.equal(await exportAll(restored), 'full');
  const sources = readSources(root, 'restored');
  const held = await readHeld();
  assert.deepEqual(held.system_alerts, sources.system_alerts);
  assert.deepEqual(held.settings, sources.settings);
  assert.deepEqual(missingFrom(held.boatlog, sources.boatlog), []);
  // Central keeps the entries that were lost with the card.
  assert.deepEqual(
    missingFrom(sources.boatlog, held.boatlog),
    [1, 2, 3, 4, 5].map((week) => `week ${week}`),
  );
  change(root, 'later');
  assert.equal(await exportAll(restored), 'incremental');
  assert.deepEqual((await readHeld()).settings, ['later']);
  assert.equal(await restored.stop(), 0);
});

test('central holds the records of two boats with copies of one card, and the operator is warned', async () => {
  const roots = ['first', 'second'].map((name) => join(image, '..', name));
  for (const root of roots) cpSync(image, root, { recursive: true, preserveTimestamps: true });
  const daemons = await Promise.all(roots.map(start));
  for (const round of [1, 2, 3])
    for (const [at, daemon] of daemons.entries()) {
      change(roots[at] ?? '', `round ${round} of boat ${at}`);
      await exportAll(daemon);
      assert.deepEqual((await readHeld()).settings, [`round ${round} of boat ${at}`]);
    }
  const held = await readHeld();
  for (const root of roots) assert.deepEqual(missingFrom(held.boatlog, readSources(root, '').boatlog), []);

  const environment = { CENTRAL_DATA_DIR: central.dataDir };
  const show = await processes.run('central', ['show', INSTALLATION], environment);
  assert.match(show.output, /WARNING: \d ledgers of .* concurrently/);
  const list = await processes.run('central', ['list'], environment);
  assert.match(list.output, /\d machines/);
  const authorization = { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } };
  const boat = await fetch(`${central.url}/api/v1/fleet/installations/${INSTALLATION}`, authorization);
  const details = (await boat.json()) as { readonly boat: { readonly concurrent_ledgers: number } };
  assert.ok(details.boat.concurrent_ledgers >= 2);
  const metrics = await (await fetch(`${central.url}/metrics`)).text();
  assert.match(metrics, /^d3kos_central_installations_concurrent 1$/m);
  const status = await fetch(
    `${central.url}/api/v1/data/export/status?installation_id=${INSTALLATION}`,
    authorization,
  );
  assert.ok(((await status.json()) as { concurrent_ledgers: number }).concurrent_ledgers >= 2);
  for (const daemon of daemons) assert.equal(await daemon.stop(), 0);
});
