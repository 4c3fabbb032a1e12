import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TransportError } from '../../boat/src/platform/ports.ts';
import { createVirtualClock } from './clock.ts';
import { createSimNetwork } from './network.ts';
import {
  drawFault,
  evenProbabilities,
  FAULTS,
  type Fault,
  type FaultProbabilities,
} from './network-faults.ts';
import { createSimRandom } from './random.ts';
import { createTrace } from './trace.ts';
import { createPower } from './power.ts';

const CENTRAL = 'https://central.example';
const START_MS = Date.UTC(2026, 5, 1);

function makeNetwork(faults: FaultProbabilities = {}, seed = 'network') {
  const clock = createVirtualClock(START_MS);
  const trace = createTrace(clock.now);
  const network = createSimNetwork({ clock, random: createSimRandom(seed), trace });
  network.faults = faults;
  const bodies: string[] = [];
  network.serve(CENTRAL, 'internet', async (request) => {
    bodies.push(await request.text());
    return Response.json({ status: 'success', at: bodies.length });
  });
  const power = createPower(() => false);
  const machine = clock.forMachine(START_MS);
  power.onCut(machine.stop);
  const boat = network.boot(machine, power);
  const post = (signal = new AbortController().signal, body = 'x'.repeat(2_000)) =>
    boat.transport(
      new Request(`${CENTRAL}/api/v1/data/import`, {
        method: 'POST',
        body,
        headers: { 'content-length': String(body.length) },
      }),
      signal,
    );
  return { clock, trace, network, boat, bodies, power, machine, post };
}

const failsWith = (phase: string, code: string) => (error: unknown) =>
  error instanceof TransportError && error.phase === phase && error.code === code;

test("a request reaches the handler complete, and its answer returns at the link's speed", async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.bytesPerSecond = 1_000;
  const response = await clock.settle(post());
  assert.deepEqual(await response.json(), { status: 'success', at: 1 });
  assert.deepEqual(bodies, ['x'.repeat(2_000)]);
  assert(clock.now() >= 2_000, `${clock.now()} ms`);
  const { attempts, connections, sentBytes, receivedBytes } = network.traffic();
  assert.deepEqual([attempts, connections, sentBytes], [1, 1, 2_000]);
  assert(receivedBytes > 0);
});

/** What the boat receives for each fault, and how often the handler ran, including late runs. */
const SEEN: Readonly<Record<Fault, readonly [seen: string, worked: number]>> = {
  dns_failure: ['connect ENOTFOUND', 0],
  connection_refused: ['connect ECONNREFUSED', 0],
  connect_timeout: ['connect ETIMEDOUT', 0],
  foreign_certificate: ['tls ERR_TLS_CERT_ALTNAME_INVALID', 0],
  request_lost: ['exchange ECONNRESET', 0],
  request_stalled: ['exchange SILENT', 0],
  gateway_502: ['502', 0],
  answer_lost: ['exchange ECONNRESET', 1],
  answer_stalled: ['exchange SILENT', 1],
  answer_broken: ['exchange ECONNRESET', 1],
  answer_short: ['not JSON', 1],
  gateway_504: ['504', 1],
  request_late: ['exchange SILENT', 1],
  request_doubled: ['200 success', 2],
  portal_page: ['not JSON', 0],
  portal_redirect: ['302', 0],
  portal_511: ['511', 0],
  portal_json: ['200 success', 0],
};

for (const fault of FAULTS)
  test(`fault ${fault}: the boat sees "${SEEN[fault][0]}", and the handler runs ${SEEN[fault][1]} times`, async () => {
    const { clock, bodies, post } = makeNetwork({ [fault]: 1 });
    const look = async () => {
      try {
        const response = await post();
        if (response.status !== 200) return String(response.status);
        const body: unknown = await response.json();
        return typeof body === 'object' && body !== null && 'status' in body ? `200 ${body.status}` : '200 ?';
      } catch (error) {
        if (error instanceof SyntaxError) return 'not JSON';
        if (error instanceof TransportError) return `${error.phase} ${error.code}`;
        throw error;
      }
    };
    assert.equal(await clock.settle(look()), SEEN[fault][0]);
    await clock.advance(3_600_000);
    assert.equal(bodies.length, SEEN[fault][1]);
  });

