import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { revoke } from '../installations/enroll.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  heldRecords,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describeOnPostgres('access to imports', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('accepts documents only of the installation of the token', async () => {
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
});
