import assert from 'node:assert/strict';
import dns from 'node:dns';
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import test, { describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, inTemporaryFolder } from './support/boat-in-process.ts';
import { type FaultProxy, type LinkFaults, startBlackhole, startFaultProxy } from './support/fault-proxy.ts';
import { type LinkedBoat, startLinkedBoat } from './support/linked-boat.ts';
import { useLinkedCentral } from './support/linked-central.ts';
import { countAtCentral, freePort, withCentralStore } from './support/processes.ts';
import { until } from './support/until.ts';

/** Factor by which the boat's clock runs faster than this machine's clock. It shortens the boat's waits of 5 s to 5 min. */
const CLOCK_SPEED = 50;

const central = useLinkedCentral();
const overLink: ReturnType<typeof central>['overLink'] = (options, work) => central().overLink(options, work);
const storedParts = (exportId: string): Promise<number> => central().storedParts(exportId);
const countedRows = (exportId: string): Promise<number> => central().countedRows(exportId);

const attemptsSpent = ({ boat }: LinkedBoat): number =>
  ['pending', 'completed']
    .flatMap((status) => boat.ledger.queue.list(status === 'pending' ? 'pending' : 'completed'))
    .reduce((sum, entry) => sum + entry.retryCount, 0);

/** Resolves when the entry has been tried and is waiting for a probe, or for a retry other than the immediate one. */
const untilParked = ({ boat }: LinkedBoat): Promise<void> =>
  until('the entry to be tried and to wait', async () => {
    const [entry] = boat.ledger.queue.list('pending');
    if (entry?.lastError === undefined) return false;
    const { destination } = await boat.manager.status();
    return entry.retryCount >= 2 || destination.state === 'offline' || destination.state === 'captive_portal';
  });

describe('a first export of many parts', () => {
  /** An export of about 6 MB. links.long.test.ts sends a complete first export. */
  const ROWS = 15_000;
  const PART_SIZE_BYTES = 49_152;
  /** Number of parts between two drops: parts of 1 MiB that a link of 1.2 Mbit/s transfers in 20 s. */
  const UP_PARTS = 40;
  /** The drop occurs at a random moment during a part. */
  const PART_MS = 40;
  const DOWN_MS = 50;

  test(`arrives over a link that drops every ${UP_PARTS} parts with less than 5 % of its bytes sent twice`, async (t) => {
    // A drop itself ends the connections, so a slow answer need not count as silence.
    const limits = { silenceMs: 30_000 };
    await overLink({ rows: ROWS, partSizeBytes: PART_SIZE_BYTES, limits }, async (boat, link) => {
      const seeded = createSeeded(1);
      link.set({ bytesPerSecond: 2_000_000, latencyMs: 1 });
      const up = async (signal: AbortSignal): Promise<void> => {
        const partsMax = link.traffic().tries.size + UP_PARTS;
        await until('the next drop', () => signal.aborted || link.traffic().tries.size >= partsMax);
        await sleep(seeded.below(PART_MS));
      };
      const dropping = link.dropEach(up, DOWN_MS, boat.changeNetwork);
      const exportId = await boat.exportAll();
      await boat.untilDelivered(1).finally(() => dropping.stop());
      const { drops } = await dropping.stop();
      const [entry] = boat.boat.ledger.queue.list('completed');
      const sizeBytes = statSync(entry?.exportFile ?? '').size;
      assert.ok(sizeBytes > 4_500_000, `${sizeBytes} bytes`);
      const { sentBytes, neededBytes, partBytes, tries } = link.traffic();
      const twice = (partBytes - neededBytes) / neededBytes;
      t.diagnostic(
        `${tries.size} parts, ${sizeBytes} bytes, ${neededBytes} on the wire; ${drops} drops; ${(100 * twice).toFixed(2)} % sent twice, ${(((sentBytes - neededBytes) / neededBytes) * 100).toFixed(2)} % with probes`,
      );
      assert.ok(drops >= 2, `${drops} drops`);
      assert.ok(sentBytes < neededBytes * 1.05, `${sentBytes} bytes sent of ${neededBytes}`);
      assert.equal(await storedParts(exportId), tries.size);
      const counts = await withCentralStore(central().place, (store) => countAtCentral(store, INSTALLATION));
      assert.equal(counts.boatlog, ROWS);
    });
  });

  test('arrives over a link that transfers less than one part between two drops', (t) =>
    overLink(
      { rows: 4_000, partSizeBytes: 1024 * 1024, clockSpeed: 20 * CLOCK_SPEED },
      async (boat, link) => {
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
      },
    ));
});

