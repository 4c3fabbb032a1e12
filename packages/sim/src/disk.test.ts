import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DiskUnderTest,
  diskContract,
  fullDiskContract,
  readOnlyDiskContract,
} from '../../boat/src/platform/contract/disk-contract.ts';
import { composeDisk } from '../../boat/src/platform/disk.ts';
import type { FileSystem } from '../../boat/src/platform/disk-file-system.ts';
import type { Disk } from '../../boat/src/platform/ports.ts';
import { createVirtualClock } from './clock.ts';
import { createSimDisk, createSimFileSystem, type MountOptions } from './disk.ts';
import { DiskMedium } from './disk-medium.ts';
import { type Aftermath, keepPages } from './disk-tear.ts';
import { createSimRandom } from './random.ts';
import { type CutPlan, createPower, type Power } from './power.ts';

const FOLDER = '/opt/d3kos/data/exports';
const textOf = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text);

function mountOptions(power: Power, seed: string): MountOptions {
  return {
    power,
    clock: createVirtualClock(0).forMachine(0),
    random: createSimRandom(seed),
    latencyMaxMs: 0,
  };
}

function underTest(change: (medium: DiskMedium) => void): DiskUnderTest {
  const medium = new DiskMedium();
  medium.makeDirectory(FOLDER);
  change(medium);
  const disk = createSimDisk(
    medium,
    mountOptions(
      createPower(() => false),
      'contract',
    ),
  );
  return { disk, folder: FOLDER, close: async () => undefined };
}

diskContract('simulated', async () => underTest(() => undefined));
fullDiskContract('simulated', async (sizeBytes) =>
  underTest((medium) => {
    medium.capacityBytes = sizeBytes;
  }),
);
readOnlyDiskContract('simulated', async () =>
  underTest((medium) => {
    medium.put(`${FOLDER}/kept`, 'kept');
    medium.isReadOnly = true;
  }),
);

/** Runs `work` on a medium and cuts power as planned. Resolves when the work ends or power fails. */
async function runUntilCut(
  medium: DiskMedium,
  seed: string,
  plan: CutPlan,
  work: (disk: Disk) => Promise<void>,
  compose: (fileSystem: FileSystem) => FileSystem = (fileSystem) => fileSystem,
): Promise<{ readonly isCut: boolean; readonly steps: number }> {
  const power = createPower(plan);
  const options = mountOptions(power, seed);
  const disk = composeDisk(compose(createSimFileSystem(medium, options)), options.random.fork('names'));
  const end = await Promise.race([
    work(disk).then(() => 'done' as const),
    power.lost.then(() => 'cut' as const),
  ]);
  if (end === 'cut') medium.powerLoss(options.random.fork('loss'));
  return { isCut: end === 'cut', steps: power.steps() };
}

test('a power cut loses unsynced data, keeps it or keeps its first pages, as its aftermath specifies', async () => {
  const end = async (aftermath: Aftermath) => {
    const medium = new DiskMedium();
    medium.makeDirectory(FOLDER);
    const never = createPower(() => false);
    const disk = createSimDisk(medium, mountOptions(never, 'aftermath'));
    await disk.replace(`${FOLDER}/synced`, bytesOf('synced'));
    await (await disk.stage(`${FOLDER}/staged`)).write(bytesOf('staged'));
    medium.powerLoss(createSimRandom('aftermath'), aftermath);
    return medium.paths().map((path) => textOf(medium.get(path)));
  };
  assert.deepEqual(await end('lost'), ['synced']);
  assert.deepEqual((await end('kept')).sort(), ['staged', 'synced']);
  assert.deepEqual(await end(3), ['synced'], 'page-wise cuts affect only the ledger');
});

test('the pages of a write that survive are its first ones', () => {
  const pages = { startBytes: 2, pageBytes: 3 };
  const kept = (count: number) =>
    textOf(keepPages(bytesOf('--aaabbbccc'), bytesOf('**AAAbbbCCCDD'), pages, count));
  assert.deepEqual([0, 1, 2, 3].map(kept), ['--aaabbbccc', '**AAAbbbccc', '**AAAbbbCCC', '**AAAbbbCCCDD']);
});

/** The contents that each path may have after a power cut at this point in a scenario. */
type Promises = Map<string, readonly (string | undefined)[]>;

