import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createKeptLog } from '../testing/kept-log.ts';
import { createClock } from './clock.ts';
import { isExportError } from './errors.ts';
import type { MonotonicMs } from './ports.ts';
import { createServiceNotifier } from './service-notifier.ts';

/** Time limit for a stuck test. A notification takes a few milliseconds. */
const STUCK_MS = 120_000;

const world = { clock: createClock(), log: createKeptLog() };

describe('the service manager', () => {
  let folder = '';
  let program = '';
  let received = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'notifier-'));
    program = join(folder, 'systemd-notify');
    received = join(folder, 'received');
    await writeFile(program, `#!/bin/sh\necho "$1 $NOTIFY_SOCKET" >> '${received}'\n`, { mode: 0o755 });
  });
  after(() => rm(folder, { recursive: true }));

  it('receives ready and stopping if NOTIFY_SOCKET is set', async () => {
    const notifier = createServiceNotifier(
      world,
      { NOTIFY_SOCKET: '/run/x', PATH: process.env['PATH'] },
      program,
    );
    await notifier.ready();
    await notifier.stopping();
    assert.equal(await readFile(received, 'utf8'), '--ready /run/x\n--stopping /run/x\n');
  });

  it('is not notified without NOTIFY_SOCKET, and no program runs', async () => {
    const other = join(folder, 'never');
    await createServiceNotifier(world, {}, other).ready();
    await createServiceNotifier(world, { NOTIFY_SOCKET: '' }, other).stopping();
    await assert.rejects(stat(other), { code: 'ENOENT' });
  });

  it('receives progress at most four times per watchdog period', async () => {
    let nowMs = 0;
    const clock = { ...createClock(), monotonic: () => nowMs as MonotonicMs };
    const environment = {
      NOTIFY_SOCKET: '/run/watchdog',
      PATH: process.env['PATH'],
      WATCHDOG_USEC: '8000000',
    };
    const notifier = createServiceNotifier({ ...world, clock }, environment, program);
    const reports = async (): Promise<number> =>
      (await readFile(received, 'utf8')).split('\n').filter((line) => line === 'WATCHDOG=1 /run/watchdog')
        .length;
    for (const [atMs, expected] of [
      [0, 1],
      [1_999, 1],
      [2_000, 2],
      [60_000, 3],
    ] as const) {
      nowMs = atMs;
      notifier.progressed();
      for (const began = performance.now(); (await reports()) < expected;)
        assert.ok(performance.now() - began < STUCK_MS, 'the report arrives');
    }
    await notifier.stopping();
    assert.equal(await reports(), 3);
  });

  it('receives no progress if the unit has no watchdog', async () => {
    const other = join(folder, 'never');
    createServiceNotifier(world, { NOTIFY_SOCKET: '/run/x' }, other).progressed();
    await assert.rejects(stat(other), { code: 'ENOENT' });
  });

  it('that cannot be notified causes an error that names the program', async () => {
    const notifier = createServiceNotifier(world, { NOTIFY_SOCKET: '/run/x' }, join(folder, 'missing'));
    await assert.rejects(
      notifier.ready(),
      (error) => isExportError(error, 'INTERNAL') && error.op.includes('missing'),
    );
  });
});
