import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type ExportCost, toExportCost, toFleetSize } from './scale-model.ts';

const ROOT = join(import.meta.dirname, '..');
const COST: ExportCost = {
  nodeCpuMs: 5,
  databaseCpuMs: 5,
  records: 100,
  bytesPerRecord: 700,
  bytesPerExport: 2_000,
  walBytes: 100_000,
};

const runScale = (...boats: readonly string[]) =>
  spawnSync(process.execPath, ['--conditions=development', join(import.meta.dirname, 'scale.ts'), ...boats], {
    encoding: 'utf8',
  });

test("the guide's table is the script's output for the measured figures", () => {
  const { status, stdout, stderr } = runScale();
  assert.equal(status, 0, stderr);
  const guide = readFileSync(join(ROOT, 'docs', 'guides', 'scale.md'), 'utf8');
  const table = guide.split('\n').filter((line) => line.startsWith('|'));
  const toRows = (lines: readonly string[]) =>
    lines
      .filter((line) => !/^[|\s:-]+$/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.deepEqual(
    toRows(table),
    toRows(stdout.trim().split('\n')),
    'run `npm run scale` and put its table into docs/guides/scale.md',
  );
});

test('the figures name their command and date, and come from the benchmark', () => {
  const given: unknown = JSON.parse(readFileSync(join(ROOT, 'bench', 'scale-figures.json'), 'utf8'));
  assert.ok(typeof given === 'object' && given !== null);
  assert.ok('measuredAt' in given && /^\d{4}-\d{2}-\d{2}$/.test(String(given.measuredAt)));
  assert.ok('command' in given && String(given.command).startsWith('npm run bench -- scale'));
  const bench = readFileSync(join(ROOT, 'bench', 'scale.ts'), 'utf8');
  assert.ok('figures' in given && Array.isArray(given.figures));
  for (const { figure, value } of given.figures as { figure: string; value: unknown }[]) {
    assert.ok(bench.includes(`'${figure.replace('scale.', '')}'`), figure);
    assert.ok(typeof value === 'number' && value > 0, figure);
  }
  assert.throws(() => toExportCost([]), /the figures lack/);
});

test('sizes grow in proportion to the number of boats, above the minimum of each step', () => {
  const [small, large, huge] = [1_000, 100_000, 10_000_000].map((boats) => toFleetSize(boats, COST));
  assert.ok(small !== undefined && large !== undefined && huge !== undefined);
  assert.deepEqual(
    [small, large, huge].map(({ database, copies }) => [database, copies]),
    [
      ['embedded', 1],
      ['one PostgreSQL', 2],
      ['Citus', 2],
    ],
  );
  assert.equal(huge.bytesPerYear, 100 * large.bytesPerYear);
  // 10 million exports a day, a quarter of them in one hour, 5 ms each, on cores that are half used.
  assert.equal(huge.nodes, Math.ceil(((10_000_000 * 0.25) / 3_600) * 0.005 * 2));
  assert.equal(toFleetSize(20_000_000, COST).needsPooler, true);
  assert.equal(large.needsPooler, false);
  for (const size of [large, huge]) assert.ok(size.costPerMonth > small.costPerMonth);
});

test('an argument that is not a number of boats is refused', () => {
  assert.equal(runScale('many').status, 2);
  assert.match(runScale('5000').stdout, /5,000 boats/);
});
