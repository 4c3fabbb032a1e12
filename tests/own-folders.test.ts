import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createStorageMediumQuery } from '../packages/boat/src/platform/storage-medium.ts';
import { inTemporaryFolder, prepareBoat, startBoatInProcess } from './support/boat-in-process.ts';
import { createProcesses, freePort, NO_SERVER, startDaemon, toEnding } from './support/processes.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const SECRET = 'root:$6$secret:19000:0:99999:7:::';

/** Creates a boat that has exported once and was then stopped. Returns the path of its export file. */
async function exportOnce(root: string, centralUrl: string = NO_SERVER): Promise<string> {
  prepareBoat({ root, rows: 5 });
  const running = await startBoatInProcess({ root, centralUrl });
  const { json } = await running.request('POST', '/export/generate');
  assert.equal(json['success'], true, JSON.stringify(json));
  const [entry] = running.boat.ledger.queue.list('pending');
  await running.stop();
  assert.ok(entry !== undefined);
  return entry.exportFile;
}

test('does not serve, list, adopt or send the target of a symbolic link among the exports', () =>
  inTemporaryFolder('own-links', async (root) => {
    const own = await exportOnce(root);
    const folder = join(root, 'data', 'exports');
    const shadow = join(root, 'shadow');
    writeFileSync(shadow, SECRET);
    // A document of this boat, which would be adopted if it were a regular file.
    const document = join(root, 'document.json');
    writeFileSync(
      document,
      readFileSync(own, 'utf8').replace(/"export_id":"[^"]+"/, '"export_id":"export_linked"'),
    );
    const links: readonly (readonly [target: string, name: string])[] = [
      [shadow, 'exports/export_20200101_000000.json'],
      [join(root, 'config', 'export-credentials.json'), 'exports/export_20200101_000001.json'],
      [document, 'exports/export_20200101_000002.json'],
      [document, 'failed_exports/export_20200101_000003.json'],
      ['export_20200101_000004.json', 'exports/export_20200101_000004.json'],
      [join(root, 'nowhere'), 'exports/export_20200101_000005.json'],
      ['/dev/zero', 'exports/export_20200101_000006.json'],
    ];
    for (const [target, name] of links) symlinkSync(target, join(folder, name));
    execFileSync('mkfifo', [join(folder, 'exports', 'export_20200101_000007.json')]);

    const central = await startScriptedServer(accepting);
    const running = await startBoatInProcess({ root, centralUrl: central.url });
    try {
      await until('the delivery', () => running.boat.ledger.queue.counts().completed === 1);
      const counts = running.boat.ledger.queue.counts();
      assert.deepEqual([counts.completed, counts.pending, counts.failed], [1, 0, 0]);
      for (const [, name] of links)
        assert.equal((await running.request('GET', `/export/files/${name.split('/')[1] ?? ''}`)).status, 404);
      const listed = JSON.stringify((await running.request('GET', '/export/files')).json);
      assert.doesNotMatch(listed, /export_20200101/);
      assert.equal((await running.request('GET', '/export/status')).status, 200);
      const doctor = JSON.stringify((await running.request('GET', '/export/doctor')).json);
      assert.match(doctor, /export_20200101_000004\.json is not a regular file/);
      assert.match(running.log.join('\n'), /export_20200101_000000\.json is not a regular file/);
      assert.ok(lstatSync(join(folder, 'exports', 'export_20200101_000002.json')).isSymbolicLink());
    } finally {
      await running.stop();
      await central.close();
    }
  }));

test("does not send the target of a link that replaces a waiting export, and sends the export's records again", () =>
  inTemporaryFolder('own-replaced', async (root) => {
    const own = await exportOnce(root);
    const moved = join(root, 'moved.json');
    linkSync(own, moved);
    unlinkSync(own);
    symlinkSync(moved, own);
    const central = await startScriptedServer(accepting);
    const running = await startBoatInProcess({ root, centralUrl: central.url });
    try {
      await until('the failure', () => {
        const { completed, failed, pending } = running.boat.ledger.queue.counts();
        assert.equal(completed, 0);
        const [entry] = running.boat.ledger.queue.list('pending');
        return failed === 1 || (pending === 1 && (entry?.retryCount ?? 0) > 0);
      });
    } finally {
      await running.stop();
      await central.close();
    }
  }));

const STRANGE_PLACES: readonly (readonly [name: string, target: string])[] = [
  ['exports', '/tmp'],
  ['failed_exports', 'failed_exports'],
  ['exports.db', '/dev/null'],
  ['ballast', '/etc/hostname'],
];

for (const [name, target] of STRANGE_PLACES)
  test(`refuses to start on a link in place of ${name}, and reports it`, () =>
    inTemporaryFolder('own-places', async (root) => {
      prepareBoat({ root, rows: 1 });
      mkdirSync(join(root, 'data', 'exports'), { recursive: true });
      symlinkSync(target, join(root, 'data', 'exports', name));
      await assert.rejects(startBoatInProcess({ root, centralUrl: NO_SERVER }), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, new RegExp(`${name} is not a regular file or folder`));
        return true;
      });
    }));

