// A boat with the legacy exporter, booted with systemd, goes through the package's whole life: upgrade, use, reboot, rollback,
// upgrade again, removal and purge. Prints how long each step takes.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import {
  countWaiting,
  DEB,
  enrollBoat,
  generate,
  type QueueCounts,
  readJournal,
  readQueue,
  SERVICE,
  stageBoat,
  untilDelivered,
} from './support/booted-boat.ts';
import { createMachine, type Machine } from './support/booted-machine.ts';
import { buildPackages, findPackage } from './support/booted-packages.ts';
import { buildRoot, findBootObstacle } from './support/booted-root.ts';
import { CENTRAL_URL, type Shore, startShore } from './support/booted-shore.ts';
import { createSteps } from './support/booted-steps.ts';
import { INSTALLATION } from './support/boat-in-process.ts';
import { legacyFiles, stageLegacy } from './support/legacy-installation.ts';
import { until } from './support/until.ts';

const obstacle = findBootObstacle();
const folder = mkdtempSync(join(tmpdir(), 'd3kos-booted-test-'));
const packages = join(folder, 'packages');
let machine: Machine;
let shore: Shore;

const step = createSteps(
  obstacle,
  async () =>
    (
      await machine.run(
        `journalctl --no-pager -n 60 -u 'd3kos-export-*'; systemctl --failed; d3kos-export status; ip address; curl -skm 5 -o /dev/null -w "central answers %{http_code}\n" ${CENTRAL_URL}/api/v1/health`,
      )
    ).output,
);

before(async () => {
  if (obstacle !== undefined) return;
  const lower = await buildRoot();
  await buildPackages(packages);
  machine = await createMachine(lower);
  stageLegacy(machine.root);
  await stageBoat(machine, findPackage(packages, 'd3kos-export'), 200);
  shore = await startShore(machine, findPackage(packages, 'd3kos-central'), join(folder, 'shore'));
  await machine.boot();
});

after(async () => {
  // `before` may have failed.
  if (obstacle === undefined) await (machine as Machine | undefined)?.remove();
  rmSync(folder, { recursive: true, force: true });
});

const queue = (): Promise<QueueCounts> => readQueue(machine);
/** The number of records that central holds for the boat. */
const records = async (): Promise<number> => {
  const { categories } = (await shore.central('show', INSTALLATION)) as {
    readonly categories: readonly { readonly category: string; readonly records: number }[];
  };
  // Each export has a new telemetry sample.
  return categories.reduce(
    (sum, { category, records: count }) => (category === 'telemetry' ? sum : sum + count),
    0,
  );
};
const install = (): Promise<string> => machine.ok(`dpkg -i ${DEB}`);

step('the legacy exporter runs, with two exports waiting', async () => {
  await until(
    'the legacy exporter answers',
    async () => (await machine.run('curl -sf http://127.0.0.1:8094/')).code === 0,
  );
  assert.deepEqual([(await queue()).exporter, (await queue()).pending_count], ['legacy', 2]);
});

step('the package replaces it, imports its queue and replaces its timer', async () => {
  await install();
  assert.equal((await queue()).exporter, undefined);
  // The legacy exporter marked the third export as completed, but nothing proves that central holds it.
  assert.equal((await queue()).pending_count, 3);
  const units = await machine.ok(`systemctl is-active ${SERVICE} d3kos-export-daily.timer`);
  assert.equal(units, 'active\nactive');
  assert.match(
    await machine.ok(`systemctl show -P FragmentPath ${SERVICE}`),
    /^\/usr\/lib\/systemd\/system\//,
  );
  assert.match(await machine.ok('systemctl list-timers --all | grep d3kos-export'), /0[34]:[0-4]\d:\d\d/);
  assert.equal(await machine.ok('systemctl --failed --no-legend'), '');
});

step("systemd rates each service's exposure at no more than 1.5", async () => {
  for (const unit of ['manager', 'boot', 'daily']) {
    const report = await machine.ok(
      `systemd-analyze security --no-pager d3kos-export-${unit}.service | tail -1`,
    );
    assert.ok(Number(/: ([\d.]+) /.exec(report)?.[1]) <= 1.5, report);
  }
});

