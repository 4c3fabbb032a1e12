import assert from 'node:assert/strict';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { holdDaemonLock } from '../packages/boat/src/platform/daemon-lock.ts';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import {
  createProcesses,
  freePort,
  NO_SERVER,
  startDaemon,
  toBoatEnvironment,
  toEnding,
} from './support/processes.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

interface Report {
  readonly healthy: boolean;
  readonly findings: readonly { readonly check: string; readonly level: string; readonly message: string }[];
  readonly repaired: readonly string[];
  readonly fsync: { readonly samples: number; readonly p50_ms: number; readonly p95_ms: number };
  readonly free_bytes: number;
}

// The type contains only the members that the tests below check.
const toReport = (json: unknown): Report => json as Report;
const problems = ({ findings }: Report) =>
  findings.filter(({ level }) => level === 'problem').map(({ check }) => check);
const ask = async (running: RunningBoat) => toReport((await running.request('GET', '/export/doctor')).json);
const repair = async (running: RunningBoat) =>
  toReport((await running.request('POST', '/export/doctor/repair')).json);

/** Returns the contents of all files under a folder except the ledger and the lock. */
function snapshot(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile() && !/exports\.db|daemon\.lock/.test(name))
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );
}

test('doctor finds a working boat healthy and changes nothing', () =>
  inTemporaryFolder('doctor', async (root) => {
    prepareBoat({ root, rows: 30 });
    const central = await startScriptedServer(accepting);
    const running = await startBoatInProcess({ root, centralUrl: central.url });
    try {
      await running.request('POST', '/export/generate');
      await until('the delivery', () => running.boat.ledger.queue.counts().completed === 1);
      await running.request('POST', '/export/generate');
      await until('both', () => running.boat.ledger.queue.counts().completed === 2);
      await until('the views', async () => problems(await ask(running)).length === 0);
      const before = snapshot(running.paths.home);
      const report = await ask(running);
      assert.deepEqual(problems(report), [], JSON.stringify(report.findings));
      assert.equal(report.healthy, true);
      assert.ok(report.fsync.samples === 20 && report.fsync.p50_ms <= report.fsync.p95_ms);
      assert.ok(report.free_bytes > 0);
      assert.deepEqual(snapshot(running.paths.home), before);
      const crowd = await Promise.all(
        Array.from({ length: 5 }, () => running.request('GET', '/export/doctor')),
      );
      assert.deepEqual(
        crowd.map(({ status }) => status).sort(),
        [200, 200, 503, 503, 503],
        'concurrent examinations are refused, not queued',
      );
      assert.deepEqual((await repair(running)).repaired, [], 'there is nothing to repair');
    } finally {
      await running.stop();
      await central.close();
    }
  }));

test('doctor reports every problem of a running boat and repairs those that are safe to repair', () =>
  inTemporaryFolder('doctor', async (root) => {
    prepareBoat({ root, rows: 30 });
    const running = await startBoatInProcess({ root, centralUrl: NO_SERVER });
    const { exports, home, queueFile, damaged } = running.paths;
    try {
      const files: string[] = [];
      for (let made = 0; made < 4; made += 1) {
        const { json } = await running.request('POST', '/export/generate');
        files.push(join(exports, String(json['export_file'])));
      }
      const [gone, longer, torn, whole] = files;
      assert.ok(gone !== undefined && longer !== undefined && torn !== undefined && whole !== undefined);
      const { json: queue } = await running.request('GET', '/export/queue');
      const entries = [...(queue['pending'] as object[]), ...(queue['uploading'] as object[])];
      assert.equal(entries.length, 4);
      await until('views', () => JSON.parse(readFileSync(queueFile, 'utf8')).pending.length >= 3);

      const orphan = join(exports, 'export_20200101_000000.json');
      writeFileSync(
        orphan,
        readFileSync(whole, 'utf8').replace(/"export_id":"[^"]*"/, '"export_id":"exp_orphan"'),
      );
      const twin = join(exports, 'export_20200101_000001.json');
      copyFileSync(whole, twin);
      const strange = join(exports, 'notes.json');
      writeFileSync(strange, 'not JSON');
      rmSync(gone);
      writeFileSync(longer, `${readFileSync(longer, 'utf8')}\n`);
      const size = statSync(torn).size;
      truncateSync(torn, size - 10);
      writeFileSync(torn, `${readFileSync(torn, 'utf8')}${'x'.repeat(10)}`);
      assert.equal(statSync(torn).size, size);
      writeFileSync(join(exports, '.left.tmp'), 'x');
      const oldTemporary = join(home, '.old.tmp');
      writeFileSync(oldTemporary, 'x');
      utimesSync(oldTemporary, new Date(0), new Date(0));
      writeFileSync(join(home, '.young.tmp'), 'x');
      writeFileSync(queueFile, '{"pending":[]}');
      chmodSync(join(root, 'config/export-credentials.json'), 0o644);

      const found = await ask(running);
      const messages = found.findings.map(({ message }) => message).join('\n');
      assert.deepEqual(problems(found).sort(), [
        'credentials',
        'entries',
        'entries',
        'entries',
        'files',
        'files',
        'files',
        'temporary',
        'temporary',
        'views',
      ]);
      assert.ok(existsSync(orphan) && existsSync(oldTemporary), 'an examination repairs nothing');
      for (const expected of [
        'export_20200101_000000.json',
        'notes.json',
        '.left.tmp',
        '.old.tmp',
        'export_queue.json',
        '0644',
      ])
        assert.ok(messages.includes(expected), `${expected} in ${messages}`);
      assert.doesNotMatch(messages, /device-token/);

      const repairedReport = await repair(running);
      assert.equal(repairedReport.repaired.length, 6, JSON.stringify(repairedReport.repaired));
      assert.deepEqual(
        problems(repairedReport).sort(),
        ['credentials', 'entries', 'entries', 'entries'],
        'problems that doctor must not repair',
      );
      assert.ok(!existsSync(oldTemporary) && !existsSync(join(exports, '.left.tmp')));
      assert.ok(existsSync(join(home, '.young.tmp')), 'another process may be writing it');
      assert.deepEqual(readdirSync(damaged).sort(), ['export_20200101_000001.json', 'notes.json']);
      assert.ok(running.boat.ledger.queue.findByFile(orphan) !== undefined);
      const counts = running.boat.ledger.queue.counts();
      assert.deepEqual(
        [counts.pending + counts.uploading, counts.failed],
        [5, 0],
        'nothing was failed or requeued',
      );
      const again = await repair(running);
      assert.deepEqual(again.repaired, []);
    } finally {
      await running.stop();
    }
  }));