test('without a link, all connections fail, and a link change is reported', async () => {
  const { clock, network, boat, bodies, post } = makeNetwork();
  network.setLink('down');
  await assert.rejects(clock.settle(post()), failsWith('connect', 'ENETUNREACH'));
  assert.equal(network.traffic().connections, 0);
  const changed = boat.network.changed(new AbortController().signal);
  clock.at(clock.now() + 60_000, () => network.setLink('up'));
  await clock.settle(changed);
  await clock.settle(post());
  assert.equal(bodies.length, 1);
  const controller = new AbortController();
  const waiting = boat.network.changed(controller.signal);
  controller.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
});

test('a link that goes down loses the request in transit', async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.bytesPerSecond = 100;
  clock.at(5_000, () => network.setLink('down'));
  await assert.rejects(clock.settle(post()), failsWith('exchange', 'ECONNRESET'));
  assert.equal(bodies.length, 0);
});

test('a restarted server does not answer requests from before the restart', async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.bytesPerSecond = 100;
  clock.at(5_000, () => network.breakConnections());
  await assert.rejects(clock.settle(post()), failsWith('exchange', 'ECONNRESET'));
  await clock.settle(post());
  assert.equal(bodies.length, 1);
});

test('a link that breaks after a number of bytes cuts long requests short, but short ones arrive', async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.carriedBytesMax = 100;
  await assert.rejects(clock.settle(post()), failsWith('exchange', 'ECONNRESET'));
  assert.equal(network.traffic().sentBytes, 100);
  network.carriedBytesMax = 1_000_000;
  await clock.settle(post());
  assert.equal(bodies.length, 1);
});

test('behind a captive portal, no answer from central arrives', async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.setLink('portal');
  for (let round = 0; round < 20; round += 1) await clock.settle(post()).catch(() => undefined);
  assert.equal(bodies.length, 0);
});

test("a boat rejects a server whose certificate is not valid by the boat's clock", async () => {
  const { clock, network, machine, post } = makeNetwork();
  network.certificates = { fromMs: START_MS - 1_000, untilMs: START_MS + 86_400_000 };
  machine.setWall(0);
  await assert.rejects(clock.settle(post()), failsWith('tls', 'CERT_NOT_YET_VALID'));
  machine.setWall(START_MS * 2);
  await assert.rejects(clock.settle(post()), failsWith('tls', 'CERT_HAS_EXPIRED'));
});

test('an abort ends an exchange immediately, and the rest of the request is not sent', async () => {
  const { clock, network, bodies, post } = makeNetwork();
  network.bytesPerSecond = 10;
  const controller = new AbortController();
  const posting = post(controller.signal);
  clock.at(1_000, () => controller.abort());
  await assert.rejects(clock.settle(posting), failsWith('aborted', 'ABORTED'));
  assert.equal(clock.now(), 1_000);
  await clock.advance(3_600_000);
  assert.equal(bodies.length, 0);
  await assert.rejects(post(AbortSignal.abort()), failsWith('aborted', 'ABORTED'));
});

test('an exchange never ends on a boat without power', async () => {
  const { clock, power, post } = makeNetwork();
  let went = 0;
  const goOn = () => {
    went += 1;
  };
  void post().then(goOn, goOn);
  clock.at(1, () => void power.cut());
  await clock.advance(3_600_000);
  void post().then(goOn, goOn);
  await clock.advance(3_600_000);
  assert.equal(went, 0);
});

test('requests to servers on the boat need no link and are not counted', async () => {
  const { clock, network, boat } = makeNetwork();
  network.serve('http://127.0.0.1:8093', 'boat', async () => Response.json({ tier: 2 }));
  network.setLink('down');
  const asking = boat.transport(new Request('http://127.0.0.1:8093/tier'), new AbortController().signal);
  assert.deepEqual(await (await clock.settle(asking)).json(), { tier: 2 });
  assert.equal(network.traffic().attempts, 0);
});

test('faults occur with the configured probability', () => {
  const random = createSimRandom('probabilities');
  const drawn = Array.from({ length: 4_000 }, () => drawFault(evenProbabilities(0.5), random));
  const none = drawn.filter((fault) => fault === 'none').length;
  assert(Math.abs(none - 2_000) < 150, `${none} without`);
  assert.deepEqual(new Set(drawn).size, FAULTS.length + 1);
});

test('a seed always produces the same trace, and a different seed produces a different one', async () => {
  const run = async (seed: string) => {
    const { clock, trace, post } = makeNetwork(evenProbabilities(0.8), seed);
    const once = () =>
      post().then(
        () => undefined,
        () => undefined,
      );
    for (let round = 0; round < 20; round += 1) await clock.settle(Promise.all([once(), once()]));
    return trace.digest();
  };
  assert.equal(await run('a'), await run('a'));
  assert.notEqual(await run('a'), await run('b'));
});
