import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DiskUnderTest,
  diskContract,
  fullDiskContract,
  readOnlyDiskContract,
} from './contract/disk-contract.ts';
import { mountReadOnlyView, mountSmallFileSystem } from './contract/small-file-system.ts';
import { composeDisk, createDisk, SYNC_AHEAD_BYTES } from './disk.ts';
import { createFileSystem } from './disk-file-system.ts';
import { isExportError } from './errors.ts';
import { createRandom } from './random.ts';

async function makeRealDisk(): Promise<DiskUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-disk-'));
  return { disk: createDisk(), folder, close: () => rm(folder, { recursive: true }) };
}

diskContract('the machine', makeRealDisk);

fullDiskContract('the machine', async (sizeBytes) => {
  const mounted = mountSmallFileSystem(sizeBytes);
  if (mounted.kind === 'unavailable') return { unavailable: mounted.reason };
  return { disk: createDisk(), folder: mounted.path, close: async () => mounted.unmount() };
});

readOnlyDiskContract('the machine', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-disk-'));
  await writeFile(join(folder, 'kept'), 'kept');
  const mounted = mountReadOnlyView(folder);
  if (mounted.kind === 'unavailable') {
    await rm(folder, { recursive: true });
    return { unavailable: mounted.reason };
  }
  return {
    disk: createDisk(),
    folder: mounted.path,
    close: async () => {
      mounted.unmount();
      await rm(folder, { recursive: true });
    },
  };
});

test('reads a file with a reported size of 0 to its end, as in /proc', async () => {
  const bytes = await createDisk().read('/proc/self/status', 1024 * 1024);
  assert.match(new TextDecoder().decode(bytes), /^Name:/);
});

test('syncs a large file in the background, and does not commit it if one of these syncs failed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-disk-'));
  t.after(() => rm(folder, { recursive: true }));
  const piece = new Uint8Array(SYNC_AHEAD_BYTES / 4).fill(120);
  const attempt = async (name: string, failing: number): Promise<string[]> => {
    const steps: string[] = [];
    const real = createFileSystem();
    const disk = composeDisk(
      {
        ...real,
        create: async (path, readers) => {
          const file = await real.create(path, readers);
          return {
            ...file,
            sync: async () => {
              steps.push('sync');
              if (steps.length === failing) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
              await file.sync();
              steps.push('synced');
            },
            close: async () => {
              steps.push('close');
              await file.close();
            },
          };
        },
      },
      createRandom(),
    );
    const staged = await disk.stage(join(folder, name));
    try {
      for (let count = 0; count < 6; count += 1) await staged.write(piece);
      await staged.commit();
    } finally {
      await staged.discard();
    }
    return steps;
  };
  assert.deepEqual(await attempt('whole', 0), ['sync', 'synced', 'sync', 'synced', 'close']);
  assert.equal((await readFile(join(folder, 'whole'))).length, piece.length * 6);
  await assert.rejects(attempt('lost', 1), (error) => isExportError(error, 'DISK_FAILED'));
  assert.deepEqual(readdirSync(folder), ['whole']);
});

test('a pipe without a writer fails immediately', async (t) => {
  const { disk, folder, close } = await makeRealDisk();
  t.after(close);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await assert.rejects(disk.read(join(folder, 'pipe'), 10), (error) => isExportError(error, 'DISK_FAILED'));
  assert.equal((await disk.stat(join(folder, 'pipe')))?.kind, 'other');
});

test("refuses links in the export manager's folders, follows links to sources, and lists every entry", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-disk-'));
  t.after(() => rm(folder, { recursive: true }));
  const disk = createDisk();
  await writeFile(join(folder, 'target'), 'text');
  const links = { dangling: 'nowhere', file: 'target', folder: '.', loop: 'loop' };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, name));
  const kindsOf = async (mode?: 'follow') =>
    Object.fromEntries(((await disk.list(folder, mode)) ?? []).map(({ name, kind }) => [name, kind]));
  assert.deepEqual(await kindsOf(), {
    dangling: 'other',
    file: 'other',
    folder: 'other',
    loop: 'other',
    target: 'file',
  });
  assert.deepEqual(await kindsOf('follow'), {
    dangling: 'other',
    file: 'file',
    folder: 'directory',
    loop: 'other',
    target: 'file',
  });
  for (const name of Object.keys(links)) {
    const path = join(folder, name);
    assert.equal((await disk.stat(path))?.kind, 'other');
    await assert.rejects(disk.read(path, 100), (error) => isExportError(error, 'DISK_FAILED'));
    await assert.rejects(disk.readRange(path, 0, 1), (error) => isExportError(error, 'DISK_FAILED'));
  }
  assert.equal(await disk.read(join(folder, 'dangling'), 100, 'follow'), undefined);
  assert.equal(Buffer.from((await disk.read(join(folder, 'file'), 100, 'follow')) ?? []).toString(), 'text');
});

