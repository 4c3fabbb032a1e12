// A boat booted with systemd on a full card, on one without a free inode, and with the root and the card mounted read-only. The
// machine starts each time, the journal names the cause, and no acknowledged export is lost.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { type Card, insertCard } from '../crash/card.ts';
import { INSTALLATION } from './support/boat-in-process.ts';
import {
  countWaiting,
  DEB,
  enrollBoat,
  generate,
  readJournal,
  readQueue,
  SERVICE,
  stageBoat,
  untilDelivered,
} from './support/booted-boat.ts';
import { createMachine, type Machine } from './support/booted-machine.ts';
import { buildPackages, findPackage } from './support/booted-packages.ts';
import { buildRoot, findBootObstacle, runHost } from './support/booted-root.ts';
import { type Shore, startShore } from './support/booted-shore.ts';
import { createSteps } from './support/booted-steps.ts';
import { until } from './support/until.ts';

const CARD_BYTES = 300_000_000;
/** Number of exports that wait on the card. */
const WAITING = 2;
/** Fills the card, including the part that ext4 reserves for root. */
const FILLER = '/opt/d3kos/data/filler';
/** A folder with as many files as the card has free inodes. */
const INODES = '/opt/d3kos/data/many';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-booted-test-'));
const { card, obstacle } = prepareCard();
let machine: Machine;
let shore: Shore;

/** Returns a card for the boat's data, or why it cannot be mounted. */
function prepareCard(): { readonly card?: Card; readonly obstacle?: string } {
  const found = findBootObstacle();
  if (found !== undefined) return { obstacle: found };
  const inserted = insertCard(CARD_BYTES);
  return inserted.kind === 'card' ? { card: inserted } : { obstacle: inserted.reason };
}

const step = createSteps(
  obstacle,
  async () =>
    (
      await machine.run(
        `journalctl --no-pager -b -n 80 -u 'd3kos-export-*'; systemctl --failed; d3kos-export status; df /opt/d3kos/data; grep d3kos /proc/mounts`,
      )
    ).output,
);

before(async () => {
  if (card === undefined) return;
  const lower = await buildRoot();
  await buildPackages(folder);
  machine = await createMachine(lower, { data: card });
  await stageBoat(machine, findPackage(folder, 'd3kos-export'), 200);
  shore = await startShore(machine, findPackage(folder, 'd3kos-central'), join(folder, 'shore'));
  await machine.boot();
});

after(async () => {
  // `before` may have failed.
  await (machine as Machine | undefined)?.remove();
  card?.close();
  rmSync(folder, { recursive: true, force: true });
});

const show = (property: string): Promise<string> => machine.ok(`systemctl show -P ${property} ${SERVICE}`);
/** The highest sequence up to which central holds every export of the boat. */
const heldThrough = async (): Promise<number> => {
  const { ledgers } = (await shore.central('show', INSTALLATION)) as {
    readonly ledgers: readonly { readonly held_through: number }[];
  };
  return ledgers[0]?.held_through ?? 0;
};
let acknowledged = 0;
async function exportOffline(): Promise<void> {
  for (let made = 0; made < WAITING; made += 1) {
    await generate(machine);
    acknowledged += 1;
  }
  assert.equal(await countWaiting(machine), WAITING);
}
async function untilAllHeld(): Promise<void> {
  await untilDelivered(machine);
  assert.equal((await readQueue(machine)).failed_count, 0);
  assert.equal(await heldThrough(), acknowledged);
}

/** Restarts the machine, with or without stopping its programs. The export manager must start at the first attempt. */
async function restart(how: 'reboot' | 'switched off'): Promise<void> {
  if (how === 'reboot') await machine.reboot();
  else {
    await machine.stop();
    await machine.boot();
  }
  await until('the export manager is active', async () => (await show('ActiveState')) === 'active');
  assert.equal(await show('NRestarts'), '0');
  assert.equal(await countWaiting(machine), WAITING);
}
/** Asserts that an export is refused with this code, a remedy and status 507. */
async function assertRefused(code: RegExp): Promise<void> {
  const { output } = await machine.run(
    `curl -s -w '\n%{http_code}' -X POST http://127.0.0.1:8094/export/generate`,
  );
  const [json = '', status] = output.split('\n');
  const { code: given, hint } = JSON.parse(json) as { readonly code: string; readonly hint: string };
  assert.match(given, code);
  assert.match(hint, /^Free |^Remove files/);
  assert.equal(status, '507');
  assert.equal(await countWaiting(machine), WAITING);
}