/** Makes every kind of change to a disk. At any time, `kept` lists the contents that may remain after a power cut. */
async function changeEverything(disk: Disk, kept: Promises): Promise<void> {
  const allow = (path: string, ...texts: readonly (string | undefined)[]) => kept.set(path, texts);
  const during = async (
    path: string,
    before: string | undefined,
    after: string | undefined,
    work: () => Promise<void>,
  ) => {
    allow(path, before, after);
    await work();
    allow(path, after);
  };
  const exported = `${FOLDER}/export.json`;
  const moved = `${FOLDER}/failed_exports/q_failed.json`;
  const queue = `${FOLDER}/queue.json`;
  const long = 'record '.repeat(700);
  await disk.makeDirectory(`${FOLDER}/failed_exports`);
  await during(exported, undefined, long + long, async () => {
    const staged = await disk.stage(exported);
    await staged.write(bytesOf(long));
    await staged.write(bytesOf(long));
    await staged.commit();
  });
  await during(queue, undefined, 'one', () => disk.replace(queue, bytesOf('one')));
  await during(queue, 'one', 'two', () => disk.replace(queue, bytesOf('two')));
  allow(exported, long + long, undefined);
  allow(moved, undefined, long + long);
  await disk.move(exported, moved);
  allow(moved, long + long);
  allow(exported, undefined);
  const history = `${FOLDER}/history.json`;
  allow(queue, 'two', 'three');
  allow(history, undefined, 'of three');
  const staged = [await disk.stage(queue), await disk.stage(history)] as const;
  await staged[0].write(bytesOf('three'));
  await staged[1].write(bytesOf('of three'));
  await staged[0].place();
  await staged[1].commit();
  // The commit also made the other file's name durable.
  allow(queue, 'three');
  allow(history, 'of three');
  await during(queue, 'three', undefined, () => disk.remove(queue));
  // Power can fail after the removal only if another step follows.
  await disk.makeDirectory(`${FOLDER}/after`);
}

function violations(medium: DiskMedium, kept: Promises): readonly string[] {
  const wrong = [...kept].flatMap(([path, texts]) => {
    const text = textOf(medium.get(path));
    return texts.includes(text) ? [] : [`${path}: ${text === undefined ? 'gone' : `${text.length} bytes`}`];
  });
  const [exported, moved] = [`${FOLDER}/export.json`, `${FOLDER}/failed_exports/q_failed.json`];
  const isMoving = kept.get(moved)?.includes(undefined) === true;
  if (isMoving && medium.get(exported) === undefined && medium.get(moved) === undefined)
    return [...wrong, 'a file that is being moved has lost both names'];
  return wrong;
}

/** Cuts power at every step of the scenario, several times with different random outcomes. Returns the losses. */
async function cutEverywhere(
  change: (medium: DiskMedium) => void,
  compose?: (fileSystem: FileSystem) => FileSystem,
): Promise<{ readonly cuts: number; readonly losses: readonly string[] }> {
  const losses: string[] = [];
  let cuts = 0;
  for (let cutAt = 1; ; cutAt += 1) {
    let isCutAtAll = false;
    for (let variant = 0; variant < 40; variant += 1) {
      const medium = new DiskMedium();
      medium.makeDirectory('/opt/d3kos');
      change(medium);
      const kept: Promises = new Map();
      const { isCut } = await runUntilCut(
        medium,
        `${cutAt}/${variant}`,
        ({ number }) => number === cutAt,
        (disk) => changeEverything(disk, kept),
        compose,
      );
      isCutAtAll ||= isCut;
      if (!isCut) continue;
      cuts += 1;
      losses.push(...violations(medium, kept).map((loss) => `cut at ${cutAt}, variant ${variant}: ${loss}`));
    }
    if (!isCutAtAll) return { cuts, losses };
  }
}

test('durable files survive a power cut at every step, and each file is complete or missing', async () => {
  const { cuts, losses } = await cutEverywhere(() => undefined);
  assert.deepEqual(losses, []);
  assert(cuts > 300, `${cuts} cuts`);
});

test('a disk that ignores fsync loses files, so the simulation can fail', async () => {
  const { losses } = await cutEverywhere((medium) => {
    medium.fsync = 'ignored';
  });
  assert(losses.length > 0);
});

for (const [title, defect] of [
  [
    'without the fsync of the file',
    (real: FileSystem): FileSystem => ({
      ...real,
      create: async (path, readers) => ({
        ...(await real.create(path, readers)),
        sync: async () => undefined,
      }),
    }),
  ],
  [
    'without the fsync of the directory',
    (real: FileSystem): FileSystem => ({ ...real, syncDirectory: async () => undefined }),
  ],
] as const)
  test(`a disk composed ${title} loses files, so each of its steps is needed`, async () => {
    const { losses } = await cutEverywhere(() => undefined, defect);
    assert(losses.length > 0);
  });

test('no operation of a boot continues after its power cut', async () => {
  const medium = new DiskMedium();
  medium.makeDirectory(FOLDER);
  const power = createPower(() => false);
  const disk = createSimDisk(medium, mountOptions(power, 'dead'));
  const staged = await disk.stage(`${FOLDER}/export.json`);
  let went = 0;
  const goOn = () => {
    went += 1;
  };
  power.cut();
  void staged.write(bytesOf('x')).then(goOn, goOn);
  void disk.stat(FOLDER).then(goOn, goOn);
  void disk.replace(`${FOLDER}/queue.json`, bytesOf('x')).then(goOn, goOn);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(went, 0);
});

test('an error injected by the scenario has a system error code', async () => {
  const { disk } = underTest((medium) => {
    medium.failureOf = (op) => (op === 'sync' ? 'EIO' : undefined);
  });
  await assert.rejects(disk.replace(`${FOLDER}/queue.json`, bytesOf('x')), { code: 'DISK_FAILED' });
  assert.deepEqual(await disk.list(FOLDER), []);
});
