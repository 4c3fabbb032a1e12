import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { revoke } from '../installations/enroll.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  slowBody,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describeOnPostgres('access to imports', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test("accepts documents only from the token's installation", async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store);
    await expectRefusal(app, toImportRequest(other, toDocument(boat)), 403, 'INSTALLATION_MISMATCH');
    for (const bearer of [boat.id, 'x'.repeat(43), '%', `${boat.token}x`])
      await expectRefusal(app, toImportRequest(boat, toDocument(boat), { bearer }), 401, 'INVALID_TOKEN');
    const anonymous = toImportRequest(boat, toDocument(boat), { headers: { Authorization: undefined } });
    const { headers } = await expectRefusal(app, anonymous, 401, 'INVALID_TOKEN');
    assert.match(headers.get('WWW-Authenticate') ?? '', /^Bearer/);
    assert.deepEqual(await heldRecords(store, boat), []);
  });

  test('answers a disabled installation with 403 and a revoked token with 401', async () => {
    const { store } = open();
    const boat = await enrollBoat(store, true);
    const app = startNode(store);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'installation');
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 403, 'INSTALLATION_DISABLED');
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 401, 'INVALID_TOKEN');
    await expectRefusal(
      app,
      toImportRequest(boat, toDocument(boat), { bearer: boat.id }),
      401,
      'INVALID_TOKEN',
    );
  });

  test('stores nothing from an upload whose token becomes invalid during the upload', async () => {
    const { store } = open();
    const endings: Readonly<Record<string, (boat: EnrolledBoat) => Promise<unknown>>> = {
      'all tokens are revoked': (boat) => revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens'),
      'its token expires': (boat) =>
        store.query('update device_tokens set expires_at = $2 where installation_id = $1', [
          boat.id,
          new Date(NOON_MS).toISOString(),
        ]),
    };
    for (const [name, end] of Object.entries(endings)) {
      const boat = await enrollBoat(store);
      const app = startNode(store);
      const slow = slowBody(boat);
      const answer = app.fetch(slow.request);
      await slow.isRead;
      await end(boat);
      slow.end();
      assert.equal((await answer).status, 401, name);
      assert.deepEqual(await heldRecords(store, boat), []);
    }
  });

  test('stores nothing from an upload by installation ID after the operator stopped accepting the ID', async () => {
    const { store } = open();
    const boat = await enrollBoat(store, true);
    const app = startNode(store);
    const slow = slowBody(boat, { bearer: boat.id });
    const answer = app.fetch(slow.request);
    await slow.isRead;
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    slow.end();
    assert.equal((await answer).status, 401);
    assert.deepEqual(await heldRecords(store, boat), []);
  });

  test('answers a repeated upload with 401 if its token became invalid during the upload', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await importDocument(app, boat, toDocument(boat));
    const slow = slowBody(boat);
    const answer = app.fetch(slow.request);
    await slow.isRead;
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'tokens');
    slow.end();
    assert.equal((await answer).status, 401);
  });
});