describe('a half-open connection', () => {
  test('is not used again after the network has changed', () =>
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
    }));

  test('during an upload is detected by a timeout, and the export arrives', () =>
    // On a slow machine, central's first answer takes longer than this silence. The retry would then wait for 5 minutes, so
    // the clock runs faster.
    overLink(
      { rows: 400, limits: { silenceMs: 500, slowestBytesPerSecond: 1e9 }, clockSpeed: CLOCK_SPEED },
      async (boat, link) => {
        link.set({ bytesPerSecond: 20_000 });
        const exportId = await boat.exportAll();
        await until('the upload to be under way', () => link.traffic().partBytes > 4_096);
        link.silence();
        link.set({});
        await boat.untilDelivered(1);
        assert.equal(link.traffic().tries.get(`${exportId}/1`), 2);
        assert.equal(await storedParts(exportId), 1);
      },
    ));
});

describe('an answer that is cut off after central stored the part', () => {
  const LOSSES: readonly (readonly [name: string, faults: LinkFaults])[] = [
    ['reset at its first byte', { resetAfterAnsweredBytes: 0 }],
    ['truncated in its headers', { truncateAfterAnsweredBytes: 40 }],
    ['truncated in its body', { truncateAfterAnsweredBytes: 400 }],
  ];
  for (const [name, faults] of LOSSES)
    test(`${name}: the part is stored once, and the receipt for the next attempt is marked as duplicate`, () =>
      overLink({ clockSpeed: 4 * CLOCK_SPEED }, async (boat, link) => {
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
      }));

  test('a request that is cut off is not stored, and the next attempt stores it once', () =>
    overLink({ rows: 400, clockSpeed: 4 * CLOCK_SPEED }, async (boat, link) => {
      link.set({ resetAfterSentBytes: 4_000 });
      const exportId = await boat.exportAll();
      await untilParked(boat);
      assert.equal(await storedParts(exportId), 0);
      link.set({});
      await boat.untilDelivered(1);
      const { answers, tries } = link.traffic();
      assert.doesNotMatch(answers, /"duplicate":true/);
      // After the second interruption the boat cuts smaller parts.
      assert.equal(await storedParts(exportId), tries.size);
      assert.equal(await countedRows(exportId), 400);
    }));
});

