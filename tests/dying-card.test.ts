import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { assertAllArrived } from '../crash/all-arrived.ts';
import { insertCard } from '../crash/card.ts';
import { ExportError } from '../packages/boat/src/platform/errors.ts';
import type { Databases } from '../packages/boat/src/platform/ports.ts';
import { createDatabases } from '../packages/boat/src/platform/sqlite.ts';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { startFront } from './support/clock-acts.ts';
import {
  type BoatPlace,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type RunningDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
} from './support/processes.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const CARD_BYTES = 256 * 1024 * 1024;
/** Number of requests to send the waiting exports while the card refuses writes. */
const HURRIES = 20;

/** Creates exports until one is refused, and returns the refusal. Adds the IDs of the accepted exports to `acknowledged`. */
async function exportUntilRefused(daemon: RunningDaemon, acknowledged: string[]) {
  for (;;) {
    const answer = await daemon.request('POST', '/export/generate', { type: 'full' });
    if (answer.status !== 200) return answer;
    acknowledged.push(String(answer.json['export_id']));
  }
}

test('a card that becomes read-only while the boat works is reported, no upload is repeated, and every acknowledged export survives the reboot', async (t) => {
  const processes = createProcesses(toEnding(t));
  const card = insertCard(CARD_BYTES);
  if (card.kind === 'unavailable') return t.skip(card.reason);
  processes.atEnd(() => card.close());
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  await startCentral(processes, central);
  const front = await startFront(processes, central.url);
  const root = join(card.path, 'boat');
  prepareBoat({ root, rows: 300 }, token);
  card.sync();
  const place: BoatPlace = {
    root,
    port: await freePort(),
    centralUrl: front.url,
    environment: { EXPORT_PART_SIZE_BYTES: '32768', EXPORT_RESERVE_BYTES: '0' },
  };
  let daemon = await startDaemon(processes, place);

  // The card fails while exports are being created and parts are being sent.
  const acknowledged: string[] = [];
  const exporting = exportUntilRefused(daemon, acknowledged);
  // The `await` below reports any failure.
  exporting.catch(() => undefined);
  await until('some exports and some parts', () => acknowledged.length >= 6 && front.partsMs.length >= 6);
  const reason = card.turnReadOnly();
  if (reason !== undefined) {
    await daemon.kill();
    await exporting.catch(() => undefined);
    return t.skip(reason);
  }
  // A write at that moment may also be reported as a storage failure.
  const { json: refused } = await exporting;
  assert.match(String(refused['code']), /^(DISK_READ_ONLY|DISK_FAILED|LEDGER_FAILED)$/);
  const again = await daemon.request('POST', '/export/generate', { type: 'incremental' });
  assert.equal(again.status, 503, JSON.stringify(again.json));
  assert.equal(again.json['code'], 'DISK_READ_ONLY');
  assert.match(String(again.json['hint']), /restart the boat's computer/);

  // The API still answers. Delivery reports that it has paused, and sends nothing, because it could not store a receipt.
  await until('delivery to pause', () => daemon.output().includes('Delivery paused'));
  const sent = front.partsMs.length;
  for (let turn = 0; turn < HURRIES; turn += 1) {
    const hurried = await daemon.request('POST', '/export/queue/process');
    assert.equal(hurried.status, 200, JSON.stringify(hurried.json));
    assert.ok(Number(hurried.json['pending_count']) > 0);
  }
  for (const path of ['/health', '/export/status', '/export/queue', '/export/history', '/export/preview'])
    assert.equal((await daemon.request('GET', path)).status, 200, path);
  assert.equal(front.partsMs.length, sent, `nothing more is sent\n${daemon.output()}`);
  const written = daemon.lines().filter((line) => line.includes('Delivery paused'));
  assert.ok(written.length > 1, daemon.output());
  assert.match(written.at(-1) ?? '', /DISK_READ_ONLY.*restart the boat's computer/);
  assert.equal(await daemon.stop(), 0, daemon.output());
  const started = await processes.run('boat', ['serve'], toBoatEnvironment(place));
  assert.notEqual(started.code, 0);
  assert.match(started.output, /DISK_READ_ONLY/);

  // The reboot.
  card.restart();
  daemon = await startDaemon(processes, place);
  const delivered = await assertAllArrived(daemon, central, root, acknowledged);
  t.diagnostic(
    `${acknowledged.length} exports acknowledged, ${sent} parts sent before, ${delivered} exports delivered`,
  );
});

test('while the ledger refuses changes, no part is sent again, and everything is delivered once the ledger accepts them', () =>
  inTemporaryFolder('no-change', async (root) => {
    prepareBoat({ root });
    let takesChanges = true;
    let isRepaired = false;
    const real = createDatabases();
    const databases: Databases = {
      ...real,
      openLedger: (path) => {
        const ledger = real.openLedger(path);
        return {
          ...ledger,
          transaction: (work) => {
            if (takesChanges) return ledger.transaction(work);
            throw new ExportError('DISK_READ_ONLY', 'The file system is read-only', {
              op: 'write',
              hint: 'none',
            });
          },
        };
      },
    };
    const central = await startScriptedServer((request, response) => {
      // The card fails while the first part is being sent.
      takesChanges = isRepaired;
      accepting(request, response);
    });
    const running = await startBoatInProcess({ root, centralUrl: central.url, world: { databases } });
    const parts = () => central.seen.filter(({ method }) => method === 'POST').length;
    const pauses = () => running.log.filter((line) => line.includes('Delivery paused')).length;
    try {
      await running.request('POST', '/export/generate');
      for (let pausesSeen = 0; pausesSeen < HURRIES; pausesSeen += 1) {
        await until('delivery to pause', () => pauses() > pausesSeen);
        assert.equal(parts(), 1);
        await running.request('POST', '/export/queue/process');
      }
      isRepaired = true;
      takesChanges = true;
      await running.request('POST', '/export/queue/process');
      await until('the delivery', () => running.boat.ledger.queue.counts().completed === 1);
      assert.equal(parts(), 2);
    } finally {
      await running.stop();
      await central.close();
    }
  }));
