import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { CentralFailure, type CentralFailureCode } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  slowBody,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

/** Returns a store that fails with `state.code`, or works while the code is undefined. */
function toTroubled(
  store: Store,
  state: { code: CentralFailureCode | undefined; statements: number },
): Store {
  const unlessTroubled = <T>(work: () => Promise<T>): Promise<T> => {
    state.statements += 1;
    if (state.code === undefined) return work();
    return Promise.reject(new CentralFailure(state.code, 'planned', { op: 'test', hint: 'none' }));
  };
  return {
    ...store,
    query: (text, params) => unlessTroubled(() => store.query(text, params)),
    script: (text) => unlessTroubled(() => store.script(text)),
    transaction: (work) => unlessTroubled(() => store.transaction(work)),
  };
}

describeOnPostgres('a node whose database fails', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('refuses the next import before it reads the body, and accepts the first one after the database has recovered', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const state = { code: undefined as CentralFailureCode | undefined, statements: 0 };
    let nowMs = 0;
    const app = startNode(toTroubled(store, state), { monotonic: () => nowMs });
    state.code = 'STORE_UNAVAILABLE';
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    const upload = slowBody(boat);
    let isRead = false;
    void upload.isRead.then(() => (isRead = true));
    const { body, headers } = await expectRefusal(app, upload.request, 503, 'UNAVAILABLE');
    assert.equal(body.message, 'the database is not available [STORE_UNAVAILABLE]');
    assert.match(headers.get('Retry-After') ?? '', /^[1-9]\d*$/);
    assert.equal(isRead, false);
    const before = state.statements;
    for (let sent = 0; sent < 100; sent += 1)
      await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    assert.equal(state.statements, before, 'refused imports share one check per second');
    state.code = undefined;
    nowMs = 1_000;
    assert.equal((await importDocument(app, boat, toDocument(boat))).duplicate, false);
  });

  test('refuses imports for 10 s after the disk was found full, although the database answers', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const state = { code: undefined as CentralFailureCode | undefined, statements: 0 };
    let nowMs = 0;
    const app = startNode(toTroubled(store, state), { monotonic: () => nowMs });
    state.code = 'STORE_DISK_FULL';
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    state.code = undefined;
    for (nowMs = 0; nowMs < 10_000; nowMs += 3_000) {
      const { body } = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
      assert.match(body.message, /STORE_DISK_FULL/);
    }
    const ready = new Request('http://central.test/api/v1/ready');
    assert.equal((await app.fetch(ready)).status, 200);
    await importDocument(app, boat, toDocument(boat));
  });
});
