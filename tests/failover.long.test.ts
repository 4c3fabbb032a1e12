import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'node:test';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { crashTest } from './support/crash-test.ts';
import { findFalseReceipts, type LightFleet, sendFromLightFleet } from './support/light-boats.ts';
import { type PostgresPair, promote, startPair } from './support/postgres-pair.ts';
import { createProcesses, freePort, type Processes, startCentralOn, toEnding } from './support/processes.ts';
import { until } from './support/until.ts';

/** Settings of a primary whose commits wait until they are on the standby's disk. */
const SYNCHRONOUS = { synchronous_standby_names: 'standby' };

/** Kills the primary, promotes the standby and redirects the nodes to it. The nodes are not restarted. */
async function failOver({ primary, standby, address }: PostgresPair): Promise<void> {
  address.leadTo(undefined);
  await primary.kill();
  await promote(standby);
  address.leadTo(standby.port);
}

/** Lets a fleet send to two nodes, and kills the primary after `receiptsBefore` receipts. */
async function loseThePrimary(
  processes: Processes,
  seed: number,
  pair: PostgresPair,
): Promise<{ readonly fleet: LightFleet; readonly receiptsBefore: number }> {
  const ports = [await freePort(), await freePort()];
  const nodes = [];
  for (const port of ports) nodes.push(await startCentralOn(processes, pair.databaseUrl, port));
  const stop = new AbortController();
  processes.atEnd(() => stop.abort());
  const seeded = createSeeded(seed);
  let isOver = false;
  const fleet = await pair.primary.use((store) =>
    sendFromLightFleet(store, {
      boats: 24,
      makesMore: () => !isOver,
      partsMax: 3,
      recordsOfPart: 30,
      urls: ports.map((port) => `http://127.0.0.1:${port}`),
      seeded: createSeeded(seed + 1),
      signal: stop.signal,
    }),
  );
  await fleet.untilReceipts(100 + seeded.below(200));
  await sleep(seeded.below(500));
  const receiptsBefore = fleet.receipts.length;
  await failOver(pair);
  await fleet.untilReceipts(receiptsBefore + 100);
  isOver = true;
  await fleet.done;
  for (const node of nodes) assert.equal(await node.stop(), 0);
  return { fleet, receiptsBefore };
}

const FAILOVERS = 4;

crashTest(
  `${FAILOVERS} losses of the primary during imports: the promoted standby holds every receipt that was ever issued`,
  FAILOVERS,
  async (processes, run) => {
    for (let round = 0; round < run.times; round += 1) {
      const pair = await startPair(processes, SYNCHRONOUS);
      const { fleet, receiptsBefore } = await loseThePrimary(processes, run.seed + round, pair);
      run.report(`${receiptsBefore} receipts before the loss, ${fleet.receipts.length} in all`);
      assert.ok(
        [...fleet.troubles.values()].some((count) => count > 0),
        'the loss affected no boat',
      );
      assert.deepEqual(await pair.standby.use((store) => findFalseReceipts(store, fleet.receipts)), []);
      await pair.standby.stop();
    }
  },
);

test('without synchronous commits, the standby lacks receipts after the loss, and the check detects the gap', async (t) => {
  const processes = createProcesses(toEnding(t));
  const pair = await startPair(processes, {});
  const port = await freePort();
  const node = await startCentralOn(processes, pair.databaseUrl, port);
  const stop = new AbortController();
  processes.atEnd(() => stop.abort());
  const sendTen = (seed: number) =>
    pair.primary.use(async (store) => {
      const fleet = await sendFromLightFleet(store, {
        boats: 1,
        makesMore: (exports) => exports < 10,
        partsMax: 1,
        recordsOfPart: 3,
        urls: [`http://127.0.0.1:${port}`],
        seeded: createSeeded(seed),
        signal: stop.signal,
      });
      await fleet.done;
      return fleet.receipts;
    });
  const followed = await sendTen(1);
  await until('the standby to have the first receipts', () =>
    pair.standby.use(async (store) => {
      const [row = {}] = await store.query('select count(*)::int as parts from imports');
      return row['parts'] === followed.length;
    }),
  );
  await pair.standby.stop();
  const lost = await sendTen(2);
  await pair.standby.start();
  await failOver(pair);
  const missing = await pair.standby.use((store) => findFalseReceipts(store, [...followed, ...lost]));
  assert.deepEqual([...missing].sort(), lost.map(({ key }) => key).sort());
  assert.equal(await node.stop(), 0);
});
