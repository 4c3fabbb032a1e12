import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { resolveOldestIssue, writeIssues } from '../../../sim/src/fixture/alerts.ts';
import { type CaptureGeneration, writeCaptures } from '../../../sim/src/fixture/captures.ts';
import { writeSource } from '../../../sim/src/fixture/files.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import type { FileFacts } from '../platform/ports.ts';
import {
  type Collection,
  collectAll,
  createTestContext,
  createTestProgress,
  type TestProgress,
} from './collection-for-tests.ts';
import type { CollectContext, Collector } from './collector.ts';
import { engineBenchmarkCollector } from './engine-benchmark.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { marineVisionSnapshotsCollector } from './marine-vision-snapshots.ts';
import { onboardingCollector } from './onboarding.ts';
import { qrCodesCollector } from './qr-codes.ts';
import { settingsCollector } from './settings.ts';
import { systemAlertsCollector } from './system-alerts.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-shapes-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

function newRoot(): string {
  roots += 1;
  return join(folder, String(roots));
}

function collect(
  collector: Collector,
  root: string,
  progress: TestProgress = createTestProgress(),
  given: Partial<CollectContext> = {},
): Promise<Collection> {
  return collectAll(collector, createTestContext(toBoatPlaces(root), progress, given));
}

/** Returns a collection's only record. */
async function collectOne(collector: Collector, root: string): Promise<Readonly<Record<string, unknown>>> {
  const { records, outcome } = await collect(collector, root);
  assert.equal(records.length, 1, outcome.detail);
  return records[0] ?? {};
}

describe('captures', () => {
  const sourcePath = 'data/marine-vision/captures.db';
  const common = {
    capture_id: 1,
    timestamp: '2026-03-16T14:04:05.123',
    timestamp_utc: '2026-03-16T14:04:05.123Z',
    timestamp_zone: 'assumed_local:UTC',
    gps: { latitude: 44.4167, longitude: -79.3333 },
  };
  for (const [generation, size, more] of [
    ['legacy', 40_001, []],
    ['gen1', null, ['person_detected', 'fish_detected', 'person_confidence', 'fish_confidence', 'location']],
    ['gen2', null, ['species_confidence', 'species_top3']],
    ['gen3', null, ['slot_id', 'gemini_species', 'gemini_response']],
  ] as const satisfies readonly (readonly [CaptureGeneration, number | null, readonly string[]])[])
    it(`of ${generation} are read by their column names, without their paths`, async () => {
      const root = newRoot();
      writeCaptures(join(root, sourcePath), { generation, rows: 1, seed: 2 });
      const record = await collectOne(marineVisionCapturesCollector, root);
      for (const [name, value] of Object.entries(common)) assert.deepEqual(record[name], value, name);
      assert.equal(record['record_id'], '1@2026-03-16T14:04:05.123');
      assert.equal(record['file_size_bytes'], size);
      assert.equal(typeof record['species'], 'string');
      assert.equal(typeof record['confidence'], 'number');
      for (const name of more) assert.ok(name in record, name);
      assert.ok(!('image_path' in record) && !('file_path' in record));
      if (generation === 'gen3')
        assert.deepEqual(Object.keys(record['gemini_response'] ?? {}), ['species', 'confidence']);
    });

  it("include a picture's file size while the picture exists", async () => {
    const root = newRoot();
    writeCaptures(join(root, sourcePath), { generation: 'gen1', rows: 2, seed: 2 });
    writeSource(toBoatPlaces(root).recordings, 'capture_2.jpg', 'x'.repeat(77));
    const { records } = await collect(marineVisionCapturesCollector, root);
    assert.deepEqual(
      records.map((record) => record['file_size_bytes']),
      [null, 77],
    );
  });

  it('keep their order and sizes although only a limited number of pictures is checked concurrently', async () => {
    const root = newRoot();
    writeCaptures(join(root, sourcePath), { generation: 'gen1', rows: 300, seed: 2 });
    const places = toBoatPlaces(root);
    const real = createTestContext(places);
    let underWay = 0;
    let most = 0;
    const stat = async (path: string): Promise<FileFacts | undefined> => {
      const number = Number(/capture_(\d+)\.jpg$/.exec(path)?.[1]);
      underWay += 1;
      most = Math.max(most, underWay);
      // Later requests are answered first.
      for (let turn = number % 32; turn < 32; turn += 1) await real.clock.yield();
      underWay -= 1;
      return number % 3 === 0
        ? undefined
        : { kind: 'file', sizeBytes: number, modifiedMs: real.clock.wall(), fileNo: number };
    };
    const context = createTestContext(places, undefined, { disk: { ...real.disk, stat } });
    const { records } = await collectAll(marineVisionCapturesCollector, context);
    const numbers = Array.from({ length: 300 }, (_, index) => index + 1);
    assert.deepEqual(
      records.map((record) => [record['capture_id'], record['file_size_bytes']]),
      numbers.map((number) => [number, number % 3 === 0 ? null : number]),
    );
    assert.ok(most > 1 && most <= 32, `${most} at once`);
  });

  it('of a fresh installation are empty: the database has 0 bytes', async () => {
    const root = newRoot();
    writeSource(root, sourcePath, '');
    const { outcome } = await collect(marineVisionCapturesCollector, root);
    assert.deepEqual([outcome.state, outcome.note], ['empty', 'Metadata only - image files not exported']);
  });
});

