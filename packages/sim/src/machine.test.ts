import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { World } from '../../boat/src/platform/ports.ts';
import { createVirtualClock } from './clock.ts';
import { createSimNetwork } from './network.ts';
import { evenProbabilities } from './network-faults.ts';
import { createSimRandom } from './random.ts';
import { createTrace, firstDifference } from './trace.ts';
import { createSimMachine } from './machine.ts';
import type { CutPlan } from './power.ts';

const START_MS = Date.UTC(2026, 5, 1);
const FOLDER = '/opt/d3kos/data/exports';
const CENTRAL = 'https://central.example';

function makeSimulation(seed: number) {
  const clock = createVirtualClock(START_MS);
  const random = createSimRandom(seed);
  const trace = createTrace(clock.now);
  const network = createSimNetwork({ clock, random: random.fork('network'), trace });
  const machine = createSimMachine({
    name: 'boat',
    clock,
    random: random.fork('boat'),
    network,
    trace,
    diskLatencyMaxMs: 5,
  });
  machine.medium.makeDirectory('/opt/d3kos');
  return { clock, random, trace, network, machine };
}

/** A small boat. In a loop, it writes a file, commits the file's row, sends the file and commits its receipt. */
async function live(world: World): Promise<void> {
  await world.disk.makeDirectory(FOLDER);
  const ledger = world.databases.openLedger(`${FOLDER}/exports.db`);
  ledger.transaction(() =>
    ledger.db.exec('CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, state TEXT)'),
  );
  const signal = new AbortController().signal;
  for (;;) {
    const name = `export_${world.clock.wall()}_${world.random.hex(4)}.json`;
    await world.disk.replace(`${FOLDER}/${name}`, new TextEncoder().encode(name.repeat(50)));
    ledger.transaction(() => ledger.db.prepare('INSERT INTO entries VALUES (?, ?)').run(name, 'pending'));
    await world.clock.yield();
    for (const row of ledger.db.prepare("SELECT name FROM entries WHERE state = 'pending'").all()) {
      const sent = await send(world, String(row['name']), signal);
      world.log.write('info', sent ? 'sent' : 'kept', { name: row['name'] });
      if (sent)
        ledger.transaction(() =>
          ledger.db.prepare("UPDATE entries SET state = 'completed' WHERE name = ?").run(String(row['name'])),
        );
    }
    await world.clock.sleep(60_000);
  }
}

async function send(world: World, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    const bytes = await world.disk.read(`${FOLDER}/${name}`, 1_000_000);
    assert(bytes !== undefined, `${name} has an entry and no file`);
    const request = new Request(CENTRAL, { method: 'POST', body: new Uint8Array(bytes) });
    const response = await world.transport(request, signal);
    return response.headers.get('x-central') === 'yes';
  } catch (error) {
    if (error instanceof Error && error.name === 'TransportError') return false;
    throw error;
  }
}

/** Runs the small boat for two hours with faults and power cuts. Returns the trace and any broken promises. */
async function runSeed(seed: number) {
  const { clock, random, trace, network, machine } = makeSimulation(seed);
  const received = new Set<string>();
  network.serve(CENTRAL, 'internet', async (request) => {
    received.add((await request.text()).split('.json')[0] ?? '');
    return new Response('ok', { headers: { 'x-central': 'yes' } });
  });
  network.faults = evenProbabilities(0.5);
  const broken: string[] = [];
  try {
    while (clock.now() < 2 * 3_600_000) {
      const cutAt = random.between(5, 150);
      const plan: CutPlan = ({ number }) => number === cutAt;
      const { world, power } = machine.boot({ plan });
      const failed = live(world).catch((error: unknown) => {
        if (power.isOn()) broken.push(String(error));
      });
      void failed;
      await clock.run(() => !power.isOn() || broken.length > 0, 2 * 3_600_000);
      machine.powerCut();
      if (broken.length > 0) break;
      await clock.advance(30_000);
    }
    const { world } = machine.boot();
    const ledger = world.databases.openLedger(`${FOLDER}/exports.db`);
    for (const row of ledger.db.prepare('SELECT * FROM entries').all()) {
      const name = String(row['name']);
      if (machine.medium.get(`${FOLDER}/${name}`)?.length !== name.length * 50)
        broken.push(`${name} is not whole`);
      if (row['state'] === 'completed' && !received.has(name.replace('.json', '')))
        broken.push(`${name} was not received`);
    }
    return { trace, broken, received: received.size };
  } finally {
    machine.close();
  }
}

