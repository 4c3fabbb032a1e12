import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { findFalseReceipts, sendFromLightFleet } from '../tests/support/light-boats.ts';
import { placePostgres } from '../tests/support/postgres-server.ts';
import { freePort, type Processes, type Program, startCentralOn } from '../tests/support/processes.ts';
import type { CrashRun } from './run.ts';

/** Size of one round. */
export interface NodesPlan {
  readonly nodes: number;
  readonly boats: number;
}

/** Maximum lifetime of a node between two kills, from the moment it answers. */
const LIFE_MAX_MS = 600;
/** One kill in SHUTDOWN_ONE_IN is an orderly shutdown, as in an upgrade. */
const SHUTDOWN_ONE_IN = 5;

/**
 * Lets a fleet of boats send to several real nodes on one real PostgreSQL while `run.times` nodes are killed, one after another.
 * Throws an AssertionError if afterwards a receipt is wrong, a part is stored twice or a boat is stuck.
 */
export async function killNodes(processes: Processes, run: CrashRun, plan: NodesPlan): Promise<void> {
  const seeded = createSeeded(run.seed);
  const server = await placePostgres(processes);
  await server.start();
  const ports = await Promise.all(Array.from({ length: plan.nodes }, () => freePort()));
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const start = (port: number): Promise<Program> => startCentralOn(processes, server.url, port);
  // The first node migrates the schema. The others would only wait for it.
  const nodes: Program[] = [];
  for (const port of ports) nodes.push(await start(port));
  const stop = new AbortController();
  processes.atEnd(() => stop.abort());
  await server.use(async (store) => {
    let kills = 0;
    const fleet = await sendFromLightFleet(store, {
      boats: plan.boats,
      // A boat creates exports until the last kill, regardless of the machine's speed.
      makesMore: () => kills < run.times,
      partsMax: 4,
      recordsOfPart: 20,
      urls,
      seeded: createSeeded(run.seed + 1),
      signal: stop.signal,
    });
    for (; kills < run.times; kills += 1) {
      const at = seeded.below(plan.nodes);
      const [node, port] = [nodes[at], ports[at]];
      assert.ok(node !== undefined && port !== undefined);
      const before = fleet.receipts.length;
      // The fleet has received receipts since the previous kill, so this kill happens while the nodes are working.
      await fleet.untilReceipts(before + 1);
      await sleep(seeded.below(LIFE_MAX_MS));
      if (seeded.below(SHUTDOWN_ONE_IN) === 0) assert.equal(await node.stop(), 0);
      else await node.kill();
      nodes[at] = await start(port);
    }
    await fleet.done;
    const troubles = [...fleet.troubles].map(([kind, count]) => `${count} × ${kind}`).join(', ');
    run.report(`${kills} kills, ${fleet.receipts.length} receipts; ${troubles}`);
    assert.ok((fleet.troubles.get('no answer') ?? 0) > 0, 'no boat was affected by a kill');
    assert.deepEqual(await findFalseReceipts(store, fleet.receipts), []);
    const [stored = {}] = await store.query('select count(*)::int as parts from imports');
    assert.equal(stored['parts'], fleet.receipts.length);
  });
  for (const node of nodes) assert.equal(await node.stop(), 0);
}
