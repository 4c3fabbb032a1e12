import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { toBundleLine } from '@d3kos/protocol';
import { composeDisk, createDisk } from '../platform/disk.ts';
import { createFileSystem, type FileSystem } from '../platform/disk-file-system.ts';
import { isExportError } from '../platform/errors.ts';
import { createRandom } from '../platform/random.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { isBundleName, toBundleName, toFreeBundleName } from './policy.ts';
import { requireBundleDirectory, writeOfflineBundle } from './offline-bundle.ts';

const root = temporaryRoot('offline-bundle');
const NAME = toBundleName('0123456789abcdef', '20260601_120000');
let drives = 0;

function newDrive(): string {
  drives += 1;
  const drive = join(root, `drive-${drives}`);
  mkdirSync(drive);
  return drive;
}

const BODY = Buffer.from(`{"records":"${'x'.repeat(100_000)}"}\n`);

async function* pieces(parts = 3): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from(
    toBundleLine({
      d3kos_bundle: 'start',
      version: 1,
      installation_id: '0123456789abcdef',
      created: '2026-06-01T12:00:00Z',
      software_version: '0.1.0',
    }),
  );
  for (let index = 1; index <= parts; index += 1) {
    const line = toBundleLine({
      d3kos_bundle: 'part',
      export_id: 'exp_1',
      part: { index, count: parts },
      sha256: createHash('sha256').update(BODY).digest('hex'),
      size_bytes: BODY.length,
    });
    yield Buffer.concat([Buffer.from(line), BODY, Buffer.from('\n')]);
  }
  yield Buffer.from(toBundleLine({ d3kos_bundle: 'end', exports: 1, parts, skipped_count: 0, skipped: [] }));
}

/** Returns a disk on the real file system, with the given calls replaced. */
function diskWith(changes: (real: FileSystem) => Partial<FileSystem>) {
  const real = createFileSystem();
  return composeDisk({ ...real, ...changes(real) }, createRandom());
}

function refuse(code: string): never {
  throw Object.assign(new Error(`the drive reports ${code}`), { code });
}

test('writes a complete bundle under an unused name and never replaces another file', async () => {
  const drive = newDrive();
  const first = await writeOfflineBundle(createDisk(), drive, NAME, pieces());
  assert.deepEqual(readdirSync(drive), [NAME]);
  assert.equal(first.end.parts, 3);
  assert.equal(first.sizeBytes, readFileSync(first.file).length);
  writeFileSync(first.file, 'another file');
  const second = await writeOfflineBundle(createDisk(), drive, NAME, pieces());
  assert.equal(second.file, join(drive, NAME.replace('.bundle', '_2.bundle')));
  assert.equal(readFileSync(first.file, 'utf8'), 'another file');
});

test('reports a full USB drive and leaves no partial bundle on it', async () => {
  const drive = newDrive();
  const full = diskWith((real) => ({
    create: async (path, readers) => {
      const file = await real.create(path, readers);
      return {
        ...file,
        write: (bytes, position) =>
          position + bytes.length > 150_000 ? refuse('ENOSPC') : file.write(bytes, position),
      };
    },
  }));
  await assert.rejects(
    writeOfflineBundle(full, drive, NAME, pieces()),
    (error) => isExportError(error, 'DISK_FULL') && /USB drive is full/.test(error.message),
  );
  assert.deepEqual(readdirSync(drive), []);
});

test('fails with a hint about file systems if the drive does not confirm a write', async () => {
  for (const step of ['file', 'folder'] as const) {
    const drive = newDrive();
    const disk = diskWith((real) =>
      step === 'folder'
        ? { syncDirectory: () => refuse('EINVAL') }
        : {
            create: async (path, readers) => ({
              ...(await real.create(path, readers)),
              sync: () => refuse('EIO'),
            }),
          },
    );
    await assert.rejects(
      writeOfflineBundle(disk, drive, NAME, pieces()),
      (error) => isExportError(error, 'DISK_FAILED') && /exFAT/.test(error.hint),
    );
    if (step === 'file') assert.deepEqual(readdirSync(drive), []);
  }
});

test('removes a bundle that reads back differently', async () => {
  const drive = newDrive();
  const corrupting = diskWith((real) => ({
    create: async (path, readers) => {
      const file = await real.create(path, readers);
      return {
        ...file,
        write: (bytes, position) =>
          file.write(
            bytes.map((byte, at) => (at === 50_000 ? 0 : byte)),
            position,
          ),
      };
    },
  }));
  await assert.rejects(
    writeOfflineBundle(corrupting, drive, NAME, pieces()),
    (error) =>
      isExportError(error, 'DISK_FAILED') && /did not read back as it was written/.test(error.message),
  );
  assert.deepEqual(readdirSync(drive), []);
});

