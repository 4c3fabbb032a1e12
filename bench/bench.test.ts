import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { median, quantile, toFigure, toTable, toUnmeasured } from './figure.ts';

/** Timeout for a small run on a busy machine. */
const TINY_RUN_MAX_MS = 120_000;

function runBench(...args: readonly string[]) {
  const main = join(import.meta.dirname, 'main.ts');
  return spawnSync(process.execPath, ['--conditions=development', main, ...args], {
    encoding: 'utf8',
    timeout: TINY_RUN_MAX_MS,
  });
}

test('a small run prints every collection figure as a line in the documented format and leaves no files behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-bench-test-'));
  try {
    const { status, stdout, stderr } = runBench(
      ...['collect', '--rows', '2000', '--repetitions', '1', '--json', '--folder', folder],
    );
    assert.equal(status, 0, stderr);
    const lines: unknown[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const names: string[] = [];
    for (const line of lines) {
      assert.ok(typeof line === 'object' && line !== null);
      // The code below checks the values.
      const { figure, value, unit, target, ok, note, ...more } = { ...line } as Record<string, unknown>;
      assert.ok(typeof figure === 'string' && /^collect\.[a-z0-9_]+$/.test(figure), String(figure));
      assert.ok(value === null || Number.isFinite(value), `${figure}: ${value}`);
      assert.equal(typeof unit, 'string');
      assert.ok(target === null || Number.isFinite(target), `${figure}: ${target}`);
      assert.equal(typeof ok, 'boolean');
      assert.ok(note === undefined || typeof note === 'string');
      assert.deepEqual(more, {});
      names.push(figure);
    }
    assert.deepEqual(names.toSorted(), [
      'collect.incremental_identified_vs_without',
      'collect.incremental_large_vs_small',
      'collect.loop_delay_p99',
      'collect.loop_delay_p99_with_writer',
      'collect.peak_rss_large',
      'collect.peak_rss_mixed',
      'collect.peak_rss_small',
      'collect.rows_per_second',
      'collect.rows_vs_python',
      'collect.rows_vs_sqlite_json',
      'collect.state_loop_delay_p99',
      'collect.state_peak_rss',
      'collect.writer_insert_p99',
      'collect.writer_lock_waits',
      'collect.writer_wal_peak',
    ]);
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('without a name the benchmarks are listed, and an unknown name or number is refused', () => {
  const list = runBench();
  assert.equal(list.status, 0);
  for (const name of ['collect', 'hostile', 'queue', 'deliver'])
    assert.match(list.stdout, new RegExp(`^  ${name} `, 'm'));
  assert.equal(runBench('collectt').status, 2);
  assert.equal(runBench('collect', '--rows', 'many').status, 2);
});

test('a missed target is reported, and so is an unmeasured figure that has a target', () => {
  assert.deepEqual(toFigure('a.b', 5.987_6, 'x', { atLeast: 6 }), {
    figure: 'a.b',
    value: 5.99,
    unit: 'x',
    target: 6,
    ok: false,
  });
  assert.equal(toFigure('a.b', 149.96, 'MB', { atMost: 150 }).ok, true);
  assert.equal(toFigure('a.b', 151, 'MB', { atMost: 150 }).ok, false);
  // Rounding must not hide a missed target.
  assert.equal(toFigure('a.b', 150.4, 'MB', { atMost: 150 }).ok, false);
  assert.deepEqual(toUnmeasured('a.b', 'x', { atLeast: 6 }, 'baseline not present'), {
    figure: 'a.b',
    value: null,
    unit: 'x',
    target: 6,
    ok: false,
    note: 'baseline not present',
  });
  assert.match(toTable([toFigure('a.b', 1, 'x', { atLeast: 6 })]).join('\n'), /a\.b +1 x +6 x +MISSED/);
});

test('medians and quantiles lie between their values', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.equal(quantile([1, 2, 3, 4, 5], 0.9), 4.6);
  assert.throws(() => median([]));
});