describe('snapshots', () => {
  it('are read from their file names, and a file is still exported if its name sorts earlier because the clock was set back', async () => {
    const root = newRoot();
    const { recordings } = toBoatPlaces(root);
    writeSource(root, 'config/timezone.txt', 'America/Toronto');
    writeSource(recordings, 'recording_port_side_20260322_122202.mp4', 'xxx');
    writeSource(recordings, 'snapshots/capture_bow_20260322_122203.jpg', 'x');
    writeSource(recordings, 'notes.txt', 'x');
    const progress = createTestProgress();
    const first = await collect(marineVisionSnapshotsCollector, root, progress);
    progress.commit(first.outcome);
    assert.deepEqual(first.records, [
      {
        record_id: 'recording_port_side_20260322_122202.mp4',
        snapshot_id: 'recording_port_side_20260322_122202',
        slot: 'port_side',
        kind: 'recording',
        timestamp: '20260322_122202',
        timestamp_utc: '2026-03-22T16:22:02.000Z',
        timestamp_zone: 'assumed_local:America/Toronto',
        file_size_bytes: 3,
        format: 'mp4',
      },
      {
        record_id: 'snapshots/capture_bow_20260322_122203.jpg',
        snapshot_id: 'capture_bow_20260322_122203',
        slot: 'bow',
        kind: 'capture',
        timestamp: '20260322_122203',
        timestamp_utc: '2026-03-22T16:22:03.000Z',
        timestamp_zone: 'assumed_local:America/Toronto',
        file_size_bytes: 1,
        format: 'jpg',
      },
    ]);
    writeSource(recordings, 'capture_bow_19700101_000001.jpg', 'x');
    const second = await collect(marineVisionSnapshotsCollector, root, progress);
    assert.deepEqual(
      second.records.map((record) => record.record_id),
      ['capture_bow_19700101_000001.jpg'],
    );
  });
});

