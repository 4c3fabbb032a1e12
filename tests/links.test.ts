import assert from 'node:assert/strict';
import dns from 'node:dns';
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test, { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, inTemporaryFolder } from './support/boat-in-process.ts';
import { type FaultProxy, type LinkFaults, startBlackhole, startFaultProxy } from './support/fault-proxy.ts';
import { type LinkedBoat, type LinkedBoatOptions, startLinkedBoat } from './support/linked-boat.ts';
import {
  type CentralPlace,
  countAtCentral,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  startCentral,
  withCentralStore,
} from './support/processes.ts';
import { until } from './support/until.ts';

const BOUND = { timeout: 60_000 };
/** The boat's clock against this machine's: its waits of 5 s to 5 min pass while a test waits. */
const HURRY = 50;

const processes = createProcesses({ after });
let central: CentralPlace;
let token: string;
before(async () => {
  central = await placeCentral(processes);
  token = await enrollAt(processes, central, INSTALLATION);
  await startCentral(processes, central);
});

/** A boat, the link to central, and what each test says to it. */
async function overLink(
  options: Partial<LinkedBoatOptions>,
  work: (boat: LinkedBoat, link: FaultProxy) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder('links', async (root) => {
    const link = await startFaultProxy(central.port);
    const boat = await startLinkedBoat({ root, centralUrl: link.url, token, ...options });
    try {
      await work(boat, link);
    } finally {
      await boat.stop();
      await link.close();
    }
  });
}

/** How central holds an export: its parts, and whether any of them is counted more than once. */
async function storedParts(exportId: string): Promise<number> {
  return withCentralStore(central, async (store) => {
    const [row] = await store.query(
      `select (select count(*)::int from imports where export_id = $1::text) as parts,
              (select documents::int from installations where installation_id = $2::text) as counted,
              (select count(*)::int from imports where installation_id = $2::text) as held`,
      [exportId, INSTALLATION],
    );
    assert.equal(row?.['counted'], row?.['held'], 'what was counted as it came in is what is held');
    return Number(row?.['parts']);
  });
}

/** The boatlog rows that central counted in the parts of an export. */
async function countedRows(exportId: string): Promise<number> {
  return withCentralStore(central, async (store) => {
    const [row] = await store.query(
      `select sum((receipt #>> '{records_imported,boatlog}')::int)::int as rows from imports where export_id = $1::text`,
      [exportId],
    );
    return Number(row?.['rows']);
  });
}

const attemptsSpent = ({ boat }: LinkedBoat): number =>
  ['pending', 'completed']
    .flatMap((status) => boat.ledger.queue.list(status === 'pending' ? 'pending' : 'completed'))
    .reduce((sum, entry) => sum + entry.retryCount, 0);

/** Resolves when the entry was tried and waits: for a probe, or for a retry that is not the immediate one. */
const untilParked = ({ boat }: LinkedBoat): Promise<void> =>
  until('the entry to be tried and to wait', async () => {
    const [entry] = boat.ledger.queue.list('pending');
    if (entry?.lastError === undefined) return false;
    const { destination } = await boat.manager.status();
    return entry.retryCount >= 2 || destination.state === 'offline' || destination.state === 'captive_portal';
  });

