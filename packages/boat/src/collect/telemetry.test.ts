import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { writeMachine } from '../../../sim/src/fixture/files.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { collectAll, createTestContext } from './collection-for-tests.ts';
import { telemetryCollector } from './telemetry.ts';

const folder = temporaryRoot('telemetry');
let roots = 0;

function newRoot(): string {
  roots += 1;
  const root = join(folder, String(roots));
  mkdirSync(root, { recursive: true });
  return root;
}

const collect = (root: string) => collectAll(telemetryCollector, createTestContext(toBoatPlaces(root)));

describe('the telemetry sample', () => {
  it("has the legacy exporter's values", async () => {
    const root = newRoot();
    writeMachine(toBoatPlaces(root));
    const [record = { record_id: '' }, ...further] = (await collect(root)).records;
    assert.equal(further.length, 0);
    assert.equal(record['system_uptime_seconds'], 86400.55);
    assert.equal(record['memory_total_kb'], 3884000);
    assert.equal(record['cpu_temperature_c'], 48.312);
    assert.ok(Number(record['disk_total_bytes']) > 0);
    assert.equal(telemetryCollector.isNews, false);
  });
  it('has null for values that the machine does not report', async () => {
    const [record = { record_id: '' }] = (await collect(newRoot())).records;
    assert.equal(record['cpu_temperature_c'], null);
    assert.equal(record['memory_used_percent'], null);
  });
});

describe('usage analytics', () => {
  it('stay on the boat', async () => {
    const root = newRoot();
    const path = join(root, 'data/telemetry/telemetry.db');
    mkdirSync(dirname(path), { recursive: true });
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE events (name TEXT); INSERT INTO events VALUES ('opened-page-settings')");
    db.close();
    const { lines } = await collect(root);
    assert.ok(!lines.join().includes('opened-page-settings'));
  });
});