describe('alerts', () => {
  const sourcePath = 'data/self-healing/issues.db';
  for (const variant of ['id', 'issue_id'] as const)
    it(`of the table with ${variant} are exported again only when they change`, async () => {
      const root = newRoot();
      writeIssues(join(root, sourcePath), { variant, rows: 3, seed: 1 });
      const progress = createTestProgress();
      const first = await collect(systemAlertsCollector, root, progress);
      progress.commit(first.outcome);
      assert.equal(first.records.length, 3);
      assert.equal(first.records[0]?.['status'], 'detected');
      assert.deepEqual(Object.keys(first.records[0]?.['metrics'] ?? {}), ['cpu_percent', 'voltage']);
      resolveOldestIssue(join(root, sourcePath));
      const second = await collect(systemAlertsCollector, root, progress);
      assert.equal(second.records.length, 1);
      assert.equal(second.records[0]?.record_id, first.records[0]?.record_id);
      assert.equal(second.records[0]?.['status'], 'resolved');
    });

  it('in the webhook log are exported once their line is complete, and identical lines count separately', async () => {
    const root = newRoot();
    const log = 'data/alarm-webhook-log.jsonl';
    const line =
      '{"ts":"2026-03-16T14:03:05Z","status":200,"alert":{"name":"x","webhook_url":"https://secret"}}\n';
    writeSource(root, log, `${line}${line}garbage\n{"ts":"2026-03-17T14:0`);
    const progress = createTestProgress();
    const first = await collect(systemAlertsCollector, root, progress);
    progress.commit(first.outcome);
    assert.equal(new Set(first.records.map((record) => record.record_id)).size, 2);
    assert.deepEqual(first.records[0]?.['alert'], { name: 'x' });
    writeFileSync(join(root, log), '3:05Z","error":"POST https://secret failed"}\n', { flag: 'a' });
    const second = await collect(systemAlertsCollector, root, progress);
    assert.deepEqual(
      second.records.map((record) => [record['timestamp'], record['error']]),
      [['2026-03-17T14:03:05Z', 'POST [address] failed']],
    );
  });

  it('in a damaged file are reported as an error and not as empty', async () => {
    const root = newRoot();
    writeSource(root, 'data/alerts.json', '[{"id": 1');
    const { outcome } = await collect(systemAlertsCollector, root);
    assert.deepEqual([outcome.state, outcome.detail], ['error', 'data/alerts.json is not valid JSON']);
  });
});

describe('benchmarks', () => {
  it('have numbers instead of the strings that the kiosk wrote, and null for a missing sensor', async () => {
    const root = newRoot();
    const test = {
      id: 1_773_669_785_123,
      samples: [{ rpm: 1, temp: 'NaN' }],
      avgMetrics: { rpm: '3012.5', temp: 'NaN' },
    };
    writeSource(root, 'data/d3kos-benchmark-2026-03-16.json', {
      tests: [test],
      baseline: { avgMetrics: { rpm: '650' } },
    });
    const { records } = await collect(engineBenchmarkCollector, root);
    assert.deepEqual(
      records.map((record) => [record.record_id, record['avgMetrics'], record['samples']]),
      [
        ['test:1773669785123', { rpm: 3012.5, temp: null }, [{ rpm: 1, temp: null }]],
        ['baseline', { rpm: 650 }, undefined],
      ],
    );
  });

  it('that are only in the browser are exported, and a test in both places is exported only once', async () => {
    const root = newRoot();
    const tests = [
      { id: 1, duration: 60 },
      { id: 2, duration: 60 },
    ];
    writeSource(root, 'data/d3kos-benchmark-2026-03-16.json', { tests: tests.slice(0, 1) });
    const { records } = await collect(engineBenchmarkCollector, root, undefined, {
      browserDocument: (key) => (key === 'd3kos-benchmark-tests' ? JSON.stringify(tests) : undefined),
    });
    assert.deepEqual(
      records.map((record) => record.record_id),
      ['test:1', 'test:2'],
    );
  });

  it('in the older metrics form with bare NaN are read', async () => {
    const root = newRoot();
    writeSource(
      root,
      'config/benchmark-results.json',
      '{"timestamp":"2026-03-16T14:03:05","metrics":{"rpm_idle":NaN,"temp_warmup_curve":[1,Infinity]}}',
    );
    const record = await collectOne(engineBenchmarkCollector, root);
    assert.deepEqual(record['metrics'], { rpm_idle: null, temp_warmup_curve: [1, null] });
  });
});