describe('a first export of many parts', () => {
  /** The real thing, in real time: 900 kbit/s for 20 s carry more than twenty parts of 1 MiB, compressed. */
  const WHOLE = {
    megabytes: 200,
    rows: 510_000,
    bytesPerSecond: 110_000,
    upMs: 20_000,
    downMs: 2_000,
    limitMs: 10 * 60_000,
  };
  /** About 20 MB of export. */
  const ROWS = 60_000;
  const PART_SIZE_BYTES = 65_536;
  /** Parts between two drops: what a link of 1.2 Mbit/s carries of parts of 1 MiB in 20 s. */
  const UP_PARTS = 40;
  /** The drop comes at any moment of a part. */
  const PART_MS = 40;
  const DOWN_MS = 50;
  const LOOK_MS = 5;

  test(
    `arrives over a link that drops every ${UP_PARTS} parts with less than 5 % of its bytes sent twice`,
    BOUND,
    async (t) => {
      await overLink({ rows: ROWS, partSizeBytes: PART_SIZE_BYTES }, async (boat, link) => {
        const seeded = createSeeded(1);
        link.set({ bytesPerSecond: 2_000_000, latencyMs: 1 });
        const up = async (signal: AbortSignal): Promise<void> => {
          const partsMax = link.traffic().tries.size + UP_PARTS;
          while (!signal.aborted && link.traffic().tries.size < partsMax) await sleep(LOOK_MS);
          await sleep(seeded.below(PART_MS));
        };
        const dropping = link.dropEach(up, DOWN_MS, boat.changeNetwork);
        const exportId = await boat.exportAll();
        await boat.untilDelivered(1).finally(() => dropping.stop());
        const { drops } = await dropping.stop();
        const [entry] = boat.boat.ledger.queue.list('completed');
        const sizeBytes = statSync(entry?.exportFile ?? '').size;
        assert.ok(sizeBytes > 18_000_000, `${sizeBytes} bytes`);
        const { sentBytes, neededBytes, partBytes, tries } = link.traffic();
        const twice = (partBytes - neededBytes) / neededBytes;
        t.diagnostic(
          `${tries.size} parts, ${sizeBytes} bytes, ${neededBytes} on the wire; ${drops} drops; ${(100 * twice).toFixed(2)} % sent twice, ${(((sentBytes - neededBytes) / neededBytes) * 100).toFixed(2)} % with probes`,
        );
        assert.ok(drops >= 4, `${drops} drops`);
        assert.ok(sentBytes < neededBytes * 1.05, `${sentBytes} bytes sent of ${neededBytes}`);
        assert.equal(await storedParts(exportId), tries.size);
        const counts = await withCentralStore(central, (store) => countAtCentral(store, INSTALLATION));
        assert.equal(counts.boatlog, ROWS);
      });
    },
  );

  test(
    `of ${WHOLE.megabytes} MB arrives over a link that drops every ${WHOLE.upMs / 1_000} s with less than 5 % of its bytes sent twice`,
    {
      timeout: WHOLE.limitMs + 60_000,
      skip: process.env['LINKS_WHOLE'] === '1' ? false : 'set LINKS_WHOLE=1: it takes minutes',
    },
    async (t) => {
      await overLink(
        { rows: WHOLE.rows, limits: { connectTimeoutMs: 10_000, silenceMs: 30_000 } },
        async (boat, link) => {
          link.set({ bytesPerSecond: WHOLE.bytesPerSecond, latencyMs: 20 });
          const exportId = await boat.exportAll();
          const up = (signal: AbortSignal) => sleep(WHOLE.upMs, undefined, { signal }).catch(() => undefined);
          const dropping = link.dropEach(up, WHOLE.downMs, boat.changeNetwork);
          const began = performance.now();
          await boat.untilDelivered(1).finally(() => dropping.stop());
          const { drops } = await dropping.stop();
          const [entry] = boat.boat.ledger.queue.list('completed');
          const sizeBytes = statSync(entry?.exportFile ?? '').size;
          const { sentBytes, neededBytes, partBytes, tries } = link.traffic();
          t.diagnostic(
            `${tries.size} parts, ${sizeBytes} bytes, ${neededBytes} on the wire in ${Math.round((performance.now() - began) / 1_000)} s; ${drops} drops; ${(((partBytes - neededBytes) / neededBytes) * 100).toFixed(2)} % sent twice, ${(((sentBytes - neededBytes) / neededBytes) * 100).toFixed(2)} % with probes`,
          );
          assert.ok(sizeBytes >= WHOLE.megabytes * 1_000_000, `${sizeBytes} bytes`);
          assert.ok(drops >= 4, `${drops} drops`);
          assert.ok(sentBytes < neededBytes * 1.05, `${sentBytes} bytes sent of ${neededBytes}`);
          assert.equal(await storedParts(exportId), tries.size);
          assert.equal(await countedRows(exportId), WHOLE.rows);
        },
      );
    },
  );

  test('arrives over a link that carries less than one part between two drops', BOUND, (t) =>
    overLink({ rows: 4_000, partSizeBytes: 1024 * 1024, hurry: 20 * HURRY }, async (boat, link) => {
      link.set({ resetAfterSentBytes: 24_000 });
      const exportId = await boat.exportAll();
      await until('its end', () => {
        const { completed, failed } = boat.boat.ledger.queue.counts();
        return completed + failed === 1;
      });
      assert.equal(boat.boat.ledger.queue.counts().completed, 1);
      const parts = await storedParts(exportId);
      const { tries, partBytes, neededBytes, connections } = link.traffic();
      t.diagnostic(
        `${parts} parts by ${connections} connections, ${partBytes} bytes of parts sent for ${neededBytes}`,
      );
      assert.equal(parts, tries.size, 'keys without a gap');
      assert.equal(await countedRows(exportId), 4_000);
    }),
  );
});

