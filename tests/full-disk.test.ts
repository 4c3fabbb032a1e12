import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import {
  mountReadOnlyView,
  mountSmallFileSystem,
} from '../packages/boat/src/platform/contract/small-file-system.ts';
import { prepareBoat } from './support/boat-in-process.ts';
import {
  type BoatPlace,
  createProcesses,
  freePort,
  NO_SERVER,
  type Processes,
  type RunningDaemon,
  startDaemon,
  toBoatEnvironment,
  toEnding,
} from './support/processes.ts';
import { until } from './support/until.ts';

const MEGABYTE = 1024 * 1024;
/** Size of a card that fills up after a few exports. */
const CARD_BYTES = 64 * MEGABYTE;
const PAGE_BYTES = 4096;
/** Free pages in addition to the export's file: fewer than the ledger needs for the digests, about as many, and more. */
const MARGINS_PAGES = [2, 8, 32, 64, 256, 2_048];
/** Upper bound for the size of an export file without its records. */
const FRAME_BYTES = 8 * 1024;

/** Places a boat on a separate real file system. Skips the test and returns undefined if this machine cannot mount one. */
function placeOnSmallCard(
  t: TestContext,
  processes: Processes,
  environment: Readonly<Record<string, string>>,
): (BoatPlace & { readonly ballast: string }) | undefined {
  const card = mountSmallFileSystem(CARD_BYTES);
  if (card.kind === 'unavailable') {
    t.skip(card.reason);
    return undefined;
  }
  processes.atEnd(() => card.unmount());
  const root = join(card.path, 'boat');
  prepareBoat({ root, rows: 3_000 });
  return {
    root,
    port: 0,
    centralUrl: NO_SERVER,
    environment,
    ballast: join(card.path, 'ballast'),
  };
}