test('leaves no file if the download breaks off or ends early', async () => {
  const drive = newDrive();
  async function* broken() {
    for await (const piece of pieces()) {
      yield piece;
      if (piece.length > 1_000) throw new Error('the daemon has stopped');
    }
  }
  await assert.rejects(writeOfflineBundle(createDisk(), drive, NAME, broken()), /daemon has stopped/);
  async function* early() {
    let left = 2;
    for await (const piece of pieces()) if (left-- > 0) yield piece;
  }
  await assert.rejects(writeOfflineBundle(createDisk(), drive, NAME, early()), (error) =>
    isExportError(error, 'DISK_FAILED'),
  );
  assert.deepEqual(readdirSync(drive), []);
});

test('does not create a missing folder', async () => {
  const disk = createDisk();
  const file = join(newDrive(), 'file');
  writeFileSync(file, '');
  for (const place of [join(root, 'nothing'), file])
    await assert.rejects(requireBundleDirectory(disk, place), (error) =>
      isExportError(error, 'REQUEST_INVALID'),
    );
});

test('does not accept a path as a bundle name', () => {
  assert.ok(isBundleName(NAME));
  for (const name of ['', 'x.bundle', `../${NAME}`, `/etc/${NAME}`, `${NAME}/..`, `${NAME}\n`])
    assert.ok(!isBundleName(name), name);
  assert.equal(toFreeBundleName(NAME, 1), NAME);
});

test('detects another complete bundle in place of the one that was written', async () => {
  const drive = newDrive();
  const other = join(newDrive(), 'other');
  for await (const piece of pieces(2)) writeFileSync(other, piece, { flag: 'a' });
  const swapping = diskWith((real) => ({
    syncDirectory: async (path) => {
      await real.syncDirectory(path);
      writeFileSync(join(drive, NAME), readFileSync(other));
    },
  }));
  await assert.rejects(
    writeOfflineBundle(swapping, drive, NAME, pieces()),
    (error) =>
      isExportError(error, 'DISK_FAILED') && /did not read back as it was written/.test(error.message),
  );
});

test("links, pipes and folders with the bundle's name are neither followed nor replaced", async () => {
  const drive = newDrive();
  const target = join(newDrive(), 'target');
  writeFileSync(target, 'the file of another program');
  const names = [1, 2, 3, 4].map((attempt) => join(drive, toFreeBundleName(NAME, attempt)));
  const [link = '', dangling = '', pipe = '', folder = ''] = names;
  symlinkSync(target, link);
  symlinkSync(join(drive, 'nothing'), dangling);
  execFileSync('mkfifo', [pipe]);
  mkdirSync(folder);
  const { file } = await writeOfflineBundle(createDisk(), drive, NAME, pieces());
  assert.equal(file, join(drive, toFreeBundleName(NAME, 5)));
  assert.equal(readFileSync(target, 'utf8'), 'the file of another program');
  assert.equal(readdirSync(drive).length, 5);
});

test('a drive that reports every name as taken is refused', async () => {
  const file = { kind: 'file', sizeBytes: 0, modifiedMs: 0, fileNo: 1 } as Awaited<
    ReturnType<FileSystem['stat']>
  >;
  const claiming = diskWith(() => ({ stat: async () => file }));
  await assert.rejects(writeOfflineBundle(claiming, newDrive(), NAME, pieces()), (error) =>
    isExportError(error, 'REQUEST_INVALID'),
  );
});

test('removing the drive during the write is reported as a drive failure, not as a bug', async () => {
  const drive = newDrive();
  async function* interrupted() {
    for await (const piece of pieces()) {
      yield piece;
      rmSync(drive, { recursive: true, force: true });
    }
  }
  await assert.rejects(
    writeOfflineBundle(createDisk(), drive, NAME, interrupted()),
    (error) => isExportError(error, 'DISK_FAILED') && /USB drive/.test(error.message),
  );
});

test('a drive that fails while the bundle is discarded still reports the first failure', async () => {
  const failing = diskWith((real) => ({
    create: async (path, readers) => ({
      ...(await real.create(path, readers)),
      write: () => refuse('EROFS'),
    }),
    unlink: () => refuse('EIO'),
  }));
  await assert.rejects(
    writeOfflineBundle(failing, newDrive(), NAME, pieces()),
    (error) => isExportError(error, 'DISK_READ_ONLY') && /could not be written/.test(error.message),
  );
});

test('the bundle is written to a folder whose name contains a newline', async () => {
  const drive = join(newDrive(), 'a\n\u001b[2Jb');
  mkdirSync(drive);
  const { end } = await writeOfflineBundle(createDisk(), drive, NAME, pieces());
  assert.equal(end.parts, 3);
  assert.deepEqual(readdirSync(drive), [NAME]);
});
