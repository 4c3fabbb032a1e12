import { strict as assert } from 'node:assert';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { lockDataDirectory } from './data-directory-lock.ts';
import { repairEntrance, repairModes } from './data-directory-modes.ts';
import { completeLibraryLinks, findEmbeddedBinaries } from './embedded-binaries.ts';
import { borrowEmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { LOG_FILE_SIZE_MAX_BYTES } from './bounded-log-file.ts';
import { isCentralFailure } from './errors.ts';
import { SILENT_LOG } from './log.ts';
import { openPgStore } from './pg-store.ts';
import { findAnsweringSocket } from './postmaster.ts';
import { copyCluster } from './testing/cluster-template.ts';

/** The usual user ID of the account `nobody`. */
const NOBODY = 65_534;

/** The usual user ID of `daemon`, an account that exists on every machine. It stands in for central's own account. */
const OWN_ACCOUNT = 1;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'central-embedded-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('refuses a second server on a data directory in use, but lets a command use the running server', async () => {
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

test('uses no socket whose folder belongs to a different account than the data directory', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can give a folder to another account');
  await withFolder(async (folder) => {
    const server = await startEmbeddedPostgres({ dataDir: join(folder, 'a'), log: SILENT_LOG, fsync: 'off' });
    try {
      const dataDir = join(folder, 'b');
      const { host } = server.address;
      await mkdir(join(dataDir, 'postgres'), { recursive: true });
      await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), `1\n\n\n\n${host}\n`);
      assert.equal(await findAnsweringSocket(dataDir), host);
      await chown(dataDir, OWN_ACCOUNT, OWN_ACCOUNT);
      assert.equal(await findAnsweringSocket(dataDir), undefined);
    } finally {
      await server.stop();
    }
  });
});

test('commits durably if the server disables synchronous_commit, and distinguishes a refused login from a missing database', async () => {
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
      const plain = new pg.Client({ ...embedded.address });
      await plain.connect();
      const { rows } = await plain.query(show).finally(() => plain.end());
      assert.deepEqual(rows, [{ commits: 'off' }]);
      assert.equal((await store.query(show))[0]?.['commits'], 'on');
      assert.equal((await store.transaction((tx) => tx.query(show)))[0]?.['commits'], 'on');
      await assert.rejects(strange.query('select 1'), (error) =>
        isCentralFailure(error, 'STORE_LOGIN_REFUSED'),
      );
      await assert.rejects(elsewhere.query('select 1'), (error) =>
        isCentralFailure(error, 'STORE_DATABASE_MISSING'),
      );
    } finally {
      await Promise.all([store.close(), strange.close(), elsewhere.close()]);
      await embedded.stop();
    }
  });
});

test('limits the size of the PostgreSQL log and keeps its newest lines', async () => {
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
    assert.deepEqual((await readdir(dataDir)).sort(), ['central.lock', 'postgres', 'postgres.log']);
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

test('creates the library links that an installation without scripts lacks, even in concurrent calls', async () => {
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

/** Runs `work` with a PATH on which `unshare` is missing and `id` runs `idScript`. */
async function withoutNamespaces(folder: string, idScript: string, work: () => Promise<void>): Promise<void> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'id'), `#!/bin/sh\n${idScript}\n`, { mode: 0o755 });
  const { PATH = '' } = process.env;
  process.env['PATH'] = bin;
  try {
    await work();
  } finally {
    process.env['PATH'] = PATH;
  }
}

test('runs as its own account if root is not allowed to create a user namespace, and as root again later', async (context) => {
  const { postgres } = await findEmbeddedBinaries();
  if (process.getuid?.() !== 0) return context.skip('only root needs a different account');
  if (spawnSync(postgres, ['--version'], { uid: OWN_ACCOUNT }).status !== 0)
    return context.skip('other accounts cannot reach this checkout');
  await withFolder(async (folder) => {
    const options = { dataDir: join(folder, 'data'), log: SILENT_LOG, fsync: 'off' } as const;
    // Other accounts must be able to reach the data directory.
    await chmod(folder, 0o755);
    const idScript = `case "$2" in d3kos-central) echo ${OWN_ACCOUNT};; *) exit 1;; esac`;
    await withoutNamespaces(folder, idScript, async () => {
      await (await startEmbeddedPostgres(options)).stop();
    });
    assert.equal((await stat(join(options.dataDir, 'postgres'))).uid, OWN_ACCOUNT);
    // This machine has no account with that name, so the folder belongs to an unknown account.
    await assert.rejects(startEmbeddedPostgres(options), (error) =>
      isCentralFailure(error, 'EMBEDDED_FAILED'),
    );
    await chownAll(options.dataDir, 0);
    await (await startEmbeddedPostgres(options)).stop();
    assert.equal((await stat(join(options.dataDir, 'postgres', 'PG_VERSION'))).uid, 0);
  });
});

test('refuses to run as a shared account, and names the account to create', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root needs a different account');
  await withFolder(async (folder) => {
    const options = { dataDir: join(folder, 'data'), log: SILENT_LOG, fsync: 'off' } as const;
    const idScript = `case "$2" in nobody|postgres) echo ${NOBODY};; *) exit 1;; esac`;
    await withoutNamespaces(folder, idScript, async () => {
      await assert.rejects(startEmbeddedPostgres(options), (error) => {
        assert.ok(isCentralFailure(error, 'EMBEDDED_UNAVAILABLE'));
        assert.match(error.hint, /useradd --system .* d3kos-central/);
        return true;
      });
    });
  });
});

