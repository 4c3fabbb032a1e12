import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { createLineLog } from '../platform/log.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  NOON_MS,
  OPERATOR_TOKEN,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

/** Strings that stand for personal data, each in a different part of a boat's request. */
const PERSONAL = {
  content: 'Anna went ashore',
  recordId: 'anna-1',
  position: '54.323344',
  name: 'Seestern of Anna',
  mail: 'anna@example.org',
  number: '99999999999999999999999999999999999999',
  path: 'anna-export',
};

describeOnPostgres('the log of a node', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('contains no token, record or text from a boat, whether an import is stored, refused or fails', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    let text = '';
    const log = createLineLog({ write: (line: string) => (text += line) }, 'debug');
    const app = startNode(store, { log });
    const entry = {
      record_id: PERSONAL.recordId,
      content: PERSONAL.content,
      latitude: PERSONAL.position,
      sequence: PERSONAL.number,
    };
    const data = {
      ...toBoatlog([entry, `${PERSONAL.content} again`, { ...entry, record_id: { of: PERSONAL.name } }]),
      onboarding: { category: 'onboarding', data: { boat_name: PERSONAL.name, mail: PERSONAL.mail } },
      [PERSONAL.name]: { category: PERSONAL.name },
    };
    const document = toDocument(boat, { data });
    const statuses: number[] = [];
    const send = async (request: Request): Promise<void> => {
      statuses.push((await app.fetch(request)).status);
    };
    await send(toImportRequest(boat, document));
    await send(toImportRequest(boat, document));
    await send(toImportRequest(boat, { ...document, export_timestamp: PERSONAL.name }));
    await send(toImportRequest(boat, JSON.stringify(document).slice(0, -20)));
    await send(toImportRequest(boat, JSON.stringify({ ...document, tier: PERSONAL.name })));
    await send(toImportRequest(boat, { ...document, export_id: 'restored' }));
    await send(toImportRequest(boat, document, { bearer: 'a-token-that-is-refused' }));
    await send(new Request(`http://central.test/${PERSONAL.path}?mail=${PERSONAL.mail}`));
    for (const path of [`/api/v1/data/import/${PERSONAL.path}`, '/', '/metrics'])
      await send(
        new Request(`http://central.test${path}`, { headers: { Authorization: `Bearer ${OPERATOR_TOKEN}` } }),
      );
    assert.ok(new Set(statuses).size >= 5, statuses.join(' '));
    // The database server refuses a value, and its message quotes the value.
    const failing = startNode(
      {
        ...store,
        transaction: (work) =>
          store.transaction(async (tx) => {
            await tx.query('select $1::text::bigint', [PERSONAL.content]);
            return work(tx);
          }),
      },
      { log },
    );
    const failed = await failing.fetch(toImportRequest(boat, toDocument(boat, { sequence: 9, data })));
    assert.equal(failed.status, 500);
    assert.match(text, /error request failed/);
    const secrets = [...Object.values(PERSONAL), boat.token, OPERATOR_TOKEN, 'a-token-that-is-refused'];
    for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in the log:\n${text}`);
  });
});