describe('a half-open connection', () => {
  test('is not used again after a change of network', BOUND, () =>
    overLink({ limits: { silenceMs: 30_000, idleMs: 30_000 } }, async (boat, link) => {
      await boat.exportAll();
      await boat.untilDelivered(1);
      assert.equal(link.traffic().connections, 1);
      link.silence();
      boat.changeNetwork();
      const exportId = await boat.exportNews();
      await boat.untilDelivered(2);
      assert.equal(link.traffic().connections, 2);
      assert.equal(attemptsSpent(boat), 0);
      assert.equal(await storedParts(exportId), 1);
    }),
  );

  test('amid an upload is noticed by its silence, and the export arrives', BOUND, () =>
    overLink({ rows: 400, limits: { silenceMs: 500, slowestBytesPerSecond: 1e9 } }, async (boat, link) => {
      link.set({ bytesPerSecond: 20_000 });
      const exportId = await boat.exportAll();
      await until('the upload to be under way', () => link.traffic().partBytes > 4_096);
      link.silence();
      link.set({});
      await boat.untilDelivered(1);
      assert.equal(link.traffic().tries.get(`${exportId}/1`), 2);
      assert.equal(await storedParts(exportId), 1);
    }),
  );
});

describe('an answer that does not come whole after central stored the part', () => {
  const LOSSES: readonly (readonly [name: string, faults: LinkFaults])[] = [
    ['reset at its first byte', { resetAfterAnsweredBytes: 0 }],
    ['truncated in its head', { truncateAfterAnsweredBytes: 40 }],
    ['truncated in its body', { truncateAfterAnsweredBytes: 400 }],
  ];
  for (const [name, faults] of LOSSES)
    test(`${name}: it is stored once, and the receipt of the next try says duplicate`, BOUND, () =>
      overLink({ hurry: 4 * HURRY }, async (boat, link) => {
        link.set(faults);
        const exportId = await boat.exportAll();
        const key = `${exportId}/1`;
        await until('the first try', () => link.traffic().tries.get(key) === 1);
        await until('central to hold it', async () => (await storedParts(exportId)) === 1);
        await untilParked(boat);
        link.set({});
        boat.changeNetwork();
        await boat.untilDelivered(1);
        assert.ok((link.traffic().tries.get(key) ?? 0) >= 2);
        assert.match(link.traffic().answers, /"duplicate":true/);
        assert.equal(await storedParts(exportId), 1);
      }),
    );

  test(
    'a request that is cut off never reaches central whole, and is stored once by the next try',
    BOUND,
    () =>
      overLink({ rows: 400, hurry: 4 * HURRY }, async (boat, link) => {
        link.set({ resetAfterSentBytes: 4_000 });
        const exportId = await boat.exportAll();
        await untilParked(boat);
        assert.equal(await storedParts(exportId), 0);
        link.set({});
        await boat.untilDelivered(1);
        const { answers, tries } = link.traffic();
        assert.doesNotMatch(answers, /"duplicate":true/);
        // Cut off twice, it is cut smaller.
        assert.equal(await storedParts(exportId), tries.size);
        assert.equal(await countedRows(exportId), 400);
      }),
  );
});

