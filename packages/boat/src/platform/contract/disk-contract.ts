import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { isExportError } from '../errors.ts';
import type { Disk } from '../ports.ts';

/** A disk under test with an empty folder on it. */
export interface DiskUnderTest {
  readonly disk: Disk;
  readonly folder: string;
  close(): Promise<void>;
}

/** A disk for a test, or the reason why this machine cannot provide one. */
export type DiskOffer = DiskUnderTest | { readonly unavailable: string };

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const SIZE_MAX_BYTES = 1024 * 1024;

async function namesIn(disk: Disk, folder: string): Promise<readonly string[]> {
  return (await disk.list(folder))?.map((entry) => entry.name) ?? [];
}

function declare(
  makeDisk: () => Promise<DiskOffer>,
): (name: string, body: (subject: DiskUnderTest) => Promise<void>) => void {
  return (name, body) =>
    void test(name, async (t: TestContext) => {
      const subject = await makeDisk();
      if ('unavailable' in subject) {
        t.skip(subject.unavailable);
        return;
      }
      try {
        await body(subject);
      } finally {
        await subject.close();
      }
    });
}

/** Declares the tests that every Disk must pass. */
export function diskContract(name: string, makeDisk: () => Promise<DiskUnderTest>): void {
  const promise = declare(makeDisk);
  describe(`disk contract: ${name}`, () => {
    stagingContract(promise);
    readingContract(promise);
    changingContract(promise);
  });
}

type Declare = ReturnType<typeof declare>;

function stagingContract(promise: Declare): void {
  promise('a staged file appears complete at its commit', async ({ disk, folder }) => {
    const path = join(folder, 'export.json');
    const staged = await disk.stage(path);
    await staged.write(bytesOf('{"a":'));
    await staged.write(bytesOf(''));
    await staged.write(bytesOf('1}'));
    assert.equal(await disk.stat(path), undefined);
    const [temporary] = await namesIn(disk, folder);
    assert.match(temporary ?? '', /^\.export\.json\.[0-9a-f]+\.tmp$/);
    await staged.commit();
    assert.deepEqual(await namesIn(disk, folder), ['export.json']);
    assert.equal(textOf(await disk.read(path, SIZE_MAX_BYTES)), '{"a":1}');
  });

  promise('a discarded file leaves nothing behind, and discard can be repeated', async ({ disk, folder }) => {
    const staged = await disk.stage(join(folder, 'export.json'));
    await staged.write(bytesOf('half'));
    await staged.discard();
    await staged.discard();
    assert.deepEqual(await namesIn(disk, folder), []);
    await assert.rejects(staged.commit());
  });

  promise('discard after commit keeps the file', async ({ disk, folder }) => {
    const path = join(folder, 'export.json');
    const staged = await disk.stage(path);
    await staged.commit();
    await staged.discard();
    assert.equal(textOf(await disk.read(path, SIZE_MAX_BYTES)), '');
  });

  promise(
    'a commit replaces the file, and two files staged for one path do not collide',
    async ({ disk, folder }) => {
      const path = join(folder, 'queue.json');
      await disk.replace(path, bytesOf('a much longer first version'));
      const one = await disk.stage(path);
      const two = await disk.stage(path);
      await one.write(bytesOf('one'));
      await two.write(bytesOf('two'));
      await one.commit();
      assert.equal(textOf(await disk.read(path, SIZE_MAX_BYTES)), 'one');
      await two.commit();
      assert.equal(textOf(await disk.read(path, SIZE_MAX_BYTES)), 'two');
      assert.deepEqual(await namesIn(disk, folder), ['queue.json']);
    },
  );

  promise('staging in a missing folder fails', async ({ disk, folder }) => {
    const path = join(folder, 'nowhere', 'export.json');
    await assert.rejects(
      disk.stage(path),
      (error) => isExportError(error, 'DISK_FAILED') && error.op.includes(path.slice(0, -11)),
    );
  });
}