test('follows a link in place of the exports folder, because owners move it to a larger drive', () =>
  inTemporaryFolder('own-moved', async (root) => {
    prepareBoat({ root, rows: 1 });
    mkdirSync(join(root, 'drive'));
    symlinkSync(join(root, 'drive'), join(root, 'data', 'exports'));
    const running = await startBoatInProcess({ root, centralUrl: NO_SERVER });
    const { json } = await running.request('POST', '/export/generate');
    await running.stop();
    assert.equal(json['success'], true);
    assert.ok(existsSync(join(root, 'drive', 'exports.db')));
  }));

test('hides the ledger and the exports from other users, lets them read the two views, and protects files that an earlier version left readable', async (t) => {
  const processes = createProcesses(toEnding(t));
  const place = { root: processes.folder('own-modes'), port: await freePort(), centralUrl: NO_SERVER };
  prepareBoat({ root: place.root, rows: 1 });
  const home = join(place.root, 'data', 'exports');
  const modeOf = (name: string): string => (statSync(join(home, name)).mode & 0o777).toString(8);
  const first = await startDaemon(processes, place);
  const { json } = await first.request('POST', '/export/generate');
  assert.equal(json['success'], true, JSON.stringify(json));
  await until('the view', () => existsSync(join(home, 'export_history.json')));
  const modes = () =>
    ['.', 'exports', 'failed_exports', 'exports.db', 'export_queue.json', 'export_history.json'].map(modeOf);
  assert.deepEqual(modes(), ['755', '700', '700', '600', '644', '644']);
  assert.equal(
    (statSync(join(home, 'exports', String(json['export_file']))).mode & 0o777).toString(8),
    '600',
  );
  await first.kill();
  for (const name of ['exports', 'failed_exports']) chmodSync(join(home, name), 0o755);
  for (const name of ['exports.db', 'exports.db-wal']) chmodSync(join(home, name), 0o644);
  await startDaemon(processes, place);
  assert.deepEqual(modes(), ['755', '700', '700', '600', '644', '644']);
  assert.equal(modeOf('exports.db-wal'), '600');
});

const SMALL = 'size=64m';

for (const [type, options] of [
  ['tmpfs', SMALL],
  ['ramfs', 'mode=755'],
] as const)
  test(`status, doctor and log report that exports on ${type} do not survive a power-off`, (context) =>
    inTemporaryFolder('own-medium', async (root) => {
      const mounted = join(root, 'boat');
      mkdirSync(mounted);
      if (spawnSync('mount', ['-t', type, '-o', options, type, mounted]).status !== 0)
        return context.skip('no file system can be mounted here');
      try {
        prepareBoat({ root: mounted, rows: 1 });
        const running = await startBoatInProcess({
          root: mounted,
          centralUrl: NO_SERVER,
          world: { storageMedium: createStorageMediumQuery() },
        });
        try {
          const { json } = await running.request('GET', '/export/status');
          const storage = json['storage'] as Record<string, unknown>;
          assert.deepEqual([storage['medium'], storage['file_system']], ['memory', type]);
          assert.match(String(storage['warning']), /in memory: they will not survive a power-off/);
          const doctor = (await running.request('GET', '/export/doctor')).json;
          assert.equal(doctor['healthy'], false);
          assert.match(JSON.stringify(doctor), /"check":"storage","level":"problem"/);
          assert.match(
            running.log.join('\n'),
            /warn Exports may be lost when the boat is switched off: The exports are on .* in memory/,
          );
        } finally {
          await running.stop();
        }
      } finally {
        execFileSync('umount', ['-l', mounted]);
      }
    }));

test('distinguishes a file system without inodes from one without space', (context) =>
  inTemporaryFolder('own-inodes', async (root) => {
    const mounted = join(root, 'boat');
    mkdirSync(mounted);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,nr_inodes=400', 'tmpfs', mounted]).status !== 0)
      return context.skip('no file system can be mounted here');
    try {
      prepareBoat({ root: mounted, rows: 1 });
      const running = await startBoatInProcess({ root: mounted, centralUrl: NO_SERVER });
      try {
        await running.request('GET', '/export/status');
        let filler = 0;
        for (; ; filler += 1)
          try {
            writeFileSync(join(mounted, `filler-${filler}`), '');
          } catch {
            break;
          }
        const { status, json } = await running.request('POST', '/export/generate');
        assert.deepEqual([status, json['code']], [507, 'DISK_NO_INODES'], JSON.stringify(json));
        assert.match(String(json['hint']), /df -i/);
        const doctor = JSON.stringify((await running.request('GET', '/export/doctor')).json);
        assert.match(doctor, /inodes are free/);
        for (let at = 0; at < filler; at += 1) unlinkSync(join(mounted, `filler-${at}`));
        assert.equal((await running.request('POST', '/export/generate')).json['success'], true);
      } finally {
        await running.stop();
      }
    } finally {
      execFileSync('umount', ['-l', mounted]);
    }
  }));
