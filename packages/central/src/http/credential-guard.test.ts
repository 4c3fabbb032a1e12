import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { listEvents } from '../installations/audit.ts';
import { toLimitedNetwork } from '../installations/policy.ts';
import type { Log } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  createNode,
  enrollBoat,
  importDocument,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { toSender } from './sender.ts';

describeOnPostgres('refused credentials', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('are limited per address before they are looked up, except for a known boat behind the address', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    let nowMs = 0;
    let statements = 0;
    const counting = {
      ...store,
      query: (text: string, params?: readonly unknown[]) => {
        statements += 1;
        return store.query(text, params);
      },
    };
    const lines: string[] = [];
    const log: Log = {
      write(level, message, facts) {
        if (level !== 'debug') lines.push(`${message} ${JSON.stringify(facts)}`);
      },
    };
    const app = createNode(counting, { monotonic: () => nowMs, log });
    const guess = async (index: number, remoteAddress: string) => {
      const request = toImportRequest(boat, toDocument(boat), { bearer: `guess-number-${index}-of-many` });
      return (await app.fetch(request, { remoteAddress })).status;
    };
    const attacker = '198.51.100.7';
    assert.equal(
      (await app.fetch(toImportRequest(boat, toDocument(boat)), { remoteAddress: attacker })).status,
      200,
    );
    const answers: number[] = [];
    for (let index = 0; index < 200; index += 1) answers.push(await guess(index, attacker));
    assert.deepEqual([answers.filter((status) => status === 401).length, answers.at(-1)], [20, 429]);
    const before = statements;
    await guess(1_000, attacker);
    assert.equal(statements, before, 'a guess above the limit reaches the database');
    const again = toImportRequest(boat, toDocument(boat, { sequence: 2 }));
    assert.equal((await app.fetch(again, { remoteAddress: attacker })).status, 200);
    assert.equal(await guess(2_000, '203.0.113.9'), 401, 'another address is not limited');
    nowMs = 60_000;
    assert.equal(await guess(3_000, attacker), 401, 'the limit is forgotten');
    assert.ok(lines.length <= 61 && lines.some((line) => line.includes(attacker)), lines.join('\n'));
    assert.ok(!lines.some((line) => line.includes('guess-number')), 'the log has a token');
    const limited = (await listEvents(store, '')).filter(({ event }) => event === 'address_limited');
    assert.deepEqual(
      limited.map(({ subject }) => subject),
      [attacker],
    );
    const metrics = await (await app.fetch(new Request('http://central.test/metrics'))).text();
    assert.match(metrics, /refused_credentials_total 22\n/);
  });

  test('of the operator are limited too, and requests without credentials are not', async () => {
    const { store } = open();
    const app = startNode(store, { monotonic: () => 0 });
    const page = (authorization?: string) =>
      app.fetch(
        new Request('http://central.test/api/v1/session', {
          headers: authorization === undefined ? {} : { Authorization: authorization },
        }),
        { remoteAddress: '2001:db8:1:2::7' },
      );
    for (let sent = 0; sent < 40; sent += 1) assert.equal((await page()).status, 401);
    const answers: number[] = [];
    for (let sent = 0; sent < 40; sent += 1) {
      const secret = Buffer.from(`operator:guess ${sent}`).toString('base64');
      answers.push((await page(`Bearer ${secret}`)).status);
    }
    assert.deepEqual([answers.filter((status) => status === 401).length, answers.at(-1)], [20, 429]);
    // Even the correct token is refused, so it cannot be guessed from this address.
    assert.equal((await page(`Bearer ${OPERATOR_TOKEN}`)).status, 429);
  });

  test("of a token that a boat may no longer use do not lock out the boat's new token", async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    for (let sent = 0; sent < 10; sent += 1)
      await app.fetch(toImportRequest(boat, toDocument(boat), { bearer: 'x'.repeat(43) }));
    await importDocument(app, boat, toDocument(boat));
  });
});

test('counts the /64 prefix of an IPv6 customer as one network, and IPv4 addresses individually', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['unknown', 'unknown'],
  ] as const)
    assert.equal(toLimitedNetwork(address), network);
});

test('takes the address only from the last entry of a trusted proxy', () => {
  const trusted = ['127.0.0.1'];
  const forwarded = '203.0.113.1, 198.51.100.7';
  assert.equal(toSender('127.0.0.1', forwarded, trusted).address, '198.51.100.7');
  assert.equal(toSender('::ffff:127.0.0.1', forwarded, trusted).address, '198.51.100.7');
  assert.equal(toSender('192.0.2.9', forwarded, trusted).address, '192.0.2.9');
  assert.equal(toSender('127.0.0.1', 'a <script>', trusted).address, '127.0.0.1');
  assert.equal(toSender('127.0.0.1', null, trusted).address, '127.0.0.1');
  assert.equal(toSender(undefined, forwarded, trusted).address, 'unknown');
});
