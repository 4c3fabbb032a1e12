import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { Registry } from 'prom-client';
import { CentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { registerProcessMetrics } from '../platform/process-metrics.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

function get(path: string): Request {
  return new Request(`http://central.test${path}`);
}

type Node = ReturnType<typeof startNode>;
const scrape = async (app: Node): Promise<string> => (await app.fetch(get('/metrics'))).text();

/** Returns the value of a metric with these labels, or undefined if the exposition does not contain it. */
function toValue(text: string, metric: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${metric} `));
  return line === undefined ? undefined : Number(line.slice(metric.length + 1));
}

const fail = () =>
  Promise.reject(new CentralFailure('STORE_UNAVAILABLE', 'planned', { op: 'test', hint: 'none' }));
const toFailing = (store: Store): Store => ({ ...store, query: fail, script: fail, transaction: fail });

describeOnPostgres('the metrics', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('measure requests by route and status, and the stages of an import', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    await expectRefusal(app, toImportRequest(boat, '{}'), 400, 'INVALID_FORMAT');
    await app.fetch(get('/nothing'));
    const text = await scrape(app);
    const requests = 'd3kos_central_http_request_duration_seconds_count';
    assert.equal(toValue(text, `${requests}{route="importPart",status="200"}`), 1);
    assert.equal(toValue(text, `${requests}{route="importPart",status="400"}`), 1);
    assert.equal(toValue(text, `${requests}{route="unmatched",status="404"}`), 1);
    const stages = 'd3kos_central_import_stage_duration_seconds_count';
    assert.equal(toValue(text, `${stages}{stage="receive"}`), 2);
    assert.equal(toValue(text, `${stages}{stage="store"}`), 1);
    assert.ok((toValue(text, 'd3kos_central_database_answer_seconds') ?? 0) > 0);
    assert.ok((toValue(text, 'd3kos_central_wire_bytes_total') ?? 0) > 0);
  });

  test('count refusals by the quota that was exceeded, and start at zero', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store, { quota: { records: 0 } });
    const metric = 'd3kos_central_quota_refusals_total{amount="records"}';
    assert.equal(toValue(await scrape(app), metric), 0);
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 429, 'QUOTA_EXCEEDED');
    assert.equal(toValue(await scrape(app), metric), 1);
  });

  test('contain no installation, token, record or path, no matter what a sender writes', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    for (const path of ['/api/v1/data/import/secret-export', '/secret-path', `/${boat.id}`])
      await app.fetch(get(path));
    const text = await scrape(app);
    for (const secret of [boat.id, boat.token, 'secret', 'calm', 'export_1'])
      assert.ok(!text.includes(secret), secret);
  });

  test('are returned without the fleet totals while the database does not answer', async () => {
    const text = await scrape(startNode(toFailing(open().store)));
    assert.equal(toValue(text, 'd3kos_central_database_up'), 0);
    assert.equal(toValue(text, 'd3kos_central_installations'), undefined);
    const healthy = await scrape(startNode(open().store));
    assert.equal(toValue(healthy, 'd3kos_central_database_up'), 1);
    assert.ok((toValue(healthy, 'd3kos_central_installations') ?? 0) > 0);
  });

  test('share one check of the database among all concurrent requests', async () => {
    const { store } = open();
    let statements = 0;
    const counting: Store = {
      ...store,
      query: (text, params) => {
        statements += 1;
        return store.query(text, params);
      },
    };
    const app = startNode(counting);
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.fetch(get('/api/v1/ready'))));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(statements, 3);
  });

  test('report within seconds that a node is not ready because the database accepts connections but does not answer', async () => {
    const { store } = open();
    const silent: Store = { ...store, query: () => new Promise(() => undefined) };
    const app = startNode(silent);
    const { body, headers } = await expectRefusal(app, get('/api/v1/ready'), 503, 'UNAVAILABLE');
    assert.match(body.message, /did not answer within 3000 ms/);
    assert.match(headers.get('Retry-After') ?? '', /^\d+$/);
    assert.equal(toValue(await scrape(app), 'd3kos_central_database_up'), 0);
  });

  test('report that a node is not ready while the schema lacks a step', async () => {
    const { store } = open();
    const older: Store = {
      ...store,
      query: async (text, params) =>
        (await store.query(text, params)).slice(0, text.includes('sha256 from') ? 3 : 9),
    };
    const { body } = await expectRefusal(startNode(older), get('/api/v1/ready'), 503, 'UNAVAILABLE');
    assert.match(body.message, /d3kos-central migrate/);
  });
});

test('the process metrics include event loop delay and memory', async () => {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const text = await registry.metrics();
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  assert.match(text, /^process_resident_memory_bytes \d+$/m);
});