function readingContract(promise: Declare): void {
  promise(
    'a missing file is returned as undefined, even for a path below a file',
    async ({ disk, folder }) => {
      await disk.replace(join(folder, 'file'), bytesOf('x'));
      for (const path of [
        join(folder, 'none'),
        join(folder, 'none', 'deeper'),
        join(folder, 'file', 'deeper'),
      ]) {
        assert.equal(await disk.read(path, SIZE_MAX_BYTES), undefined);
        assert.equal(await disk.readRange(path, 0, 10), undefined);
        assert.equal(await disk.stat(path), undefined);
        assert.equal(await disk.list(path), undefined);
        await disk.remove(path);
      }
      assert.equal(await disk.list(join(folder, 'file')), undefined);
    },
  );

  promise('a folder in place of a file is a failure and not a missing file', async ({ disk, folder }) => {
    await assert.rejects(disk.read(folder, SIZE_MAX_BYTES), (error) => isExportError(error, 'DISK_FAILED'));
    await assert.rejects(disk.readRange(folder, 0, 1), (error) => isExportError(error, 'DISK_FAILED'));
  });

  promise('reads a file of the maximum size and refuses one byte more', async ({ disk, folder }) => {
    const path = join(folder, 'file');
    await disk.replace(path, new Uint8Array(10_000).fill(7));
    assert.equal((await disk.read(path, 10_000))?.length, 10_000);
    await assert.rejects(disk.read(path, 9_999), (error) => isExportError(error, 'FILE_TOO_LARGE'));
  });

  promise('a range has the requested length, except at the end of the file', async ({ disk, folder }) => {
    const path = join(folder, 'file');
    await disk.replace(path, bytesOf('0123456789'));
    assert.equal(textOf(await disk.readRange(path, 2, 3)), '234');
    assert.equal(textOf(await disk.readRange(path, 8, 5)), '89');
    assert.equal(textOf(await disk.readRange(path, 10, 5)), '');
    assert.equal(textOf(await disk.readRange(path, 99, 5)), '');
    assert.equal(textOf(await disk.readRange(path, 3, 0)), '');
  });

  promise('a list is sorted and includes the type of each entry', async ({ disk, folder }) => {
    await disk.replace(join(folder, 'b'), bytesOf('12345'));
    await disk.makeDirectory(join(folder, 'a'));
    await disk.replace(join(folder, 'B'), bytesOf(''));
    const entries = await disk.list(folder);
    assert.deepEqual(
      entries?.map(({ name, kind }) => [name, kind]),
      [
        ['B', 'file'],
        ['a', 'directory'],
        ['b', 'file'],
      ],
    );
    assert.equal(entries?.[2]?.sizeBytes, 5);
    assert(Number.isInteger(entries?.[2]?.modifiedMs));
    const facts = await disk.stat(join(folder, 'b'));
    assert.equal(facts?.kind, 'file');
    assert.equal(facts?.sizeBytes, 5);
  });

  promise('reports the free space for a path that does not exist yet', async ({ disk, folder }) => {
    const { freeBytes, totalBytes } = await disk.space(join(folder, 'not', 'yet'));
    assert(freeBytes > 0 && freeBytes <= totalBytes);
  });
}

function changingContract(promise: Declare): void {
  promise(
    'creates directories with their parents, and has no effect if they exist',
    async ({ disk, folder }) => {
      const path = join(folder, 'data', 'exports', 'failed_exports');
      await disk.makeDirectory(path);
      await disk.makeDirectory(path);
      assert.equal((await disk.stat(path))?.kind, 'directory');
      await disk.replace(join(folder, 'file'), bytesOf('x'));
      await assert.rejects(disk.makeDirectory(join(folder, 'file')), (error) =>
        isExportError(error, 'DISK_FAILED'),
      );
    },
  );

  promise('a move keeps the bytes, within a folder and between folders', async ({ disk, folder }) => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    const third = join(folder, 'failed', 'third');
    await disk.makeDirectory(join(folder, 'failed'));
    await disk.replace(first, bytesOf('kept'));
    await disk.move(first, second);
    await disk.move(second, third);
    assert.deepEqual(await namesIn(disk, folder), ['failed']);
    assert.equal(textOf(await disk.read(third, SIZE_MAX_BYTES)), 'kept');
    await disk.replace(first, bytesOf('newer'));
    await disk.move(first, third);
    assert.equal(textOf(await disk.read(third, SIZE_MAX_BYTES)), 'newer');
    await assert.rejects(
      disk.move(first, second),
      (error) => isExportError(error, 'DISK_FAILED') && error.op.includes(first),
    );
  });

  promise('removes a file, and refuses to remove a folder', async ({ disk, folder }) => {
    const path = join(folder, 'file');
    await disk.replace(path, bytesOf('x'));
    await disk.remove(path);
    await disk.remove(path);
    assert.deepEqual(await namesIn(disk, folder), []);
    await disk.makeDirectory(path);
    await assert.rejects(disk.remove(path), (error) => isExportError(error, 'DISK_FAILED'));
  });
}

