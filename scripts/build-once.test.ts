import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildOnce } from './build-once.ts';

const root = mkdtempSync(join(tmpdir(), 'd3kos-build-once-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('of two callers at the same time one builds, and both get its result', async () => {
  const folder = join(root, 'cache', 'both');
  let builds = 0;
  const build = async (partial: string): Promise<void> => {
    builds += 1;
    writeFileSync(join(partial, 'file'), '');
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(!existsSync(folder));
    writeFileSync(join(partial, 'file'), 'whole');
  };
  await Promise.all([buildOnce(folder, build), buildOnce(folder, build)]);
  assert.equal(builds, 1);
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'whole');
});

test('a failed build leaves no folder, and the next one starts with an empty one', async () => {
  const folder = join(root, 'cache', 'failed');
  const fail = async (partial: string): Promise<void> => {
    writeFileSync(join(partial, 'left'), '');
    throw new Error('no network');
  };
  await assert.rejects(buildOnce(folder, fail), /no network/);
  assert.ok(!existsSync(folder));
  await buildOnce(folder, async (partial) => writeFileSync(join(partial, 'file'), ''));
  assert.ok(existsSync(join(folder, 'file')));
  assert.ok(!existsSync(join(folder, 'left')));
});