async function chownAll(folder: string, uid: number): Promise<void> {
  execFileSync('chown', ['-R', `${uid}:${uid}`, folder]);
}

/** Mode changes in a data directory that copying or restoring can cause. */
const COPIES: readonly (readonly [what: string, command: readonly string[]])[] = [
  ['everyone may read it, as after a copy from FAT', ['-R', 'a+rwX']],
  ['it is read-only, as after a copy from a read-only medium', ['-R', 'a-w']],
  ['its group may enter it', ['-R', 'g+rX']],
];

for (const [what, command] of COPIES)
  test(`repairs the modes of its data folder if ${what}`, async () => {
    await withFolder(async (folder) => {
      const options = { dataDir: join(folder, 'data'), log: SILENT_LOG, fsync: 'off' } as const;
      await copyCluster(options.dataDir);
      execFileSync('chmod', [...command, options.dataDir]);
      await (await startEmbeddedPostgres(options)).stop();
      const modeOf = async (path: string) => (await stat(join(options.dataDir, path))).mode & 0o777;
      assert.deepEqual(
        [await modeOf('.'), await modeOf('postgres'), await modeOf('postgres/base')],
        [0o700, 0o700, 0o700],
      );
      assert.equal(await modeOf('postgres/PG_VERSION'), 0o600);
    });
  });

test('does not change the modes of a folder without a database, and never follows a link that leads out of its own folder', async () => {
  await withFolder(async (folder) => {
    const [own, other] = [join(folder, 'own'), join(folder, 'other')];
    await mkdir(own, { mode: 0o755 });
    await writeFile(join(own, 'letter'), 'text', { mode: 0o644 });
    await repairEntrance(own);
    await repairModes(own, SILENT_LOG);
    assert.deepEqual(
      [(await stat(own)).mode & 0o777, (await stat(join(own, 'letter'))).mode & 0o777],
      [0o755, 0o644],
    );
    await mkdir(join(own, 'postgres'));
    await writeFile(other, 'text', { mode: 0o644 });
    await symlink(other, join(own, 'postgres', 'PG_VERSION'));
    await repairModes(own, SILENT_LOG);
    assert.equal((await stat(other)).mode & 0o777, 0o644);
  });
});

test('locks a data directory by means of a file in it that other accounts cannot reach', async () => {
  await withFolder(async (folder) => {
    const dataDir = join(folder, 'data');
    await mkdir(dataDir, { mode: 0o700 });
    // The name of the abstract socket used previously, which any account could bind.
    const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 32);
    const socket = createServer().listen(`\0d3kos-central/${process.getuid?.() ?? 0}/${name}`);
    await once(socket, 'listening');
    try {
      const lock = await lockDataDirectory(dataDir);
      assert.ok(lock !== undefined);
      assert.equal(await lockDataDirectory(dataDir), undefined);
      assert.equal((await stat(join(dataDir, 'central.lock'))).mode & 0o777, 0o600);
      await lock.release();
      const again = await lockDataDirectory(dataDir);
      assert.ok(again !== undefined);
      await again.release();
    } finally {
      socket.close();
    }
    await rm(join(dataDir, 'central.lock'));
    await writeFile(join(folder, 'other'), '');
    await symlink(join(folder, 'other'), join(dataDir, 'central.lock'));
    await assert.rejects(lockDataDirectory(dataDir), { code: 'ELOOP' });
  });
});

const SMALL_DISKS: readonly (readonly [what: string, options: string, message: RegExp])[] = [
  ['has no inodes left', 'size=200m,nr_inodes=40', /no inode is left/],
  ['is full', 'size=2m', /is full/],
];

for (const [what, mountOptions, message] of SMALL_DISKS)
  test(`names the cause if a new data directory's disk ${what}`, async (context) => {
    await withFolder(async (folder) => {
      const dataDir = join(folder, 'data');
      await mkdir(dataDir);
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', mountOptions, 'tmpfs', dataDir]).status !== 0)
        return context.skip('no file system can be mounted here');
      try {
        await assert.rejects(
          startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' }),
          (error) => isCentralFailure(error, 'DATA_DIR_FULL') && message.test(error.message),
        );
      } finally {
        execFileSync('umount', ['-l', dataDir]);
      }
    });
  });
