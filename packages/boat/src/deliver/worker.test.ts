import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Entry } from '../ledger/entry.ts';
import { openLedger } from '../ledger/ledger.ts';
import { createLicense, TIER_API_DEADLINE_MS } from '../license/license.ts';
import { createDisk } from '../platform/disk.ts';
import { type Clock, type MonotonicMs, TransportError, type WallMs, type World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { SPOOLED_INSTALLATION, spoolExport } from '../testing/spooled-export.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createWorker } from './worker.ts';

const TIER_API = 'http://localhost:8093';
const CENTRAL = 'http://central.example';

/**
 * Creates a clock that ends each sleep immediately and advances by the sleep's length. Only a sleep whose length equals the
 * deadline takes real time. The pause between two probes is sometimes such a sleep.
 */
function createHurriedClock(deadlineMs: number): Clock {
  let nowMs = 0;
  return {
    wall: () => nowMs as WallMs,
    monotonic: () => nowMs as MonotonicMs,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        const abort = (): void => reject(signal?.reason);
        if (signal?.aborted === true) return abort();
        signal?.addEventListener('abort', abort, { once: true });
        const end = (): void => {
          if (signal?.aborted !== true) nowMs += delayMs;
          resolve();
        };
        if (delayMs === deadlineMs) setTimeout(end, delayMs);
        else setImmediate(end);
      }),
    yield: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

/** Runs a worker with one waiting export until `stopping` is aborted. `answer` answers every request. */
async function runWorker(
  answer: (request: Request) => Response | Promise<Response>,
  stopping: AbortController,
  { isMetered, progressed }: { isMetered?: () => Promise<boolean>; progressed?: () => void } = {},
): Promise<Entry | undefined> {
  const root = temporaryRoot('worker');
  const paths = toSpoolPaths(root);
  mkdirSync(paths.exports, { recursive: true });
  mkdirSync(join(root, 'config'));
  const licensePath = join(root, 'config', 'license.json');
  const credentialsPath = join(root, 'config', 'export-credentials.json');
  writeFileSync(licensePath, JSON.stringify({ installation_id: SPOOLED_INSTALLATION, tier: 2 }));
  writeFileSync(credentialsPath, JSON.stringify({ token: 'device-token-of-the-tests-0123456789' }), {
    mode: 0o600,
  });
  const disk = createDisk();
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const exportFile = join(paths.exports, 'export_1.json');
  const { entryNo } = ledger.queue.enqueue(
    {
      queueId: 'q_1',
      exportId: 'exp_1',
      exportFile,
      exportType: 'full',
      trigger: 'manual',
      tier: 2,
      sequence: 1,
      categoryCount: 9,
      recordCount: 1,
      categories: {},
      fileSizeBytes: await spoolExport(disk, exportFile, ['a']),
      createdAtMs: 0 as WallMs,
    },
    [],
  );
  // The ports that the worker uses.
  const world = {
    clock: createHurriedClock(TIER_API_DEADLINE_MS),
    disk,
    random: createRandom(),
    log: createKeptLog(),
    network: {
      changed: (signal: AbortSignal) =>
        new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        }),
      ...(isMetered === undefined ? {} : { isMetered }),
    },
    compressor: { compress: async (bytes: Uint8Array) => bytes },
    transport: async (request: Request) => answer(request),
  } as unknown as World;
  const worker = createWorker({
    world,
    ledger,
    license: createLicense(world, { licensePath, tierApiUrl: TIER_API }),
    paths,
    bundlePublicKey: undefined,
    centralUrl: CENTRAL,
    partSizeBytes: 1024 * 1024,
    dataBudget: { meteredSizeMaxBytes: undefined, monthlyBytesMax: undefined },
    bytesPerSecondMax: undefined,
    credentialsPaths: [credentialsPath],
    clockSynchronized: async () => true,
    report: () => undefined,
  });
  await assert.rejects(worker.run(stopping.signal, progressed), /enough/);
  const entry = ledger.queue.get(entryNo);
  ledger.close();
  return entry;
}

function answerTier(tier: number): Response {
  return Response.json({ success: true, tier, installation_id: SPOOLED_INSTALLATION });
}

test('checks the tier once for each probe while central is unreachable', async () => {
  const stopping = new AbortController();
  const asked: string[] = [];
  let looks = 0;
  await runWorker((request) => {
    if (request.url.startsWith(TIER_API)) {
      asked.push('tier');
      return answerTier(2);
    }
    asked.push('central');
    looks += 1;
    if (looks === 20) stopping.abort(new Error('enough'));
    throw new TransportError('connect', 'ENETUNREACH', 'no network');
  }, stopping);
  // The send itself checks the tier twice: when the entry is selected, and before its part is sent.
  assert.deepEqual(asked.slice(3), Array.from({ length: 19 }, () => ['tier', 'central']).flat());
});

test('does not probe central or use up an attempt if the tier falls to 0 during a failed send', async () => {
  const stopping = new AbortController();
  const asked: string[] = [];
  let tier = 2;
  let refusals = 0;
  const entry = await runWorker((request) => {
    if (request.url.startsWith(TIER_API)) {
      if (tier === 0) refusals += 1;
      if (refusals === 5) stopping.abort(new Error('enough'));
      return answerTier(tier);
    }
    asked.push(`${request.method} ${new URL(request.url).pathname}`);
    tier = 0;
    return Response.json({ status: 'error', error_code: 'UNAVAILABLE', message: 'not now' }, { status: 503 });
  }, stopping);
  assert.deepEqual(asked, ['POST /api/v1/data/import']);
  assert.equal(entry?.status, 'pending');
  assert.equal(entry?.retryCount, 0);
});

test('the worker reports progress while central is unreachable, but not while it hangs', async () => {
  const stopping = new AbortController();
  let reports = 0;
  let requests = 0;
  const { promise: hung, resolve: hang } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<boolean>();
  const running = runWorker(
    (request) => {
      if (request.url.startsWith(TIER_API)) return answerTier(2);
      requests += 1;
      if (requests < 20) throw new TransportError('connect', 'ENETUNREACH', 'no network');
      return Response.json({ status: 'ok', service: 'd3kos-central', time: '2026-01-01T00:00:00Z' });
    },
    stopping,
    {
      progressed: () => (reports += 1),
      // A port that never answers and ignores the abort, like a call into a hanging driver.
      isMetered: () => {
        if (requests < 20) return Promise.resolve(false);
        hang();
        return held;
      },
    },
  );
  await hung;
  assert.ok(reports >= 20, `${reports} reports`);
  const before = reports;
  // The clock ends each sleep immediately, so for a worker that does not hang, this would take hours of simulated time.
  for (let turn = 0; turn < 1_000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(reports, before);
  stopping.abort(new Error('enough'));
  release(false);
  await running;
});
