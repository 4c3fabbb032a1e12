import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isExportError } from './errors.ts';
import { createServiceNotifier } from './service-notifier.ts';

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
    const notifier = createServiceNotifier({ NOTIFY_SOCKET: '/run/x', PATH: process.env['PATH'] }, program);
    await notifier.ready();
    await notifier.stopping();
    assert.equal(await readFile(received, 'utf8'), '--ready /run/x\n--stopping /run/x\n');
  });

  it('is not notified without NOTIFY_SOCKET, and no program runs', async () => {
    const other = join(folder, 'never');
    await createServiceNotifier({}, other).ready();
    await createServiceNotifier({ NOTIFY_SOCKET: '' }, other).stopping();
    await assert.rejects(stat(other), { code: 'ENOENT' });
  });

  it('that cannot be notified is a failure that names the program', async () => {
    const notifier = createServiceNotifier({ NOTIFY_SOCKET: '/run/x' }, join(folder, 'missing'));
    await assert.rejects(
      notifier.ready(),
      (error) => isExportError(error, 'INTERNAL') && error.op.includes('missing'),
    );
  });
});