step("the boat is enrolled and delivers the legacy exporter's exports", async () => {
  await enrollBoat(machine, shore);
  await untilDelivered(machine);
  await generate(machine);
  await untilDelivered(machine);
  assert.ok((await records()) > 200);
});

step('an export without a network waits, and is sent when the network is back', async () => {
  await machine.ok('nmcli networking off');
  await generate(machine);
  assert.equal(await countWaiting(machine), 1);
  await until('the boat has detected it', async () =>
    /"state":"offline"/.test(await machine.ok('curl -sf http://127.0.0.1:8094/export/status')),
  );
  await machine.ok('nmcli networking on');
  await untilDelivered(machine);
});

step('after a reboot, the boot unit reports that the waiting export was sent', async () => {
  await machine.cable('cut');
  await generate(machine);
  await machine.reboot();
  await until('the boot unit reports', async () =>
    (await machine.run('journalctl -b -u d3kos-export-boot.service')).output.includes(
      'Processing pending exports...',
    ),
  );
  await machine.cable('connected');
  await until('the boot unit ends', async () =>
    (await machine.run('systemctl is-active d3kos-export-boot.service')).output.startsWith('active'),
  );
  const journal = await readJournal(machine, 'd3kos-export-boot.service');
  for (const line of [
    'Queue status: 1 pending exports',
    'Processing pending exports...',
    '✓ All exports uploaded',
  ])
    assert.ok(journal.includes(line), journal);
});

step('the daily unit exports at tier 2 and skips at tier 1', async () => {
  await machine.ok('systemctl start d3kos-export-daily.service');
  const exported = await readJournal(machine, 'd3kos-export-daily.service');
  assert.match(exported, /Current tier: 2[^]*Triggering export\.\.\.[^]*✓ /);
  await machine.ok(
    `sed -i 's/"tier": *2/"tier": 1/' /opt/d3kos/config/license.json && grep -q '"tier": 1' /opt/d3kos/config/license.json`,
  );
  await machine.ok('systemctl start d3kos-export-daily.service');
  assert.match(
    await readJournal(machine, 'd3kos-export-daily.service'),
    /Current tier: 1[^]*Skipping export/,
  );
  await machine.ok(`sed -i 's/"tier": 1/"tier": 2/' /opt/d3kos/config/license.json`);
  await untilDelivered(machine);
});

step('the sandbox allows a bundle on a mounted drive, the doctor, and the page behind nginx', async () => {
  await machine.cable('cut');
  await generate(machine);
  await machine.ok('mkdir -p /media/usb && mount -t tmpfs -o size=64M tmpfs /media/usb');
  await machine.ok('d3kos-export bundle /media/usb && ls /media/usb/*.bundle');
  await machine.cable('connected');
  await untilDelivered(machine);
  await machine.ok('umount /media/usb && d3kos-export doctor');
  await machine.ok(
    `sed -i '0,/server_name _;/s//server_name _; include snippets\\/d3kos-export.conf;/' /etc/nginx/sites-available/default`,
  );
  await machine.ok('nginx -t && systemctl restart nginx');
  assert.match(await machine.ok('curl -sf http://localhost/export/status'), /"success": ?true/);
  const completion = `. /usr/share/bash-completion/completions/d3kos-export; COMP_WORDS=(d3kos-export ro); COMP_CWORD=1; _d3kos_export; echo $COMPREPLY`;
  assert.equal(await machine.ok(`bash -c '${completion}'`), 'rollback');
});

