import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

const root = temporaryRoot('stick');
const NAME = toBundleName('0123456789abcdef', '20260601_120000');
let sticks = 0;

function newStick(): string {
  sticks += 1;
  const stick = join(root, `stick-${sticks}`);
  mkdirSync(stick);
  return stick;
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

/** The machine's file system with one of its steps changed. */
function diskWith(changes: (real: FileSystem) => Partial<FileSystem>) {
  const real = createFileSystem();
  return composeDisk({ ...real, ...changes(real) }, createRandom());
}

function refuse(code: string): never {
  throw Object.assign(new Error(`the stick says ${code}`), { code });
}

test('a bundle is on the stick whole, under its own name, and never in place of another file', async () => {
  const stick = newStick();
  const first = await writeOfflineBundle(createDisk(), stick, NAME, pieces());
  assert.deepEqual(readdirSync(stick), [NAME]);
  assert.equal(first.end.parts, 3);
  assert.equal(first.sizeBytes, readFileSync(first.file).length);
  writeFileSync(first.file, 'somebody else');
  const second = await writeOfflineBundle(createDisk(), stick, NAME, pieces());
  assert.equal(second.file, join(stick, NAME.replace('.bundle', '_2.bundle')));
  assert.equal(readFileSync(first.file, 'utf8'), 'somebody else');
});

test('a full stick is told as that, and no half bundle stays on it', async () => {
  const stick = newStick();
  const full = diskWith((real) => ({
    create: async (path) => {
      const file = await real.create(path);
      return {
        ...file,
        write: (bytes, position) =>
          position + bytes.length > 150_000 ? refuse('ENOSPC') : file.write(bytes, position),
      };
    },
  }));
  await assert.rejects(
    writeOfflineBundle(full, stick, NAME, pieces()),
    (error) => isExportError(error, 'DISK_FULL') && /stick is full/.test(error.message),
  );
  assert.deepEqual(readdirSync(stick), []);
});

test('a stick that does not confirm a write is told as that', async () => {
  for (const step of ['file', 'folder'] as const) {
    const stick = newStick();
    const disk = diskWith((real) =>
      step === 'folder'
        ? { syncDirectory: () => refuse('EINVAL') }
        : { create: async (path) => ({ ...(await real.create(path)), sync: () => refuse('EIO') }) },
    );
    await assert.rejects(
      writeOfflineBundle(disk, stick, NAME, pieces()),
      (error) => isExportError(error, 'DISK_FAILED') && /exFAT/.test(error.hint),
    );
    if (step === 'file') assert.deepEqual(readdirSync(stick), []);
  }
});

test('what reads back differently is removed', async () => {
  const stick = newStick();
  const forgetful = diskWith((real) => ({
    create: async (path) => {
      const file = await real.create(path);
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
    writeOfflineBundle(forgetful, stick, NAME, pieces()),
    (error) => isExportError(error, 'DISK_FAILED') && /reads back differently/.test(error.message),
  );
  assert.deepEqual(readdirSync(stick), []);
});

test('a bundle that breaks off while it arrives, or ends early, leaves nothing', async () => {
  const stick = newStick();
  async function* broken() {
    for await (const piece of pieces()) {
      yield piece;
      if (piece.length > 1_000) throw new Error('the daemon is gone');
    }
  }
  await assert.rejects(writeOfflineBundle(createDisk(), stick, NAME, broken()), /daemon is gone/);
  async function* early() {
    let left = 2;
    for await (const piece of pieces()) if (left-- > 0) yield piece;
  }
  await assert.rejects(writeOfflineBundle(createDisk(), stick, NAME, early()), (error) =>
    isExportError(error, 'DISK_FAILED'),
  );
  assert.deepEqual(readdirSync(stick), []);
});

test('a folder that is not there is not made', async () => {
  const disk = createDisk();
  const file = join(newStick(), 'file');
  writeFileSync(file, '');
  for (const place of [join(root, 'nothing'), file])
    await assert.rejects(requireBundleDirectory(disk, place), (error) =>
      isExportError(error, 'REQUEST_INVALID'),
    );
});

test('a name that leads elsewhere is not the name of a bundle', () => {
  assert.ok(isBundleName(NAME));
  for (const name of ['', 'x.bundle', `../${NAME}`, `/etc/${NAME}`, `${NAME}/..`, `${NAME}\n`])
    assert.ok(!isBundleName(name), name);
  assert.equal(toFreeBundleName(NAME, 1), NAME);
});