describe('a central that is not there', () => {
  test('behind a blackhole: offline, probed ever less often, and reached when it is back', BOUND, () =>
    inTemporaryFolder('blackhole', async (root) => {
      const hole = await startBlackhole();
      const limits = { connectTimeoutMs: 100 };
      const boat = await startLinkedBoat({
        root,
        centralUrl: `http://127.0.0.1:${hole.port}`,
        token,
        hurry: HURRY,
        limits,
      });
      let link: FaultProxy | undefined;
      try {
        const exportId = await boat.exportAll();
        await boat.untilState('offline');
        await until('six tries', () => boat.exchangesMs.length >= 6);
        const waits = boat.exchangesMs.slice(1).map((atMs, at) => atMs - (boat.exchangesMs[at] ?? 0));
        for (const [at, leastMs] of [5_000, 5_000, 10_000, 20_000, 40_000].entries())
          assert.ok((waits[at] ?? 0) >= leastMs, `waits of ${waits.map(Math.round).join(', ')} ms`);
        assert.equal(attemptsSpent(boat), 0);
        await hole.close();
        link = await startFaultProxy(central.port, hole.port);
        boat.changeNetwork();
        await boat.untilDelivered(1);
        await boat.untilState('online');
        assert.equal(await storedParts(exportId), 1);
      } finally {
        await boat.stop();
        await link?.close();
        await hole.close();
      }
    }),
  );

  test('is not asked for while nothing waits, whatever the network does', BOUND, () =>
    overLink({ hurry: HURRY }, async (boat, link) => {
      await boat.exportAll();
      await boat.untilDelivered(1);
      const before = link.traffic();
      const exchanges = boat.exchangesMs.length;
      link.reset();
      // Two minutes of the boat, with four ticks of the worker: that nothing happens has no event to wait for.
      for (let change = 0; change < 3; change += 1) {
        boat.changeNetwork();
        await sleep(1_000);
      }
      const { connections, sentBytes } = link.traffic();
      assert.deepEqual(
        { connections, sentBytes, exchanges: boat.exchangesMs.length },
        { connections: before.connections, sentBytes: before.sentBytes, exchanges },
      );
    }),
  );

  test('because its name does not exist: offline, nothing is spent', BOUND, () =>
    overLink({ centralUrl: 'https://central.invalid' }, async (boat) => {
      await boat.exportAll();
      await boat.untilState('offline');
      await untilParked(boat);
      assert.equal(attemptsSpent(boat), 0);
    }),
  );

  test(
    'because looking up its name hangs: offline in bounded time, and reached when names are answered',
    BOUND,
    async (t) => {
      const link = await startFaultProxy(central.port);
      const centralUrl = `http://localhost:${link.port}`;
      await overLink({ centralUrl, limits: { connectTimeoutMs: 300 } }, async (boat) => {
        // After everything listens: listening looks names up, too.
        const lookup = t.mock.method(dns, 'lookup', () => undefined);
        const exportId = await boat.exportAll();
        await boat.untilState('offline');
        assert.ok(lookup.mock.callCount() > 0, 'the name was looked up');
        assert.equal(attemptsSpent(boat), 0);
        lookup.mock.restore();
        boat.changeNetwork();
        await boat.untilDelivered(1);
        assert.equal(await storedParts(exportId), 1);
      });
      await link.close();
    },
  );

  const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family }) => family === 'IPv6'),
  );
  test(
    'at its first address, IPv6 announced and dead: the export arrives by the second',
    {
      ...BOUND,
      skip: hasIpv6 ? false : 'this machine has no IPv6 loopback',
    },
    async (t) => {
      const port = await freePort();
      const hole = await startBlackhole('::1', port);
      const link = await startFaultProxy(central.port, port);
      const addresses = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      t.mock.method(dns, 'lookup', (_name: string, _options: unknown, told: (...result: unknown[]) => void) =>
        told(null, addresses),
      );
      try {
        await overLink(
          { centralUrl: `http://localhost:${port}`, limits: { addressAttemptMs: 300 } },
          async (boat) => {
            const exportId = await boat.exportAll();
            await boat.untilDelivered(1);
            assert.equal(attemptsSpent(boat), 0);
            assert.equal(link.traffic().connections, 1);
            assert.equal(await storedParts(exportId), 1);
          },
        );
      } finally {
        await link.close();
        await hole.close();
      }
    },
  );
});

describe('a link that works', () => {
  const PORTAL_BODY = '{"status":"success","success":true,"login":"http://10.0.0.1/"}';

  test(
    'again after a portal that answered JSON in central’s place: nothing was taken for delivered',
    BOUND,
    () =>
      overLink({ hurry: HURRY }, async (boat, link) => {
        link.set({
          portal: `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${PORTAL_BODY.length}\r\nconnection: close\r\n\r\n${PORTAL_BODY}`,
        });
        const exportId = await boat.exportAll();
        await boat.untilState('captive_portal');
        await untilParked(boat);
        assert.equal(attemptsSpent(boat), 0);
        assert.equal(await storedParts(exportId), 0);
        // Somebody signs in: no interface changes, a probe finds central.
        link.set({});
        await boat.untilDelivered(1);
        assert.equal(await storedParts(exportId), 1);
      }),
  );

  test('at 64 kbit/s with 2 s latency, within the limits of a boat', BOUND, () =>
    overLink({ limits: { connectTimeoutMs: 15_000, silenceMs: 30_000 } }, async (boat, link) => {
      link.set({ bytesPerSecond: 8_000, latencyMs: 2_000 });
      const exportId = await boat.exportAll();
      await boat.untilDelivered(1);
      assert.equal(attemptsSpent(boat), 0);
      assert.equal(link.traffic().tries.get(`${exportId}/1`), 1);
      assert.equal(await storedParts(exportId), 1);
    }),
  );
});
