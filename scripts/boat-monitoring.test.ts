import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CATEGORY_STATES } from '@d3kos/protocol';
import { COMMIT_HISTOGRAM, METRICS } from '../packages/boat/src/http/metrics.ts';
import { OUTCOMES } from '../packages/boat/src/measurements.ts';
import { loadMonitoring, toMatchers, toMetricNames } from './monitoring.ts';

const FOLDER = join(import.meta.dirname, '..', 'deploy', 'monitoring');
const ALERTS = join(FOLDER, 'boat-alerts.yml');
const { rules, panels, used, text } = loadMonitoring(ALERTS, join(FOLDER, 'boat-dashboard.json'));

const HISTOGRAM = `d3kos_export_${COMMIT_HISTOGRAM.name}`;
const names = METRICS.map(({ name }) => `d3kos_export_${name}`);
/** Every series that the boat exposes, Prometheus's own series, and the PromQL function for the current time. */
const known = new Set([
  ...names,
  `${HISTOGRAM}_bucket`,
  `${HISTOGRAM}_sum`,
  `${HISTOGRAM}_count`,
  'up',
  'time',
]);

describe("the boat's alert rules and dashboard", () => {
  test('are read completely', () => {
    assert.equal(rules.length, text.match(/- alert:/g)?.length);
    assert.ok(rules.length >= 10 && panels.length >= 10);
    for (const { name, expression } of used) assert.ok(toMetricNames(expression).length > 0, name);
  });

  test('refer only to metrics that the export manager exposes', () => {
    for (const { name, expression } of used)
      for (const metric of toMetricNames(expression)) assert.ok(known.has(metric), `${name}: ${metric}`);
  });

  test('compare labels with existing values', () => {
    const values: Readonly<Record<string, readonly string[]>> = {
      job: ['d3kos-export'],
      status: ['pending', 'uploading', 'completed', 'failed'],
      outcome: OUTCOMES,
    };
    let count = 0;
    for (const { name, expression } of used)
      for (const { label, value } of toMatchers(expression)) {
        count += 1;
        const isState = /^(?:blocked|untrusted|clock_wrong)$/.test(value);
        assert.ok(
          values[label]?.includes(value) ?? (label === 'state' && isState),
          `${name}: ${label}="${value}"`,
        );
      }
    assert.ok(count >= 6);
    const states = /state=~"([^"]+)"/.exec(text)?.[1]?.split('|') ?? [];
    assert.ok(states.length > 0);
    for (const state of states) assert.ok((CATEGORY_STATES as readonly string[]).includes(state), state);
  });

  test('use every metric of the boat', () => {
    const named = new Set(used.flatMap(({ expression }) => toMetricNames(expression)));
    for (const name of names) assert.ok(named.has(name), name);
    assert.ok(named.has(`${HISTOGRAM}_bucket`));
  });

  test('have a severity, a summary and a description', () => {
    for (const block of text.split(/^ {6}- alert: /m).slice(1))
      assert.match(block, /severity: (critical|warning)\n[\s\S]*summary: .+\n[\s\S]*description: .{30,}/);
  });

  test('are accepted by promtool', (t) => {
    const { status, stdout, stderr, error } = spawnSync('promtool', ['check', 'rules', ALERTS], {
      encoding: 'utf8',
    });
    if (error !== undefined) {
      t.skip('promtool is not installed');
      return;
    }
    assert.equal(status, 0, `${stdout}${stderr}`);
  });
});
