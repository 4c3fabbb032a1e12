import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createNodeMetrics } from '../packages/central/src/http/metrics.ts';
import { registerProcessMetrics } from '../packages/central/src/platform/process-metrics.ts';
import { ROUTE_LIST } from '../packages/central/src/api/contract.ts';
import { CENTRAL_ERROR_CODES } from '@d3kos/protocol';
import { loadMonitoring, toMatchers, toMetricNames } from './monitoring.ts';

const FOLDER = join(import.meta.dirname, '..', 'deploy', 'monitoring');
const ALERTS = join(FOLDER, 'alerts.yml');

/** Prometheus's own metrics. `up` shows whether it reached the node. */
const OF_PROMETHEUS = ['up'];

const { rules, panels, used, text: alertsText } = loadMonitoring(ALERTS, join(FOLDER, 'dashboard.json'));

describe('the alert rules and the dashboard', () => {
  let exposition = '';
  before(async () => {
    const metrics = createNodeMetrics();
    registerProcessMetrics(metrics.registry);
    metrics.observeRequest('health', 200, 1);
    exposition = await metrics.toExposition({
      importsInProgress: 0,
      importsWaiting: { light: 0, heavy: 0 },
      heldBytes: 0,
      refusedCredentials: 0,
      connections: { busy: 0, idle: 0, waiting: 0 },
      database: { fault: undefined, answerMs: 1 },
      fleet: { installations: 1, documents: 1, records: 1, rejected: 0, concurrent: 0, diverged: 0 },
    });
  });

  test('are read completely', () => {
    assert.equal(rules.length, alertsText.match(/- alert:/g)?.length);
    assert.ok(rules.length >= 10);
    assert.ok(panels.length >= 10);
    for (const { name, expression } of used) assert.ok(toMetricNames(expression).length > 0, name);
  });

  test('refer only to metrics that a node exposes', () => {
    const series = new Set([...exposition.matchAll(/^([a-z0-9_]+)[{ ]/gm)].map(([, name = '']) => name));
    const declared = new Set([...exposition.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name));
    for (const { name, expression } of used)
      for (const metric of toMetricNames(expression))
        assert.ok(
          OF_PROMETHEUS.includes(metric) || series.has(metric) || declared.has(metric),
          `${name}: ${metric}`,
        );
  });

  test('compare labels with existing values', () => {
    const routes: readonly string[] = ROUTE_LIST.map(({ id }) => id);
    const known: Readonly<Record<string, readonly string[]>> = {
      code: ['STORED', 'REPEATED', ...CENTRAL_ERROR_CODES],
      route: routes,
      status: ['500'],
      job: ['d3kos-central'],
    };
    const labels = new Set<string>();
    for (const { name, expression } of used)
      for (const { metric, label, value } of toMatchers(expression)) {
        labels.add(label);
        const isThere =
          known[label]?.includes(value) ??
          new RegExp(`^${metric}\\{[^}]*${label}="${value}"`, 'm').test(exposition);
        assert.ok(isThere, `${name}: ${metric}{${label}="${value}"}`);
      }
    assert.ok(labels.size >= 4);
  });

  test('every metric of central is on the dashboard or in an alert', () => {
    const named = new Set(used.flatMap(({ expression }) => toMetricNames(expression)));
    const own = [...exposition.matchAll(/^# TYPE (d3kos_central_\S+) /gm)].map(([, name = '']) => name);
    assert.ok(own.length >= 15);
    for (const name of own)
      assert.ok(
        [name, `${name}_bucket`, `${name}_count`].some((one) => named.has(one)),
        name,
      );
  });

  test('have a severity, a summary and a description', () => {
    for (const block of alertsText.split(/^ {6}- alert: /m).slice(1))
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
