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
  OPERATOR_TOKEN,
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

  test('answers 503 to boats and their probes for 30 s after an import was too slow, although the database answers', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const { app, clock, failSlowly } = startSlowNode(store);
    await failSlowly(toImportRequest(boat, toDocument(boat)));
    for (clock.nowMs = 0; clock.nowMs < 30_000; clock.nowMs += 3_000)
      for (const request of [toImportRequest(boat, toDocument(boat)), toProbe(), toReady()]) {
        const { body } = await expectRefusal(app, request, 503, 'UNAVAILABLE');
        assert.match(body.message, /STORE_SLOW/);
      }
    for (const request of [toProbe(), toReady()]) assert.equal((await app.fetch(request)).status, 200);
    await importDocument(app, boat, toDocument(boat));
  });

  test('serves every other boat if an import was too slow within 20 s after another one was stored', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const { app, clock, failSlowly } = startSlowNode(store);
    await importDocument(app, other, toDocument(other, { sequence: 1 }));
    clock.nowMs = 19_999;
    await failSlowly(toImportRequest(boat, toDocument(boat)));
    assert.equal((await app.fetch(toProbe())).status, 200);
    clock.nowMs = 20_000;
    await failSlowly(toImportRequest(boat, toDocument(boat)));
    await expectRefusal(app, toProbe(), 503, 'UNAVAILABLE');
  });

  test('accepts imports again as soon as one that was in progress is stored', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const { app, failSlowly } = startSlowNode(store);
    const upload = slowBody(other);
    const uploaded = app.fetch(upload.request);
    await upload.isRead;
    await failSlowly(toImportRequest(boat, toDocument(boat)));
    await expectRefusal(app, toProbe(), 503, 'UNAVAILABLE');
    upload.end();
    assert.equal((await uploaded).status, 200);
    assert.equal((await app.fetch(toProbe())).status, 200);
    await importDocument(app, boat, toDocument(boat));
  });

  test("does not refuse imports because of an operator's slow query", async () => {
    const { app, failSlowly } = startSlowNode(open().store);
    const headers = { Authorization: `Bearer ${OPERATOR_TOKEN}` };
    await failSlowly(new Request('http://central.test/api/v1/fleet/installations', { headers }));
    assert.equal((await app.fetch(toProbe())).status, 200);
  });
});

const toProbe = (): Request => new Request('http://central.test/api/v1/health');
const toReady = (): Request => new Request('http://central.test/api/v1/ready');

/** Starts a node with a clock. `failSlowly` sends a request while the database finishes no statement in time. */
function startSlowNode(store: Store) {
  const state = { code: undefined as CentralFailureCode | undefined, statements: 0 };
  const clock = { nowMs: 0 };
  const app = startNode(toTroubled(store, state), { monotonic: () => clock.nowMs });
  const failSlowly = async (request: Request): Promise<void> => {
    state.code = 'STORE_SLOW';
    await expectRefusal(app, request, 503, 'UNAVAILABLE');
    state.code = undefined;
  };
  return { app, clock, failSlowly };
}