describe('a central that cannot be reached', () => {
  test('behind a black hole is offline, is probed every 2 s even while earlier probes hang, and is reached once it answers again', () =>
    inTemporaryFolder('blackhole', async (root) => {
      const hole = await startBlackhole();
      const limits = { connectTimeoutMs: 100 };
      const boat = await startLinkedBoat({
        root,
        centralUrl: `http://127.0.0.1:${hole.port}`,
        token: central().token,
        clockSpeed: CLOCK_SPEED,
        limits,
      });
      let link: FaultProxy | undefined;
      try {
        const exportId = await boat.exportAll();
        await boat.untilState('offline');
        await until('six tries', () => boat.exchangesMs.length >= 6);
        const waits = boat.exchangesMs.slice(1).map((atMs, at) => atMs - (boat.exchangesMs[at] ?? 0));
        // A busy machine delays a request by some milliseconds, which the boat's faster clock multiplies.
        for (const waitMs of waits)
          assert.ok(waitMs >= 1_000, `waits of ${waits.map(Math.round).join(', ')} ms`);
        assert.equal(attemptsSpent(boat), 0);
        await hole.close();
        link = await startFaultProxy(central().place.port, hole.port);
        boat.changeNetwork();
        await boat.untilDelivered(1);
        await boat.untilState('online');
        assert.equal(await storedParts(exportId), 1);
      } finally {
        await boat.stop();
        await link?.close();
        await hole.close();
      }
    }));

  test('is not contacted while no export is waiting, even if the network changes', () =>
    overLink({ clockSpeed: CLOCK_SPEED }, async (boat, link) => {
      await boat.exportAll();
      await boat.untilDelivered(1);
      const before = link.traffic();
      const exchanges = boat.exchangesMs.length;
      link.reset();
      // Two minutes on the boat's clock, with four ticks of the worker. No event shows the absence of requests.
      for (let change = 0; change < 3; change += 1) {
        boat.changeNetwork();
        await sleep(1_000);
      }
      const { connections, sentBytes } = link.traffic();
      assert.deepEqual(
        { connections, sentBytes, exchanges: boat.exchangesMs.length },
        { connections: before.connections, sentBytes: before.sentBytes, exchanges },
      );
    }));

  test('because its name does not exist is offline, and no attempt is used up', () =>
    overLink({ centralUrl: 'https://central.invalid' }, async (boat) => {
      await boat.exportAll();
      await boat.untilState('offline');
      await untilParked(boat);
      assert.equal(attemptsSpent(boat), 0);
    }));

  test('because its name lookup hangs is offline in bounded time and is reached once lookups work', async (t) => {
    const link = await startFaultProxy(central().place.port);
    const centralUrl = `http://localhost:${link.port}`;
    await overLink({ centralUrl, limits: { connectTimeoutMs: 300 } }, async (boat) => {
      // Name lookups are blocked only once all servers listen, because listening also looks up names.
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
  });

  const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some(({ family }) => family === 'IPv6'),
  );
  test(
    'with an unreachable IPv6 address and a second address is reached at the second one',
    {
      skip: hasIpv6 ? false : 'this machine has no IPv6 loopback',
    },
    async (t) => {
      const port = await freePort();
      const hole = await startBlackhole('::1', port);
      const link = await startFaultProxy(central().place.port, port);
      const addresses = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      t.mock.method(
        dns,
        'lookup',
        (_name: string, _options: unknown, reply: (...result: unknown[]) => void) => reply(null, addresses),
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

  test('delivers after a captive portal that answered with JSON, and nothing counts as delivered before that', () =>
    overLink({ clockSpeed: CLOCK_SPEED }, async (boat, link) => {
      link.set({
        portal: `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${PORTAL_BODY.length}\r\nconnection: close\r\n\r\n${PORTAL_BODY}`,
      });
      const exportId = await boat.exportAll();
      await boat.untilState('captive_portal');
      await untilParked(boat);
      assert.equal(attemptsSpent(boat), 0);
      assert.equal(await storedParts(exportId), 0);
      // Signing in at the portal changes no interface. A probe reaches central.
      link.set({});
      await boat.untilDelivered(1);
      assert.equal(await storedParts(exportId), 1);
    }));

  test("at 64 kbit/s with 2 s latency delivers within a boat's limits", () =>
    overLink({ limits: { connectTimeoutMs: 15_000, silenceMs: 30_000 } }, async (boat, link) => {
      link.set({ bytesPerSecond: 8_000, latencyMs: 2_000 });
      const exportId = await boat.exportAll();
      await boat.untilDelivered(1);
      assert.equal(attemptsSpent(boat), 0);
      assert.equal(link.traffic().tries.get(`${exportId}/1`), 1);
      assert.equal(await storedParts(exportId), 1);
    }));
});
