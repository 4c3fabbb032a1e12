import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { isCentralFailure } from '../platform/errors.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';
import { listEvents } from './audit.ts';
import { enroll, revoke } from './enroll.ts';
import { listTokens, revokeToken } from './tokens.ts';

const HOUR_MS = 3_600_000;

describeOnPostgres('the tokens of a boat', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('are replaced individually: the boat uses the new token, and only the old one is revoked', async () => {
    const { store } = open();
    const old = await enrollBoat(store);
    const world = { store, wallMs: NOON_MS + HOUR_MS, randomHex: systemRandomHex };
    const { token, token_id } = await enroll(world, { installationId: old.id });
    const boat = { id: old.id, token };
    const [first] = await listTokens(store, boat.id);
    assert.ok(first !== undefined && first.token_id !== token_id);
    const app = startNode(store, { wall: () => NOON_MS + 2 * HOUR_MS });
    await importDocument(app, boat, toDocument(boat));
    await revokeToken(world, boat.id, first.token_id);
    await expectRefusal(app, toImportRequest(old, toDocument(old, { sequence: 2 })), 401, 'INVALID_TOKEN');
    await importDocument(app, boat, toDocument(boat, { sequence: 2 }));
    const tokens = await listTokens(store, boat.id);
    assert.deepEqual(
      tokens.map((one) => [one.token_id, one.issued_at, one.last_used_at, one.revoked_at]),
      [
        [first.token_id, '2026-06-01T12:00:00.000Z', null, '2026-06-01T13:00:00.000Z'],
        [token_id, '2026-06-01T13:00:00.000Z', '2026-06-01T14:00:00.000Z', null],
      ],
    );
    // A second revocation does not change the time of the first.
    await revokeToken({ ...world, wallMs: NOON_MS + 9 * HOUR_MS }, boat.id, first.token_id);
    assert.equal((await listTokens(store, boat.id))[0]?.revoked_at, '2026-06-01T13:00:00.000Z');
  });

  test('record their use at most once an hour, so that most imports write no row for it', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    for (const [sequence, afterMs, used] of [
      [1, 0, '2026-06-01T12:00:00.000Z'],
      [2, HOUR_MS, '2026-06-01T12:00:00.000Z'],
      [3, HOUR_MS + 1, '2026-06-01T13:00:00.001Z'],
    ] as const) {
      await importDocument(
        startNode(store, { wall: () => NOON_MS + afterMs }),
        boat,
        toDocument(boat, { sequence }),
      );
      assert.equal((await listTokens(store, boat.id))[0]?.last_used_at, used);
    }
  });

  test('expire after the given number of days', async () => {
    const { store } = open();
    const world = { store, wallMs: NOON_MS, randomHex: systemRandomHex };
    const id = systemRandomHex(8);
    const { token, expires_at } = await enroll(world, { installationId: id, expiresDays: 30 });
    assert.equal(expires_at, '2026-07-01T12:00:00.000Z');
    const boat = { id, token };
    const at = (afterMs: number) => startNode(store, { wall: () => NOON_MS + 30 * 24 * HOUR_MS + afterMs });
    await importDocument(at(-1), boat, toDocument(boat));
    await expectRefusal(at(0), toImportRequest(boat, toDocument(boat)), 401, 'INVALID_TOKEN');
    const read = () =>
      new Request('http://central.test/api/v1/data/import/export_1', {
        headers: { Authorization: `Bearer ${token}` },
      });
    assert.equal((await at(-1).fetch(read())).status, 200);
    await expectRefusal(at(0), read(), 401, 'INVALID_TOKEN');
  });

  test('that do not exist are reported, and other boats keep their tokens', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const [token] = await listTokens(store, other.id);
    const world = { store, wallMs: NOON_MS };
    for (const tokenId of [token?.token_id ?? '', 'nonsense', ''])
      await assert.rejects(revokeToken(world, boat.id, tokenId), (error) =>
        isCentralFailure(error, 'TOKEN_NOT_FOUND'),
      );
    await assert.rejects(listTokens(store, systemRandomHex(8)), (error) =>
      isCentralFailure(error, 'INSTALLATION_NOT_FOUND'),
    );
    await importDocument(startNode(store), other, toDocument(other));
  });

  test('leave an audit trail of enrolments, revocations and refusals, without any token', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store);
    const connection = { remoteAddress: '198.51.100.7' };
    await app.fetch(toImportRequest(boat, toDocument(other)), connection);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    for (let sent = 0; sent < 3; sent += 1)
      await app.fetch(toImportRequest(boat, toDocument(boat)), connection);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'installation');
    const events = await listEvents(store, boat.id);
    assert.deepEqual(
      events.map(({ event, subject, actor }) => [event, subject, actor]).sort(),
      [
        ['enrolled', (await listTokens(store, boat.id))[0]?.token_id, 'command line'],
        ['installation_disabled', '', 'command line'],
        ['refused', 'INSTALLATION_MISMATCH', '198.51.100.7'],
        ['refused', 'INVALID_TOKEN', '198.51.100.7'],
        ['tokens_revoked', '', 'command line'],
      ].sort(),
    );
    assert.ok(!JSON.stringify(events).includes(boat.token));
    assert.deepEqual(
      (await listEvents(store, other.id)).map(({ event }) => event),
      ['enrolled'],
    );
  });
});