/** Fills the card until only `leftBytes` are free, or a page less. */
function fill(ballast: string, leftBytes: number): void {
  const { bavail, bsize } = statfsSync(join(ballast, '..'));
  const bytes = bavail * bsize - leftBytes;
  assert.ok(bytes > 0, `${bavail * bsize} bytes are free, but ${leftBytes} were expected`);
  try {
    writeFileSync(ballast, Buffer.alloc(bytes));
  } catch (error) {
    // The file system may reserve some of the space that it reports as free, in which case the card is already full.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

/** Adds `count` alerts. Each digest is also a row of the ledger, so the export needs space in addition to its file. */
function addAlerts(root: string, count: number): void {
  const db = new DatabaseSync(join(root, 'data/self-healing/issues.db'));
  try {
    db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
             INSERT INTO issues (timestamp, category, severity, description)
             SELECT '2026-05-01T00:00:00', 'cpu', 'info', 'Usage above threshold' FROM n`);
  } finally {
    db.close();
  }
}

async function previewedBytes(daemon: RunningDaemon): Promise<number> {
  const { json } = await daemon.request('GET', '/export/preview?type=full');
  // The API tests check the keys of GET /export/preview.
  const categories = Object.values(json['categories'] as Record<string, { size_bytes: number }>);
  return categories.reduce((sum, { size_bytes: bytes }) => sum + bytes, 0);
}

const generate = (daemon: RunningDaemon, type: 'full' | 'incremental') =>
  daemon.request('POST', '/export/generate', { type });
const filesOf = (place: BoatPlace) => readdirSync(join(place.root, 'data', 'exports', 'exports')).sort();

async function queued(daemon: RunningDaemon): Promise<readonly string[]> {
  const { json } = await daemon.request('GET', '/export/queue');
  // The API tests check the keys of GET /export/queue.
  const { pending, uploading } = json as Record<'pending' | 'uploading', { queue_id: string }[]>;
  return [...pending, ...uploading].map((entry) => entry.queue_id).sort();
}

test('an export on a full card is refused, leaves no file behind and loses nothing', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = placeOnSmallCard(t, processes, { EXPORT_RESERVE_BYTES: '0' });
  if (card === undefined) return;
  const place = { ...card, port: await freePort() };
  const daemon = await startDaemon(processes, place);
  const { json: first } = await generate(daemon, 'full');
  const sizeBytes = Number(first['file_size_bytes']);
  assert.ok(sizeBytes > MEGABYTE / 2);
  const before = { files: filesOf(place), queued: await queued(daemon) };
  for (const leftBytes of [0, sizeBytes / 10, sizeBytes / 2, sizeBytes - 64 * 1024]) {
    fill(card.ballast, Math.floor(leftBytes));
    const refused = await generate(daemon, 'full');
    assert.equal(refused.status, 507, JSON.stringify(refused.json));
    assert.equal(refused.json['code'], 'DISK_FULL');
    assert.match(String(refused.json['hint']), /Free space/);
    assert.deepEqual({ files: filesOf(place), queued: await queued(daemon) }, before);
    rmSync(card.ballast);
  }
  const { json: again } = await generate(daemon, 'full');
  assert.equal(again['record_count'], first['record_count']);
  assert.equal(await daemon.stop(), 0);
});

test('an export that fills the card with its digests is refused or queued, and loses nothing', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = placeOnSmallCard(t, processes, { EXPORT_RESERVE_BYTES: '0' });
  if (card === undefined) return;
  const place = { ...card, port: await freePort() };
  let daemon = await startDaemon(processes, place);
  await generate(daemon, 'full');
  const outcomes: string[] = [];
  for (const [round, marginPages] of MARGINS_PAGES.entries()) {
    addAlerts(place.root, 400 * (round + 1));
    const fileBytes = (await previewedBytes(daemon)) + FRAME_BYTES;
    const before = { files: filesOf(place), queued: await queued(daemon) };
    fill(card.ballast, (Math.ceil(fileBytes / PAGE_BYTES) + marginPages) * PAGE_BYTES);
    const answer = await generate(daemon, 'full');
    rmSync(card.ballast);
    if (answer.status === 200) {
      outcomes.push('queued');
      assert.deepEqual(await queued(daemon), [...before.queued, String(answer.json['queue_id'])].sort());
      continue;
    }
    outcomes.push(String(answer.json['error']));
    assert.equal(answer.status, 507, JSON.stringify(answer.json));
    assert.equal(answer.json['code'], 'DISK_FULL');
    assert.match(String(answer.json['hint']), /Free space/);
    assert.deepEqual({ files: filesOf(place), queued: await queued(daemon) }, before, outcomes.join(' | '));
  }
  t.diagnostic(outcomes.join(' | '));
  assert.ok(
    outcomes.some((outcome) => outcome !== 'queued'),
    'an export was refused',
  );
  assert.equal(outcomes.at(-1), 'queued', 'leftovers of refused exports do not block later exports');
  // After a power cut, every acknowledged export exists, and the records of refused exports are still due.
  const acknowledged = await queued(daemon);
  await daemon.kill();
  daemon = await startDaemon(processes, place);
  assert.deepEqual(await queued(daemon), acknowledged);
  const { json: preview } = await daemon.request('GET', '/export/preview?type=full');
  const { json: whole } = await generate(daemon, 'full');
  const counts = Object.values(preview['categories'] as Record<string, { count: number }>);
  assert.equal(
    whole['record_count'],
    counts.reduce((sum, { count }) => sum + count, 0),
  );
  assert.equal(await daemon.stop(), 0);
});

test('below the reserve, an export is refused with the amount of missing space, and it is created once there is space', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = placeOnSmallCard(t, processes, {});
  if (card === undefined) return;
  const place = { ...card, port: await freePort() };
  const daemon = await startDaemon(processes, place);
  fill(card.ballast, MEGABYTE / 4);
  const refused = await generate(daemon, 'incremental');
  assert.equal(refused.status, 507);
  assert.equal(refused.json['code'], 'DISK_RESERVE');
  assert.match(String(refused.json['error']), /MB are free/);
  assert.deepEqual(await queued(daemon), []);
  rmSync(card.ballast);
  assert.equal((await generate(daemon, 'incremental')).json['queued'], true);
  assert.equal(await daemon.stop(), 0);
});

test('a daemon on a full card still answers and can cancel and retry waiting exports', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = placeOnSmallCard(t, processes, { EXPORT_RESERVE_BYTES: '0' });
  if (card === undefined) return;
  const place = { ...card, port: await freePort() };
  const daemon = await startDaemon(processes, place);
  const { json: made } = await generate(daemon, 'full');
  const path = `/export/queue/${made['queue_id']}`;
  fill(card.ballast, 0);
  const cancelled = await daemon.request('DELETE', path);
  assert.equal(cancelled.status, 200, `${JSON.stringify(cancelled.json)}\n${daemon.output()}`);
  const retried = await daemon.request('POST', `${path}/retry`);
  assert.equal(retried.status, 200, JSON.stringify(retried.json));
  assert.equal((await daemon.request('GET', '/export/status')).status, 200);
  rmSync(card.ballast);
  assert.deepEqual(await queued(daemon), [made['queue_id']]);
  assert.equal(await daemon.stop(), 0);
});

test('the doctor reads the ledger on a full card, with and without a running export manager', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = placeOnSmallCard(t, processes, { EXPORT_RESERVE_BYTES: '0' });
  if (card === undefined) return;
  const place = { ...card, port: await freePort() };
  const judgeLedger = async (): Promise<string | undefined> => {
    const { output } = await processes.run('boat', ['doctor', '--json'], toBoatEnvironment(place));
    // With --json, the command prints one JSON document on standard output, and log lines on standard error.
    const json = output.slice(output.indexOf('{"'), output.lastIndexOf('}') + 1);
    const { findings } = JSON.parse(json) as { findings: { check: string; level: string }[] };
    return findings.find(({ check }) => check === 'ledger')?.level;
  };
  const daemon = await startDaemon(processes, place);
  const { json: made } = await generate(daemon, 'full');
  assert.equal(await daemon.stop(), 0);
  fill(card.ballast, 0);
  assert.equal(await judgeLedger(), 'ok');
  const again = await startDaemon(processes, place);
  assert.equal(await judgeLedger(), 'ok');
  assert.deepEqual(await queued(again), [made['queue_id']]);
  assert.equal(await again.stop(), 0);
});

test("if the exports are on another drive, the status shows that drive's space", async (t) => {
  const processes = createProcesses(toEnding(t));
  const drive = mountSmallFileSystem(CARD_BYTES);
  if (drive.kind === 'unavailable') return t.skip(drive.reason);
  processes.atEnd(() => drive.unmount());
  const root = join(processes.folder('linked'), 'boat');
  prepareBoat({ root });
  symlinkSync(drive.path, join(root, 'data', 'exports'));
  const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: NO_SERVER });
  const { json } = await daemon.request('GET', '/export/status');
  // The API tests check the keys of GET /export/status.
  const { total_bytes: totalBytes } = json['storage'] as { readonly total_bytes: number };
  assert.equal(totalBytes, CARD_BYTES);
  assert.equal(await daemon.stop(), 0);
});

test('a read-only card is reported as read-only, and the boat works once the card is writable', async (t) => {
  const processes = createProcesses(toEnding(t));
  const folder = processes.folder('read-only');
  prepareBoat({ root: join(folder, 'boat') });
  mkdirSync(join(folder, 'boat', 'data', 'exports'), { recursive: true });
  const view = mountReadOnlyView(folder);
  if (view.kind === 'unavailable') return t.skip(view.reason);
  processes.atEnd(() => view.unmount());
  const place: BoatPlace = { root: join(view.path, 'boat'), port: await freePort(), centralUrl: NO_SERVER };
  const refused = await processes.run('boat', ['serve'], toBoatEnvironment(place));
  assert.notEqual(refused.code, 0);
  assert.match(refused.output, /DISK_READ_ONLY/);
  assert.match(refused.output, /read-only/);
  assert.doesNotMatch(refused.output, /^\s+at /m, 'a message, not a stack');
  const daemon = await startDaemon(processes, { ...place, root: join(folder, 'boat') });
  await until('the queue', async () => (await generate(daemon, 'full')).json['queued'] === true);
  assert.equal(await daemon.stop(), 0);
});