test('lets only its own user account read new files and folders, unless readers is everyone', async (t) => {
  const { disk, folder, close } = await makeRealDisk();
  t.after(close);
  const modeOf = async (name: string) =>
    ((await disk.stat(join(folder, name)))?.permissions ?? 0).toString(8);
  const umask = process.umask(0o077);
  try {
    await disk.replace(join(folder, 'file'), new Uint8Array(1));
    const view = await disk.stage(join(folder, 'view'), 'everyone');
    await view.commit();
    await disk.makeDirectory(join(folder, 'home', 'view'), 'everyone');
    await disk.makeDirectory(join(folder, 'home', 'exports'));
    process.umask(0o022);
    await disk.replace(join(folder, 'second'), new Uint8Array(1));
  } finally {
    process.umask(umask);
  }
  const modes = await Promise.all(
    ['file', 'second', 'view', 'home', 'home/view', 'home/exports'].map(modeOf),
  );
  assert.deepEqual(modes, ['600', '600', '644', '755', '755', '700']);
  await writeFile(join(folder, 'open'), '', { mode: 0o644 });
  await symlink('open', join(folder, 'link'));
  await disk.restrict(join(folder, 'link'));
  assert.equal(await modeOf('open'), '644');
  await disk.restrict(join(folder, 'open'));
  await disk.restrict(join(folder, 'nowhere'));
  assert.equal(await modeOf('open'), '600');
});

test('lists the other entries if one cannot be examined', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-disk-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of ['good', 'bad']) await writeFile(join(folder, name), 'text');
  const real = createFileSystem();
  for (const code of ['EIO', 'ELOOP', 'EACCES']) {
    const disk = composeDisk(
      {
        ...real,
        stat: async (path, links) => {
          if (path.endsWith('bad')) throw Object.assign(new Error(code), { code });
          return real.stat(path, links);
        },
      },
      createRandom(),
    );
    assert.deepEqual(
      (await disk.list(folder))?.map(({ name, kind }) => [name, kind]),
      [
        ['bad', 'other'],
        ['good', 'file'],
      ],
    );
  }
});

test('reports that the process or the system has run out of file descriptors as FILES_EXHAUSTED', async () => {
  const real = createFileSystem();
  for (const code of ['EMFILE', 'ENFILE']) {
    const fail = () => Promise.reject(Object.assign(new Error(code), { code }));
    const disk = composeDisk({ ...real, openToRead: fail, create: fail }, createRandom());
    await assert.rejects(disk.read('/etc/hostname', 100), (error) => isExportError(error, 'FILES_EXHAUSTED'));
    await assert.rejects(disk.stage('/tmp/x'), (error) => isExportError(error, 'FILES_EXHAUSTED'));
  }
});

test('closes every file after commits, discards and failures', async (t) => {
  const { disk, folder, close } = await makeRealDisk();
  t.after(close);
  await disk.replace(join(folder, 'file'), new Uint8Array(10));
  await (await disk.stage(join(folder, 'other'))).discard();
  await disk.makeDirectory(join(folder, 'folder'));
  const doomed = await disk.stage(join(folder, 'folder'));
  await assert.rejects(doomed.commit());
  await doomed.discard();
  await assert.rejects(disk.read(join(folder, 'file'), 5));
  assert.deepEqual(openFilesUnder(folder), []);
  assert.deepEqual(readdirSync(folder).sort(), ['file', 'folder']);
  assert.equal((await readFile(join(folder, 'file'))).length, 10);
});

function openFilesUnder(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((descriptor) => {
    try {
      const target = readlinkSync(join('/proc/self/fd', descriptor));
      return target.startsWith(folder) ? [target] : [];
    } catch {
      // The descriptor for listing this directory has already been closed.
      return [];
    }
  });
}
