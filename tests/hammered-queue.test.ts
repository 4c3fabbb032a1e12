import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CATEGORIES } from '@d3kos/protocol';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { addRecordsUnlessBusy, readRecordsOfBoat } from './support/records-of-boat.ts';
import { HEALTHY, json, receiptFor, type Script, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

/** Regardless of the machine's speed, the requests continue until this many exports are acknowledged and this many delivered. */
const ACKNOWLEDGED_MIN = 20;
const DELIVERED_MIN = 3;
/** Maximum pause between two requests from one client. An export takes about as long, so the queue neither empties nor grows. */
const PAUSE_MAX_MS = 60;
const SEED = Number(process.env['D3KOS_HAMMER_SEED'] ?? Date.now() % 1_000_000_000);

/** A central that records the digest of each key and the identity of each record. */
interface KeepingCentral {
  readonly script: Script;
  readonly digests: ReadonlyMap<string, string>;
  readonly records: ReadonlySet<string>;
  /** Makes central accept everything from now on. */
  calm(): void;
}

function createKeepingCentral(seeded: ReturnType<typeof createSeeded>): KeepingCentral {
  const digests = new Map<string, string>();
  const records = new Set<string>();
  let isCalm = false;
  const script: Script = (request, response) => {
    const refuse = (status: number, code: string, headers: Record<string, string> = {}): void =>
      json(response, status, { status: 'error', error_code: code, message: 'no' }, headers);
    const keep = (): boolean => {
      const key = String(request.headers['idempotency-key']);
      const digest = createHash('sha256').update(request.body).digest('hex');
      const isDuplicate = digests.has(key);
      assert.equal(digests.get(key) ?? digest, digest, `${key} was sent with two different bodies`);
      digests.set(key, digest);
      const document = JSON.parse(request.body.toString('utf8'));
      for (const category of CATEGORIES) {
        const section = document.data[category];
        for (const entry of section?.entries ?? (section?.data?.record_id ? [section.data] : []))
          records.add(`${category} ${entry.record_id}`);
      }
      return isDuplicate;
    };
    const chance = isCalm ? 0 : seeded.below(20);
    if (request.method === 'GET') {
      if (chance === 19) response.destroy();
      else json(response, 200, HEALTHY);
      return;
    }
    switch (chance) {
      case 11:
        return refuse(400, 'INVALID_FORMAT');
      case 12:
        return refuse(500, 'INTERNAL');
      case 13:
        return refuse(503, 'UNAVAILABLE', { 'retry-after': '1' });
      case 14:
        return refuse(401, 'INVALID_TOKEN');
      case 15:
        return void response.destroy();
      case 16:
        // The part is accepted, but the answer is lost.
        keep();
        return void response.destroy();
      case 17:
        return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Marina</html>');
      case 18:
        // The answer is so slow that the export can be cancelled in the meantime.
        return void setTimeout(() => {
          if (!response.destroyed) json(response, 200, receiptFor(request, { duplicate: keep() }));
        }, 50).unref();
      default:
        return json(response, 200, receiptFor(request, { duplicate: keep() }));
    }
  };
  return {
    script,
    digests,
    records,
    calm: () => {
      isCalm = true;
    },
  };
}

/** Sends every kind of API request concurrently until `isOver`. Returns the acknowledged exports. */
async function hammer(
  running: RunningBoat,
  root: string,
  seeded: ReturnType<typeof createSeeded>,
  isOver: (acknowledged: number) => boolean,
): Promise<readonly string[]> {
  const acknowledged: string[] = [];
  const { queue } = running.boat.ledger;
  const someId = (): string | undefined => {
    const statuses = ['pending', 'uploading', 'completed', 'failed'] as const;
    const entries = queue.list(statuses[seeded.below(4)] ?? 'pending');
    return entries[seeded.below(Math.max(1, entries.length))]?.queueId;
  };
  const expect = async (method: string, path: string, statuses: readonly number[], body?: unknown) => {
    const answer = await running.request(method, path, body);
    assert.ok(statuses.includes(answer.status), `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer.json;
  };
  const clients: readonly (() => Promise<void>)[] = [
    async () => {
      addRecordsUnlessBusy(root, { rows: 1 + seeded.below(5), seed: seeded.below(1_000_000) });
      const type = seeded.below(4) === 0 ? 'full' : 'incremental';
      const made = await expect('POST', '/export/generate', [200], { type });
      if (made['queued'] === true) acknowledged.push(String(made['queue_id']));
    },
    async () => {
      const id = someId();
      // 404: a cleanup removed the entry.
      if (id !== undefined) await expect('DELETE', `/export/queue/${id}`, [200, 404, 409]);
    },
    async () => {
      const id = someId();
      if (id !== undefined) await expect('POST', `/export/queue/${id}/retry`, [200, 404, 409]);
    },
    async () => {
      await expect('POST', '/export/queue/cleanup', [200], { completed_older_than_days: 0 });
    },
    async () => {
      await expect('POST', '/export/queue/process', [200]);
    },
    async () => {
      await expect('GET', '/export/status', [200]);
      await expect('GET', '/export/queue', [200]);
    },
  ];
  const repeat = async (doIt: () => Promise<void>): Promise<void> => {
    while (!isOver(acknowledged.length)) {
      await doIt();
      await sleep(seeded.below(PAUSE_MAX_MS));
    }
  };
  await Promise.all([...clients, ...clients].map(repeat));
  return acknowledged;
}

test('concurrent API requests and uploads, against a central with random answers, lose nothing', (t) =>
  inTemporaryFolder('hammer', async (root) => {
    t.diagnostic(`replay: D3KOS_HAMMER_SEED=${SEED}`);
    const seeded = createSeeded(SEED);
    prepareBoat({ root, rows: 100 });
    const central = createKeepingCentral(seeded);
    const server = await startScriptedServer(central.script);
    const running = await startBoatInProcess({ root, centralUrl: server.url, partSizeBytes: 16_384 });
    try {
      const { queue } = running.boat.ledger;
      const acknowledged = await hammer(
        running,
        root,
        seeded,
        (made) => made >= ACKNOWLEDGED_MIN && queue.history(DELIVERED_MIN).length === DELIVERED_MIN,
      );
      central.calm();
      const drained = () =>
        until('the queue to drain', async () => {
          const { pending, uploading } = queue.counts();
          if (pending + uploading === 0) return true;
          await running.request('POST', '/export/queue/process');
          // After a second used attempt, an export would wait for minutes. It is cancelled instead, and the next export contains
          // its records.
          for (const { queueId } of queue.list('pending').filter(({ retryCount }) => retryCount > 1))
            await running.request('DELETE', `/export/queue/${queueId}`);
          await sleep(20);
          return false;
        });
      await drained();
      for (let last = 0; ; last += 1) {
        assert.ok(last < 3, 'an export without new records shows that nothing is due');
        const { json: made } = await running.request('POST', '/export/generate', { type: 'incremental' });
        await drained();
        if (made['queued'] !== true) break;
      }
      const history = new Set(queue.history(10_000).map((row) => row.queueId));
      const failed = new Set(queue.list('failed').map((entry) => entry.queueId));
      t.diagnostic(
        `${acknowledged.length} exports acknowledged, ${history.size} delivered, ${failed.size} failed and kept`,
      );
      assert.deepEqual(
        acknowledged.filter((id) => !history.has(id) && !failed.has(id)),
        [],
        'every acknowledged export was delivered or is kept as failed',
      );
      const boat = readRecordsOfBoat(root);
      const expected = [
        ...Object.entries(boat.ids).flatMap(([category, ids]) => ids.map((id) => `${category} ${id}`)),
        ...boat.issues.map((issue) => `system_alerts issues:${issue.split(' ')[0]}`),
        'settings settings',
        'onboarding onboarding',
      ];
      assert.deepEqual(
        expected.filter((id) => !central.records.has(id)),
        [],
        'every record of the sources is at central',
      );
      assert.deepEqual(queue.losses(), []);
    } finally {
      await running.stop();
      await server.close();
    }
  }));