step('the commands of the guide for operating a boat work', async () => {
  await machine.cable('cut');
  await machine.ok('d3kos-export generate --incremental && d3kos-export preview --incremental');
  const id = await generate(machine);
  assert.ok((await machine.ok('d3kos-export queue list')).includes(id));
  await machine.ok(`d3kos-export queue cancel ${id} && d3kos-export queue retry ${id}`);
  await machine.cable('connected');
  await untilDelivered(machine);
  assert.ok((await machine.ok('d3kos-export history')).includes(id));
  assert.match(await machine.ok('d3kos-export status'), /Central: +online/);
  await machine.ok('d3kos-export doctor && sudo -u d3kos d3kos-export doctor --repair');
  assert.match(await machine.ok('sudo d3kos-export config'), /central_api_url/);
  await machine.ok('sudo systemctl restart d3kos-export-manager.service');
  assert.match(await machine.ok('curl -s http://localhost:8094/metrics'), /^d3kos_export_info/m);
  const support = await machine.ok(
    'cd /root && sudo d3kos-export support-bundle --write support.json > /dev/null && cat support.json',
  );
  const { token } = JSON.parse(
    readFileSync(join(machine.root, 'opt/d3kos/config/export-credentials.json'), 'utf8'),
  ) as { readonly token: string };
  assert.ok(support.length > 1_000 && !support.includes(token));
  await machine.ok(
    'journalctl -u d3kos-export-boot.service -u d3kos-export-daily.service && rm /root/support.json',
  );
});

step('a hung export manager is restarted by the watchdog, and a healthy one is not', async () => {
  const folderOfChanges = `/run/systemd/system/${SERVICE}.d`;
  await machine.ok(
    `mkdir -p ${folderOfChanges} && printf '[Service]\\nWatchdogSec=45\\nRestartSec=1\\n' > ${folderOfChanges}/short.conf && systemctl daemon-reload && systemctl restart ${SERVICE}`,
  );
  const read = (property: string): Promise<string> => machine.ok(`systemctl show -P ${property} ${SERVICE}`);
  const began = await read('WatchdogTimestampMonotonic');
  await until('progress was reported', async () => (await read('WatchdogTimestampMonotonic')) !== began);
  assert.equal(await read('NRestarts'), '0');
  await machine.ok(`kill -STOP $(systemctl show -P MainPID ${SERVICE})`);
  await until(
    'the watchdog restarted the service',
    async () => (await read('NRestarts')) === '1' && (await read('ActiveState')) === 'active',
  );
  assert.match(await readJournal(machine, SERVICE), /Watchdog timeout/);
  await machine.ok(`rm -r ${folderOfChanges} && systemctl daemon-reload && systemctl restart ${SERVICE}`);
});

step('an older program refuses a newer ledger and names the remedy', async () => {
  const setVersion = (change: string): Promise<string> =>
    machine.ok(`/usr/lib/d3kos-export/bin/node -e "const { DatabaseSync } = require('node:sqlite'); const db = new DatabaseSync('/opt/d3kos/data/exports/exports.db');
      db.exec('PRAGMA user_version = ' + (db.prepare('PRAGMA user_version').get().user_version ${change}));"`);
  await machine.ok(`systemctl stop ${SERVICE}`);
  await setVersion('+ 1');
  assert.notEqual((await machine.run(`systemctl start ${SERVICE}`)).code, 0);
  assert.match(
    await readJournal(machine, SERVICE),
    /LEDGER_TOO_NEW[^]*Install the newer export manager again/,
  );
  await machine.ok(`systemctl stop ${SERVICE}`);
  await setVersion('- 1');
  await machine.ok(`chown d3kos:d3kos /opt/d3kos/data/exports/exports.db* && systemctl start ${SERVICE}`);
  await untilDelivered(machine);
});

let beforeRollback = 0;
step('rollback restores the legacy exporter exactly, with the waiting export in its queue', async () => {
  beforeRollback = await records();
  await machine.cable('cut');
  await generate(machine);
  await machine.ok('d3kos-export rollback');
  assert.deepEqual(legacyFiles(machine.root), staged());
  await until(
    'the legacy exporter answers',
    async () => (await machine.run('curl -sf http://127.0.0.1:8094/')).code === 0,
  );
  assert.deepEqual([(await queue()).exporter, (await queue()).pending_count], ['legacy', 1]);
  assert.equal(
    await machine.ok('systemctl is-enabled d3kos-export-boot.service d3kos-export-daily.timer'),
    'enabled\nenabled',
  );
  await generate(machine);
  assert.equal((await queue()).pending_count, 2);
});

step('removal after a rollback leaves the legacy exporter running', async () => {
  const readId = (): Promise<string> => machine.ok(`systemctl show -P InvocationID ${SERVICE}`);
  const running = await readId();
  await machine.ok('dpkg -r d3kos-export');
  assert.equal(await readId(), running);
  assert.deepEqual(legacyFiles(machine.root), staged());
  assert.deepEqual([(await queue()).exporter, (await queue()).pending_count], ['legacy', 2]);
});