step('the package is installed, and two exports wait on the card', async () => {
  await machine.ok(`dpkg -i ${DEB}`);
  await enrollBoat(machine, shore);
  await generate(machine);
  acknowledged += 1;
  await untilAllHeld();
  await machine.cable('cut');
  await exportOffline();
});

step('on a full card the boat starts at once, and refuses an export and names the remedy', async () => {
  await machine.run(
    `for size in 1M 1k; do dd if=/dev/zero of=${FILLER} bs=$size oflag=append conv=notrunc status=none; done; sync`,
  );
  assert.equal(await machine.ok('df --output=avail /opt/d3kos/data | tail -1'), '0');
  for (const how of ['reboot', 'switched off', 'reboot'] as const) await restart(how);
  await assertRefused(/^DISK_(?:FULL|RESERVE)$/);
  const { storage } = JSON.parse(await machine.ok('curl -sf http://127.0.0.1:8094/export/status')) as {
    readonly storage: { readonly free_bytes: number };
  };
  assert.equal(storage.free_bytes, 0);
});

step('the daily unit fails and logs the cause, and no other unit has failed', async () => {
  assert.notEqual((await machine.run('systemctl start d3kos-export-daily.service')).code, 0);
  assert.match(await readJournal(machine, 'd3kos-export-daily.service'), /DISK_(?:FULL|RESERVE)/);
  await machine.ok(
    'systemctl stop d3kos-export-daily.service; systemctl reset-failed d3kos-export-daily.service',
  );
  assert.equal(await machine.ok('systemctl --failed --no-legend'), '');
});

step('on the full card, the boat delivers its waiting exports, and the service restarts', async () => {
  await machine.cable('connected');
  await untilAllHeld();
  await machine.ok(`systemctl restart ${SERVICE}`);
});

step('once there is space again, exports are created without a restart', async () => {
  await machine.ok(`rm ${FILLER}`);
  await machine.cable('cut');
  await exportOffline();
  assert.equal(await show('NRestarts'), '0');
});

step('on a card without a free inode the boat starts at once and refuses an export', async () => {
  await machine.ok(`mkdir ${INODES} && python3 -c '
import itertools
try:
  for n in itertools.count(): open("${INODES}/%d" % n, "x").close()
except OSError: pass
'`);
  assert.equal(await machine.ok('df --output=iavail /opt/d3kos/data | tail -1'), '0');
  for (const how of ['reboot', 'switched off'] as const) await restart(how);
  await assertRefused(/^DISK_NO_INODES$/);
  await machine.ok(`rm -r ${INODES}`);
  await machine.cable('connected');
  await untilAllHeld();
  await machine.cable('cut');
  await exportOffline();
});

step(
  'with / and the card read-only the machine boots, and the journal names the cause and the remedy',
  async () => {
    await machine.stop();
    await runHost('mount', '-o', 'remount,ro', card?.path ?? '');
    await machine.boot('read-only');
    assert.notEqual((await machine.run('touch /root/file')).code, 0);
    await until('the export manager is started again', async () => Number(await show('NRestarts')) >= 2);
    const journal = await readJournal(machine, SERVICE);
    assert.match(journal, /DISK_READ_ONLY/);
    assert.match(journal, /restart the boat's computer/);
    // A stack trace would follow the message.
    assert.doesNotMatch(journal, /\]: +at /);
  },
);

step('when the card is writable again, every acknowledged export is delivered', async () => {
  await machine.stop();
  await runHost('mount', '-o', 'remount,rw', card?.path ?? '');
  await machine.cable('connected');
  await machine.boot();
  await untilAllHeld();
  assert.equal(await machine.ok('systemctl --failed --no-legend'), '');
});
