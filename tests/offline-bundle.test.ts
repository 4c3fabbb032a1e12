import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { type BundleItem, readBundle } from '@d3kos/protocol';
import { addRecords } from '../packages/sim/src/fixture/index.ts';
import {
  INSTALLATION,
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { untilDrained } from './support/deliver-everything.ts';
import {
  createProcesses,
  enrollAt,
  freePort,
  NO_SERVER,
  placeCentral,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  toEnding,
  withCentralStore,
} from './support/processes.ts';
import { assertCentralHolds, exportsAtCentral, readRecordsOfBoat } from './support/records-of-boat.ts';
import {
  HEALTHY,
  json,
  receiptFor,
  type Script,
  type ScriptedServer,
  startScriptedServer,
} from './support/scripted-central.ts';
import { until } from './support/until.ts';

type Part = Extract<BundleItem, { readonly kind: 'part' }>;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const keyOf = ({ header }: Part): string => `${header.export_id}/${header.part.index}`;

async function readItems(bytes: Buffer): Promise<readonly BundleItem[]> {
  const source = {
    read: async (offset: number, length: number) => bytes.subarray(offset, offset + length),
    digest: sha256,
  };
  const items: BundleItem[] = [];
  for await (const item of readBundle(source, 64 * 1024 * 1024)) items.push(item);
  assert.ok(items.every((item) => item.kind !== 'damaged'));
  return items;
}

/** Reads the answer to `POST /export/bundle` as central does. */
async function bundle(running: RunningBoat, failed = false): Promise<readonly BundleItem[]> {
  const response = await running.boat.app.fetch(
    new Request('http://localhost:8094/export/bundle', { method: 'POST', body: JSON.stringify({ failed }) }),
  );
  assert.equal(response.status, 200);
  return readItems(Buffer.from(await response.arrayBuffer()));
}

const partsOf = (items: readonly BundleItem[]) => items.filter((item): item is Part => item.kind === 'part');

const refuseLookup: Script = (_, response) =>
  json(response, 404, { status: 'error', error_code: 'NOT_FOUND', message: 'the answer is not a bundle' });

/** Creates a central that imports parts and lists the parts it holds. */
function answering(question: Script, imports: Script): Script {
  return (request, response) => {
    if (request.path === '/api/v1/health') json(response, 200, HEALTHY);
    else (request.method === 'GET' ? question : imports)(request, response);
  };
}

const posts = (central: ScriptedServer) =>
  central.seen
    .filter((request) => request.method === 'POST')
    .map((request) => String(request.headers['idempotency-key']));
const lookups = (central: ScriptedServer) =>
  central.seen.filter(
    (request) => request.method === 'GET' && request.path.startsWith('/api/v1/data/import/'),
  );

async function withBoat(
  script: Script,
  rows: number,
  work: (running: RunningBoat, central: ScriptedServer, root: string) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder('offline-bundle', async (root) => {
    prepareBoat({ root, rows });
    const central = await startScriptedServer(script);
    const running = await startBoatInProcess({ root, centralUrl: central.url, partSizeBytes: 65_536 });
    try {
      await work(running, central, root);
    } finally {
      await running.stop();
      await central.close();
    }
  });
}

const unavailable: Script = (_, response) =>
  json(
    response,
    503,
    { status: 'error', error_code: 'UNAVAILABLE', message: 'full' },
    { 'retry-after': '1' },
  );
const accept: Script = (request, response) => json(response, 200, receiptFor(request));
const counts = ({ boat }: RunningBoat) => boat.ledger.queue.counts();

test('the exports of an offline boat reach central on a USB drive, and the boat then sends no part over the network', async (t) => {
  const processes = createProcesses(toEnding(t));
  const root = join(processes.folder('offline-bundle'), 'boat');
  const drive = processes.folder('drive');
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  prepareBoat({ root, rows: 2_000 }, token);
  const place = {
    root,
    port: await freePort(),
    // No server listens there until central starts.
    centralUrl: central.url,
    environment: { EXPORT_PART_SIZE_BYTES: '65536' },
  };
  const offline = await startDaemon(processes, place);
  const command = (...args: readonly string[]) => processes.run('boat', args, toBoatEnvironment(place));
  const nothing = await command('bundle', drive, '--json');
  assert.deepEqual([nothing.code, JSON.parse(nothing.output).file], [0, null], nothing.output);

  assert.equal((await offline.request('POST', '/export/generate')).status, 200);
  addRecords(root, { rows: 7, seed: 3 });
  assert.equal((await offline.request('POST', '/export/generate', { type: 'incremental' })).status, 200);
  const written = await command('bundle', drive, '--json');
  assert.equal(written.code, 0, written.output);
  const summary = JSON.parse(written.output.split('\n').find((line) => line.startsWith('{')) ?? '{}');
  assert.equal(summary.exports, 2);
  assert.ok(summary.parts > 5, `${summary.parts} parts`);
  assert.deepEqual(
    readdirSync(drive).map((name) => join(drive, name)),
    [summary.file],
  );
  const missing = await command('bundle', join(drive, 'no-such-folder'));
  assert.equal(missing.code, 2, missing.output);
  await offline.stop();

  const importFile = (file: string) =>
    processes.run('central', ['import-bundle', file, '--json'], { CENTRAL_DATA_DIR: central.dataDir });
  const tampered = join(drive, 'tampered.bundle');
  writeFileSync(tampered, readFileSync(summary.file).fill(0x20, 30_000, 30_100));
  // Central has never heard of this boat, so the operator compares its key with the one on board.
  const unknown = await importFile(summary.file);
  assert.equal(unknown.code, 1, unknown.output);
  assert.match(unknown.output, /BUNDLE_KEY_UNKNOWN/);
  const config = await command('config', '--json');
  const { bundle_key: bundleKey } = JSON.parse(
    config.output.split('\n').find((line) => line.startsWith('{')) ?? '{}',
  );
  assert.equal(bundleKey.state, 'present', config.output);
  assert.ok(!config.output.includes(readFileSync(bundleKey.file, 'latin1').split('\n')[1] ?? ''));
  const accepted = await processes.run(
    'central',
    ['bundle-key', INSTALLATION, '--accept', bundleKey.public_key, '--json'],
    { CENTRAL_DATA_DIR: central.dataDir },
  );
  assert.equal(accepted.code, 0, accepted.output);
  const half = await importFile(tampered);
  assert.equal(half.code, 1, half.output);
  const node = await startCentral(processes, central);
  const whole = await importFile(summary.file);
  assert.equal(whole.code, 0, whole.output);
  const report = JSON.parse(whole.output.split('\n').find((line) => line.startsWith('{')) ?? '{}');
  assert.equal(report.signed, true);
  assert.deepEqual([report.parts, report.stored, report.repeated], [summary.parts, 1, summary.parts - 1]);
  const again = await importFile(summary.file);
  assert.equal(JSON.parse(again.output.split('\n').find((line) => line.startsWith('{')) ?? '{}').stored, 0);

  const online = await startDaemon(processes, place);
  await untilDrained(online);
  const { json: history } = await online.request('GET', '/export/history');
  // The API tests check the shape of the answer.
  const exports = history['exports'] as readonly { export_id: string }[];
  assert.equal(exports.length, 2);
  const metrics = await (await fetch(`${central.url}/metrics`)).text();
  assert.doesNotMatch(
    metrics,
    /^d3kos_central_import_answers_total\{/m,
    'the boat sent no part to this node',
  );
  assert.match(metrics, /^d3kos_central_wire_bytes_total 0$/m);
  assert.match(metrics, new RegExp(`^d3kos_central_documents_stored ${summary.parts}$`, 'm'));
  assert.equal(await online.stop(), 0);
  assert.equal(await node.stop(), 0);
  await withCentralStore(central, async (store) => {
    await assertCentralHolds(store, INSTALLATION, readRecordsOfBoat(root), {
      engine_benchmark: 3,
      qr_codes: 2,
      settings: 1,
      onboarding: 1,
    });
    assert.deepEqual(await exportsAtCentral(store, INSTALLATION), exports.map((row) => row.export_id).sort());
  });
});

test('a bundle created during the upload of its export has the same parts under the same keys', () => {
  let release: (() => void) | undefined;
  const held: Script = (request, response) => {
    const answer = (): void => json(response, 200, receiptFor(request));
    if (release === undefined) release = answer;
    else answer();
  };
  return withBoat(answering(refuseLookup, held), 4_000, async (running, central) => {
    const asked = running.request('POST', '/export/generate');
    // Start as early as possible, so that the worker and the bundle cut the export at the same time.
    await until('the export', () => counts(running).pending + counts(running).uploading > 0);
    const [items] = await Promise.all([bundle(running), asked]);
    await until('the first part', () => release !== undefined);
    release?.();
    await until('the delivery', () => counts(running).completed === 1);
    const sent = new Map(
      central.seen
        .filter((request) => request.method === 'POST')
        .map((request) => [String(request.headers['idempotency-key']), sha256(request.body)]),
    );
    const bundled = new Map(partsOf(items).map((part) => [keyOf(part), part.header.sha256]));
    assert.ok(sent.size > 5);
    assert.deepEqual(bundled, sent);
    assert.equal(posts(central).length, sent.size, 'nothing was sent twice');
  });
});

test('the bundle of a partly delivered export contains the remaining parts, and the boat sends no part that central received from the drive', () => {
  let taken = 0;
  const firstTwo: Script = (request, response) => {
    taken += 1;
    (taken <= 2 ? accept : unavailable)(request, response);
  };
  return withBoat(answering(refuseLookup, firstTwo), 4_000, async (running, central) => {
    const { json: made } = await running.request('POST', '/export/generate');
    await until('two parts', () => taken >= 3 && counts(running).uploading === 0);
    const parts = partsOf(await bundle(running));
    const delivered = posts(central).slice(0, 2);
    assert.ok(parts.length > 3);
    assert.ok(
      parts.every((part) => !delivered.includes(keyOf(part))),
      'only parts without a receipt',
    );
    // The drive lost the last part. Central holds the other parts but reports a wrong digest for one of them.
    const lied = parts[1];
    const lost = parts.at(-1);
    assert.ok(lied !== undefined && lost !== undefined);
    const acknowledged = central.seen.filter(({ method }) => method === 'POST').slice(0, 2);
    const receipts = [
      ...acknowledged.map((request) => receiptFor(request)),
      ...parts.slice(0, -1).map((part) => ({
        ...receiptFor({ method: 'POST', path: '', headers: {}, body: Buffer.from(part.body) }),
        ...(part === lied ? { sha256: '0'.repeat(64) } : {}),
      })),
    ];
    const before = posts(central).length;
    central.answer(
      answering((request, response) => {
        assert.match(String(request.headers['authorization']), /^Bearer /);
        json(response, 200, {
          status: 'success',
          export_id: made['export_id'],
          parts: receipts,
          next: null,
        });
      }, accept),
    );
    await until('the delivery', async () => {
      await running.request('POST', '/export/queue/process');
      return counts(running).completed === 1;
    });
    assert.deepEqual(
      [...new Set(posts(central).slice(before))].sort(),
      [keyOf(lied), keyOf(lost)].sort(),
      'the boat sends exactly the parts without a valid receipt',
    );
    assert.ok(lookups(central).length >= 1);
  });
});

test('an export is sent again completely if central has lost a confirmed part of it', () => {
  let taken = 0;
  const firstTwo: Script = (request, response) => {
    taken += 1;
    (taken <= 2 ? accept : unavailable)(request, response);
  };
  return withBoat(answering(refuseLookup, firstTwo), 4_000, async (running, central) => {
    const { json: made } = await running.request('POST', '/export/generate');
    await until('two parts', () => taken >= 3 && counts(running).uploading === 0);
    const parts = partsOf(await bundle(running));
    const [first, second] = posts(central);
    const request = central.seen.find(({ method }) => method === 'POST');
    assert.ok(request !== undefined && second !== undefined);
    // Central was restored from a backup made between the two parts.
    const held = [receiptFor(request)];
    const before = posts(central).length;
    central.answer(
      answering(
        (_, response) =>
          json(response, 200, {
            status: 'success',
            export_id: made['export_id'],
            parts: held,
            next: null,
          }),
        accept,
      ),
    );
    await until('the delivery', async () => {
      await running.request('POST', '/export/queue/process');
      return counts(running).completed === 1;
    });
    const sent = new Set(posts(central).slice(before));
    assert.deepEqual([...sent].sort(), [second, ...parts.map(keyOf)].sort());
    assert.ok(!sent.has(String(first)), 'central still holds the first part');
  });
});

test('the boat queries central only about bundled exports, and sends them if central cannot answer', () =>
  withBoat(answering(refuseLookup, unavailable), 20, async (running, central, root) => {
    const { json: made } = await running.request('POST', '/export/generate');
    await until('an attempt', () => posts(central).length > 0);
    assert.equal(lookups(central).length, 0);
    await bundle(running);
    addRecords(root, { rows: 3, seed: 4 });
    const { json: later } = await running.request('POST', '/export/generate', { type: 'incremental' });
    central.answer(answering(refuseLookup, accept));
    await until('both', async () => {
      await running.request('POST', '/export/queue/process');
      return counts(running).completed === 2;
    });
    assert.ok(lookups(central).every((request) => request.path.includes(String(made['export_id']))));
    assert.ok(lookups(central).length > 0);
    assert.ok(posts(central).includes(`${later['export_id']}/1`));
  }));

test('a bundle includes failed exports on request and reports an export without a file as skipped', () =>
  withBoat(answering(refuseLookup, unavailable), 20, async (running, _, root) => {
    const { json: cancelled } = await running.request('POST', '/export/generate');
    assert.equal((await running.request('DELETE', `/export/queue/${cancelled['queue_id']}`)).status, 200);
    const { json: gone } = await running.request('POST', '/export/generate');
    const { json: waiting } = await running.request('POST', '/export/generate');
    await until('rest', () => counts(running).uploading === 0);
    rmSync(join(root, 'data/exports/exports', String(gone['export_file'])));
    const ids = (items: readonly BundleItem[]) => partsOf(items).map(({ header }) => header.export_id);
    const plain = await bundle(running);
    assert.deepEqual(ids(plain), [waiting['export_id']]);
    const end = plain.find((item) => item.kind === 'end');
    assert.deepEqual(
      end?.end.skipped.map((left) => left.queue_id),
      [gone['queue_id']],
    );
    assert.deepEqual(ids(await bundle(running, true)), [cancelled['export_id'], waiting['export_id']]);
    const { json: queue } = await running.request('GET', '/export/queue/status');
    assert.equal(queue['failed_count'], 1, 'bundling changes no state');
  }));

test('a boat at tier 0 creates no bundle', () =>
  inTemporaryFolder('offline-bundle', async (root) => {
    prepareBoat({ root, rows: 3, tier: 2 });
    const first = await startBoatInProcess({ root, centralUrl: NO_SERVER });
    await first.request('POST', '/export/generate');
    await first.stop();
    const license = join(root, 'config/license.json');
    writeFileSync(license, JSON.stringify({ ...JSON.parse(readFileSync(license, 'utf8')), tier: 0 }));
    mkdirSync(join(root, 'drive'));
    const running = await startBoatInProcess({ root, centralUrl: NO_SERVER });
    try {
      const answer = await running.request('POST', '/export/bundle', {});
      assert.deepEqual([answer.status, answer.json['code']], [403, 'TIER_TOO_LOW']);
    } finally {
      await running.stop();
    }
  }));
