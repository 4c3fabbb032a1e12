import { strict as assert } from 'node:assert';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { test } from 'node:test';
import { completeLibraryLinks, findEmbeddedBinaries } from './embedded-binaries.ts';
import { borrowEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { LOG_FILE_SIZE_MAX_BYTES } from './bounded-log-file.ts';
import { isCentralFailure } from './errors.ts';
import { SILENT_LOG } from './log.ts';
import { openPgStore } from './pg-store.ts';

/** The usual id of the account `nobody`. */
const NOBODY = 65_534;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'central-embedded-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('refuses a second server on a data directory in use, and lets a command use the running one', async () => {
  await withFolder(async (dataDir) => {
    const options = { dataDir, log: SILENT_LOG, fsync: 'off' } as const;
    const owner = await startEmbeddedPostgres(options);
    try {
      await assert.rejects(startEmbeddedPostgres(options), (error) =>
        isCentralFailure(error, 'DATA_DIR_IN_USE'),
      );
      const guest = await borrowEmbeddedPostgres(options);
      assert.deepEqual(guest.address, owner.address);
      await guest.stop();
      const store = openPgStore(owner.address, SILENT_LOG);
      assert.equal((await store.query('select 1 as one'))[0]?.['one'], 1);
      await store.close();
    } finally {
      await owner.stop();
    }
  });
});

test('commits durably if the server disables synchronous_commit, and reports a refused login as STORE_UNAVAILABLE', async () => {
  await withFolder(async (dataDir) => {
    // `fsync: off` disables synchronous_commit on the server, as an operator may for a database or a login.
    const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
    const [store, strange, elsewhere] = [
      openPgStore(embedded.address, SILENT_LOG),
      openPgStore({ ...embedded.address, user: 'nobody_here' }, SILENT_LOG),
      openPgStore({ ...embedded.address, database: 'not_here' }, SILENT_LOG),
    ];
    try {
      const show = "select current_setting('synchronous_commit') as commits";
      assert.equal((await store.query(show))[0]?.['commits'], 'off');
      assert.equal((await store.transaction((tx) => tx.query(show)))[0]?.['commits'], 'on');
      for (const refused of [strange, elsewhere])
        await assert.rejects(refused.query('select 1'), (error) =>
          isCentralFailure(error, 'STORE_UNAVAILABLE'),
        );
    } finally {
      await Promise.all([store.close(), strange.close(), elsewhere.close()]);
      await embedded.stop();
    }
  });
});

test('bounds the log of PostgreSQL and keeps its newest lines', async () => {
  await withFolder(async (dataDir) => {
    const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
    const store = openPgStore(embedded.address, SILENT_LOG);
    const linesOf = (sizeBytes: number) => `do $$ begin
      for i in 1..${Math.ceil(sizeBytes / 50_000)} loop raise log '%', repeat('x', 50000); end loop;
    end $$`;
    try {
      await store.script(linesOf(2.5 * LOG_FILE_SIZE_MAX_BYTES));
    } finally {
      await store.close();
      await embedded.stop();
    }
    const path = join(dataDir, 'postgres.log');
    assert.ok((await stat(path)).size <= LOG_FILE_SIZE_MAX_BYTES);
    assert.ok((await stat(`${path}.1`)).size <= LOG_FILE_SIZE_MAX_BYTES);
    assert.match(await readFile(path, 'utf8'), /database system is shut down\n$/);
  });
});

test('creates the database again if its creation was interrupted', async () => {
  await withFolder(async (dataDir) => {
    await mkdir(join(dataDir, 'postgres.new'));
    await writeFile(join(dataDir, 'postgres.new', 'PG_VERSION'), '18\n');
    const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
    await embedded.stop();
    assert.deepEqual((await readdir(dataDir)).sort(), ['postgres', 'postgres.log']);
  });
});

test('does not mistake an unrelated process for the postmaster of a stale pid file, and removes its socket folder', async () => {
  await withFolder(async (dataDir) => {
    const options = { dataDir, log: SILENT_LOG, fsync: 'off' } as const;
    await (await startEmbeddedPostgres(options)).stop();
    // After a power cut, the pid may belong to an unrelated process.
    const unrelated = spawn('sleep', ['600']);
    const socketDir = await mkdtemp(join(tmpdir(), 'd3kos-central-'));
    try {
      const lines = [unrelated.pid, join(dataDir, 'postgres'), 1, 5432, socketDir, '', '', 'ready'];
      await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), `${lines.join('\n')}\n`);
      const embedded = await startEmbeddedPostgres(options);
      await embedded.stop();
      assert.equal(unrelated.exitCode ?? unrelated.signalCode, null);
      await assert.rejects(stat(socketDir), { code: 'ENOENT' });
    } finally {
      await rm(socketDir, { recursive: true, force: true });
      unrelated.kill();
    }
  });
});

test('creates the library links that an install without scripts lacks, also in concurrent calls', async () => {
  await withFolder(async (folder) => {
    await mkdir(join(folder, 'native', 'lib'), { recursive: true });
    await writeFile(join(folder, 'native', 'lib', 'libx.so.1.2'), 'library');
    const links = ['libx.so', 'libx.so.1'].map((name) => ({
      source: 'native/lib/libx.so.1.2',
      target: `native/lib/${name}`,
    }));
    await writeFile(join(folder, 'native', 'pg-symlinks.json'), JSON.stringify(links));
    await Promise.all([completeLibraryLinks(folder), completeLibraryLinks(folder)]);
    for (const { target } of links) assert.equal(await readlink(join(folder, target)), 'libx.so.1.2');
  });
});

test('runs as a different account if root may not create a user namespace, and as root again later', async (context) => {
  const { postgres } = await findEmbeddedBinaries();
  if (process.getuid?.() !== 0) return context.skip('only root needs a different account');
  if (spawnSync(postgres, ['--version'], { uid: NOBODY }).status !== 0)
    return context.skip('other accounts cannot reach this checkout');
  await withFolder(async (folder) => {
    const options = { dataDir: join(folder, 'data'), log: SILENT_LOG, fsync: 'off' } as const;
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await symlink(execFileSync('sh', ['-c', 'command -v id'], { encoding: 'utf8' }).trim(), join(bin, 'id'));
    // Other accounts must be able to reach the data directory.
    execFileSync('chmod', ['755', folder]);
    const { PATH = '' } = process.env;
    const before = PATH.split(delimiter);
    process.env['PATH'] = bin;
    try {
      await (await startEmbeddedPostgres(options)).stop();
    } finally {
      process.env['PATH'] = before.join(delimiter);
    }
    assert.notEqual((await stat(join(options.dataDir, 'postgres'))).uid, 0);
    await (await startEmbeddedPostgres(options)).stop();
    assert.equal((await stat(join(options.dataDir, 'postgres', 'PG_VERSION'))).uid, 0);
  });
});