test('without a daemon the command locks and examines the files itself, unless another process holds the lock', async (t) => {
  const processes = createProcesses(toEnding(t));
  const root = join(processes.folder('doctor'), 'boat');
  prepareBoat({ root, rows: 10 });
  const place = { root, port: await freePort(), centralUrl: NO_SERVER };
  const home = join(root, 'data/exports');
  const doctor = async (...args: readonly string[]) => {
    const { code, output } = await processes.run(
      'boat',
      ['doctor', '--json', ...args],
      toBoatEnvironment(place),
    );
    const line = output.split('\n').find((text) => text.startsWith('{'));
    assert.ok(line !== undefined, output);
    return { code, output, json: JSON.parse(line) };
  };

  const never = await doctor();
  assert.deepEqual([never.code, never.json.code], [5, 'NOT_FOUND'], never.output);
  assert.ok(!existsSync(home), 'an examination creates no folder');

  const daemon = await startDaemon(processes, place);
  const { json: made } = await daemon.request('POST', '/export/generate');
  const online = await doctor();
  assert.equal(online.code, 0, online.output);
  assert.equal(await daemon.stop(), 0);

  const well = await doctor();
  assert.deepEqual([well.code, well.json.healthy], [0, true], well.output);
  writeFileSync(join(home, 'exports', '.left.tmp'), 'x');
  const file = join(home, 'exports', String(made['export_file']));
  const orphan = readFileSync(file, 'utf8').replace(/"export_id":"[^"]*"/, '"export_id":"exp_orphan"');
  writeFileSync(join(home, 'exports', 'export_20200101_000000.json'), orphan);
  const found = await doctor();
  assert.equal(found.code, 1, found.output);
  assert.deepEqual(problems(found.json), ['files', 'temporary']);
  const repairedReport = await doctor('--repair');
  assert.deepEqual([repairedReport.code, repairedReport.json.repaired.length], [0, 2], repairedReport.output);

  const lock = holdDaemonLock(join(home, 'daemon.lock'));
  try {
    const held = await doctor();
    assert.deepEqual([held.code, held.json.code], [1, 'ALREADY_RUNNING'], held.output);
  } finally {
    lock.release();
  }

  // Damages pages in the middle of the ledger.
  const ledger = openSync(join(home, 'exports.db'), 'r+');
  for (let page = 1; page < 6; page += 1)
    writeSync(ledger, Buffer.alloc(4_000, 0x5a), 0, 4_000, page * 4_096);
  closeSync(ledger);
  const damaged = await doctor('--repair');
  assert.equal(damaged.code, 1, damaged.output);
  assert.ok(problems(damaged.json).includes('ledger'), damaged.output);
  assert.ok(existsSync(join(home, 'exports.db')), 'the ledger is quarantined only at startup');
  const revived = await startDaemon(processes, place);
  const after = await doctor();
  assert.ok(!problems(after.json).includes('ledger'), after.output);
  assert.equal(await revived.stop(), 0);
});