step('the next upgrade delivers both, and central holds no record twice', async () => {
  await machine.cable('connected');
  await install();
  await untilDelivered(machine);
  // The legacy exporter's export has one record. All records of the other export were already delivered.
  assert.equal(await records(), beforeRollback + 1);
  await generate(machine);
  await untilDelivered(machine);
  assert.equal(await records(), beforeRollback + 1);
});

step('installing the same version again keeps the services and their settings', async () => {
  const settings = await machine.ok('cat /etc/default/d3kos-export');
  await machine.ok('systemctl disable d3kos-export-boot.service');
  await install();
  assert.equal(
    (await machine.run('systemctl is-enabled d3kos-export-boot.service')).output.trim(),
    'disabled',
  );
  assert.equal(await machine.ok('cat /etc/default/d3kos-export'), settings);
  await untilDelivered(machine);
});

step('removal restores the legacy exporter, and purge does not touch it', async () => {
  await machine.cable('cut');
  await generate(machine);
  await machine.ok('dpkg -r d3kos-export');
  await until(
    'the legacy exporter answers',
    async () => (await machine.run('curl -sf http://127.0.0.1:8094/')).code === 0,
  );
  assert.deepEqual(legacyFiles(machine.root), staged());
  await machine.ok('dpkg -P d3kos-export');
  assert.deepEqual(legacyFiles(machine.root), staged());
  assert.deepEqual([(await queue()).exporter, (await queue()).pending_count], ['legacy', 1]);
  assert.equal(
    await machine.ok('systemctl is-enabled d3kos-export-boot.service d3kos-export-daily.timer'),
    'enabled\nenabled',
  );
  assert.equal(existsSync(join(machine.root, 'opt/d3kos/data/exports/exports.db')), false);
  assert.equal(existsSync(join(machine.root, 'var/lib/d3kos-export')), false);
});

step(
  'purge without a legacy exporter leaves only undelivered exports, and prints their location',
  async () => {
    await machine.ok(`systemctl disable --now ${SERVICE} d3kos-export-boot.service d3kos-export-daily.timer
    rm -r /etc/systemd/system/d3kos-export-* /opt/d3kos/data/exports && systemctl daemon-reload && systemctl reset-failed`);
    await install();
    await generate(machine);
    const view = join(machine.root, 'opt/d3kos/data/exports/export_queue.json');
    const pending = (): readonly { readonly export_file: string }[] =>
      (
        JSON.parse(readFileSync(view, 'utf8')) as {
          readonly pending: readonly { readonly export_file: string }[];
        }
      ).pending;
    await until('the view shows the export', () => pending().length === 1);
    const waiting = pending()[0]?.export_file ?? '';
    const output = await machine.ok('dpkg -P d3kos-export');
    assert.ok(output.includes(waiting), output);
    assert.equal(await machine.ok('find /opt/d3kos/data/exports ! -type d'), waiting);
    const left = await machine.ok(
      "find / -xdev -name '*d3kos-export*' -not -path '/proc/*' -not -path '/root/*' -not -path '/var/log/journal/*' -not -path '/var/lib/systemd/timers/*' || true",
    );
    assert.equal(left, '');
  },
);

step('if the undelivered exports cannot be listed, purge keeps everything', async () => {
  await install();
  await generate(machine);
  await machine.ok("echo '{' > /opt/d3kos/config/export.json");
  const exports = await machine.ok('find /opt/d3kos/data/exports/exports -type f');
  assert.match(exports, /\.json$/);
  const { output } = await machine.run('dpkg -P d3kos-export');
  assert.match(output, /the queue could not be handed over; a purge will keep every export/);
  assert.match(output, /was kept, because it is not known which exports were delivered/);
  assert.equal(await machine.ok('find /opt/d3kos/data/exports/exports -type f'), exports);
});

/** The files of the legacy installation, as they were staged. */
function staged(): ReturnType<typeof legacyFiles> {
  const root = mkdtempSync(join(folder, 'staged-'));
  stageLegacy(root);
  return legacyFiles(root);
}