/** Declares the tests for a Disk that is nearly full. `makeSmallDisk` creates one with about `sizeBytes` of space. */
export function fullDiskContract(
  name: string,
  makeSmallDisk: (sizeBytes: number) => Promise<DiskOffer>,
): void {
  const promise = declare(() => makeSmallDisk(SMALL_DISK_BYTES));
  describe(`full disk contract: ${name}`, () => {
    promise(
      'a full disk throws DISK_FULL, and a partial file is never committed',
      async ({ disk, folder }) => {
        const path = join(folder, 'export.json');
        const staged = await disk.stage(path);
        await assert.rejects(staged.write(new Uint8Array(SMALL_DISK_BYTES * 2)), (error) =>
          isExportError(error, 'DISK_FULL'),
        );
        await assert.rejects(staged.commit());
        await staged.discard();
        assert.deepEqual(await namesIn(disk, folder), []);
        assert((await disk.space(folder)).freeBytes > SMALL_DISK_BYTES / 2);
      },
    );

    promise(
      'a failed replacement keeps the old content and leaves no temporary file',
      async ({ disk, folder }) => {
        const path = join(folder, 'queue.json');
        await disk.replace(path, bytesOf('old'));
        await assert.rejects(disk.replace(path, new Uint8Array(SMALL_DISK_BYTES * 2)), (error) =>
          isExportError(error, 'DISK_FULL'),
        );
        assert.deepEqual(await namesIn(disk, folder), ['queue.json']);
        assert.equal(textOf(await disk.read(path, SIZE_MAX_BYTES)), 'old');
      },
    );

    promise('files can be moved and removed on a full disk', async ({ disk, folder }) => {
      const [big, moved] = [join(folder, 'big'), join(folder, 'moved')];
      const { freeBytes } = await disk.space(folder);
      await disk.replace(big, new Uint8Array(freeBytes - 8192));
      const filler = await disk.stage(join(folder, 'filler'));
      await assert.rejects(filler.write(new Uint8Array(SMALL_DISK_BYTES)), (error) =>
        isExportError(error, 'DISK_FULL'),
      );
      await disk.move(big, moved);
      await disk.remove(moved);
      await filler.discard();
      assert((await disk.space(folder)).freeBytes > SMALL_DISK_BYTES / 2);
    });
  });
}

/** Size of the small disk, in bytes: large compared with a block, and small compared with a test machine's memory. */
const SMALL_DISK_BYTES = 1024 * 1024;

/** Declares the tests for a Disk whose file system is read-only and contains one file, `kept`, with the text `kept`. */
export function readOnlyDiskContract(name: string, makeReadOnlyDisk: () => Promise<DiskOffer>): void {
  const promise = declare(makeReadOnlyDisk);
  describe(`read-only disk contract: ${name}`, () => {
    promise('every change throws DISK_READ_ONLY, and reading still works', async ({ disk, folder }) => {
      const kept = join(folder, 'kept');
      const isReadOnly = (error: unknown) => isExportError(error, 'DISK_READ_ONLY');
      await assert.rejects(disk.stage(join(folder, 'export.json')), isReadOnly);
      await assert.rejects(disk.replace(kept, bytesOf('x')), isReadOnly);
      await assert.rejects(disk.move(kept, join(folder, 'moved')), isReadOnly);
      await assert.rejects(disk.remove(kept), isReadOnly);
      await assert.rejects(disk.makeDirectory(join(folder, 'a', 'b')), isReadOnly);
      assert.equal(textOf(await disk.read(kept, SIZE_MAX_BYTES)), 'kept');
    });
  });
}