describe('the onboarding document', () => {
  for (const [counter, count] of [
    ['{"count": 3}', 3],
    ['{"reset_count": 4}', 4],
    ['{"resetCount": 5}', 5],
    ['{}', 6],
  ] as const)
    it(`contains the reset count from ${counter}`, async () => {
      const root = newRoot();
      writeSource(root, 'config/onboarding.json', { language: 'en', dir: 'ltr', api_key: 'x' });
      writeSource(root, 'config/license.json', { reset_count: 6, max_resets: -1 });
      writeSource(root, 'state/onboarding-reset-count.json', counter);
      const record = await collectOne(onboardingCollector, root);
      assert.deepEqual(record, {
        record_id: 'onboarding',
        configuration: { language: 'en', dir: 'ltr' },
        reset_count: count,
        max_resets: -1,
        completion_timestamp: null,
      });
    });

  it('round-trips the whole wizard and vessel.env', async () => {
    const root = newRoot();
    const wizard = Object.fromEntries(
      Array.from({ length: 16 }, (_, index) => [`q${index + 1}`, `answer/ ${index}: "é"`]),
    );
    writeSource(root, 'config/onboarding.json', { ...wizard, completed_at: '2026-03-01T10:00:00Z' });
    writeSource(
      root,
      'services/dashboard/config/vessel.env',
      'VESSEL_NAME="A = B"\nENGINE_HP=260\nMQTT_PASSWORD=x\n',
    );
    const record = await collectOne(onboardingCollector, root);
    assert.deepEqual(record['configuration'], { ...wizard, completed_at: '2026-03-01T10:00:00Z' });
    assert.equal(record['completion_timestamp'], '2026-03-01T10:00:00Z');
    assert.deepEqual(record['vessel'], { VESSEL_NAME: 'A = B', ENGINE_HP: '260' });
  });
});

describe('the settings document', () => {
  it('is exported again only when a setting changes', async () => {
    const root = newRoot();
    writeSource(root, 'config/license.json', { installation_id: '0123456789abcdef', tier: 2, secret: 'x' });
    const progress = createTestProgress();
    const first = await collect(settingsCollector, root, progress);
    progress.commit(first.outcome);
    assert.deepEqual(first.records[0]?.['license'], { installation_id: '0123456789abcdef', tier: 2 });
    assert.equal((await collect(settingsCollector, root, progress)).records.length, 0);
    writeSource(root, 'config/user-preferences.json', { theme: 'dark', password: 'x' });
    const second = await collect(settingsCollector, root, progress);
    assert.deepEqual(second.records[0]?.['preferences'], { theme: 'dark' });
  });

  it('is source_missing only if no settings file exists, and error if one is damaged', async () => {
    assert.equal((await collect(settingsCollector, newRoot())).outcome.state, 'source_missing');
    const root = newRoot();
    writeSource(root, 'config/license.json', 'not json');
    assert.equal((await collect(settingsCollector, root)).outcome.state, 'error');
  });
});

describe('QR codes', () => {
  it('are exported without the pairing token and without credentials in the address', async () => {
    const root = newRoot();
    writeSource(root, 'data/qr-codes.json', [
      {
        installation_uuid: 'abc',
        generated_at: '2026-03-16T14:03:05Z',
        tier: 2,
        api_endpoint: 'http://u:p@h:1/x?token=1',
        pairing_token: 't',
      },
    ]);
    assert.deepEqual(await collectOne(qrCodesCollector, root), {
      record_id: 'abc@2026-03-16T14:03:05Z',
      installation_uuid: 'abc',
      generated_at: '2026-03-16T14:03:05Z',
      generated_at_utc: '2026-03-16T14:03:05.000Z',
      tier: 2,
      api_endpoint: 'http://h:1/x',
    });
  });
  for (const [content, state] of [
    ['[]', 'empty'],
    ['"x"', 'schema_unknown'],
    ['{', 'error'],
    ['', 'empty'],
  ] as const)
    it(`in a file with ${content || 'nothing'} are ${state}`, async () => {
      const root = newRoot();
      writeSource(root, 'data/qr-codes.json', content);
      assert.equal((await collect(qrCodesCollector, root)).outcome.state, state);
    });
});