test('a boat that uses only the ports keeps its promises despite faults and power cuts, and each seed always produces the same trace', async () => {
  let received = 0;
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    const [first, second] = [await runSeed(seed), await runSeed(seed)];
    assert.deepEqual(first.broken, [], `seed ${seed}`);
    assert.equal(firstDifference(first.trace.lines, second.trace.lines), undefined);
    assert.equal(first.trace.digest(), second.trace.digest());
    received += first.received;
  }
  assert(received > 50, `${received} received`);
});

test('a different seed produces a different trace', async () => {
  const [one, other] = [await runSeed(1), await runSeed(2)];
  assert.notEqual(one.trace.digest(), other.trace.digest());
});

test('durable files survive a restart, and a machine that is on cannot be switched on again', () => {
  const { machine } = makeSimulation(1);
  try {
    machine.medium.put('/opt/d3kos/config/license.json', '{}');
    machine.boot();
    assert.throws(() => machine.boot(), /is already on/);
    machine.powerCut();
    machine.powerCut();
    assert.equal(machine.isOn(), false);
    assert.equal(machine.medium.get('/opt/d3kos/config/license.json')?.length, 2);
    const { world, clock } = machine.boot({ wallMs: 0 });
    assert.equal(world.clock.wall(), 0);
    clock.setWall(START_MS);
    assert.equal(world.clock.wall(), START_MS);
  } finally {
    machine.close();
  }
});

test('databases appear on the disk as files, and can be moved and removed like files', async () => {
  const { clock, machine } = makeSimulation(1);
  try {
    const { world } = machine.boot();
    await clock.settle(world.disk.makeDirectory(FOLDER));
    const ledger = world.databases.openLedger(`${FOLDER}/exports.db`);
    ledger.transaction(() => ledger.db.exec('CREATE TABLE t (x)'));
    ledger.close();
    assert.equal((await clock.settle(world.disk.stat(`${FOLDER}/exports.db`)))?.kind, 'file');
    await clock.settle(world.disk.move(`${FOLDER}/exports.db`, `${FOLDER}/exports.db.damaged`));
    const names = (await clock.settle(world.disk.list(FOLDER)))?.map((entry) => entry.name);
    assert.deepEqual(names, ['exports.db.damaged']);
    const header = await clock.settle(world.disk.readRange(`${FOLDER}/exports.db.damaged`, 0, 6));
    assert.equal(new TextDecoder().decode(header), 'SQLite');
    await clock.settle(world.disk.remove(`${FOLDER}/exports.db.damaged`));
    assert.deepEqual(await clock.settle(world.disk.list(FOLDER)), []);
  } finally {
    machine.close();
  }
});

test('the decompressor of each coding accepts what the compressor returns', async () => {
  const { machine } = makeSimulation(1);
  try {
    const { compressor } = machine.boot().world;
    const bytes = new TextEncoder().encode('record '.repeat(100));
    assert.deepEqual(new Uint8Array(gunzipSync(await compressor.compress(bytes, 'gzip'))), bytes);
    assert.deepEqual(new Uint8Array(brotliDecompressSync(await compressor.compress(bytes, 'br'))), bytes);
    assert.deepEqual(new Uint8Array(zstdDecompressSync(await compressor.compress(bytes, 'zstd'))), bytes);
  } finally {
    machine.close();
  }
});
