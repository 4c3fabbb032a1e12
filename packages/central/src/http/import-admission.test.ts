import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createInlinePreparer, type Preparer } from '../import/preparer.ts';
import { loadUse } from '../import/usage.ts';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  createNode,
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  slowBody,
  startNode,
  toBoatlog,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describeOnPostgres('admission of imports', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('admits boats while others send slowly, and answers a boat above its own limit with 429', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const app = startNode(store, { limits: { importsMax: 1, installationImportsMax: 1 } });
    const slow = slowBody(boat);
    const first = app.fetch(slow.request);
    await slow.isRead;
    const busy = await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 429, 'TOO_MANY_REQUESTS');
    assert.match(busy.headers.get('Retry-After') ?? '', retryAfter);
    await importDocument(app, other, toDocument(other));
    slow.end();
    assert.equal((await first).status, 200);
  });

  test('stores no more concurrent imports than the limit, queues a few, and refuses the others with 503', async () => {
    const { store } = open();
    const gate = Promise.withResolvers<void>();
    let storing = 0;
    let storingMost = 0;
    const slowStore: Store = {
      ...store,
      async transaction(work) {
        storing += 1;
        storingMost = Math.max(storingMost, storing);
        await gate.promise;
        return store.transaction(work).finally(() => (storing -= 1));
      },
    };
    const boats = await Promise.all(Array.from({ length: 5 }, () => enrollBoat(store)));
    const late = await enrollBoat(store);
    const app = startNode(slowStore, { limits: { importsMax: 1, installationImportsMax: 1 } });
    const imports = boats.map((boat) => app.fetch(toImportRequest(boat, toDocument(boat))));
    // The node's metrics show one import in progress and four waiting.
    while (!/imports_under_way 5\n/.test(await (await app.fetch(metricsRequest())).text()))
      await setImmediate();
    while (storing === 0) await setImmediate();
    const full = await expectRefusal(app, toImportRequest(late, toDocument(late)), 503, 'UNAVAILABLE');
    assert.match(full.headers.get('Retry-After') ?? '', retryAfter);
    gate.resolve();
    for (const answer of await Promise.all(imports)) assert.equal(answer.status, 200);
    assert.equal(storingMost, 1);
    await importDocument(app, late, toDocument(late));
    assert.match(await (await app.fetch(metricsRequest())).text(), /imports_under_way 0\n/);
  });

  test('limits the memory of unfinished bodies, and refuses bytes beyond the limit with 503', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const limits = { importsMax: 1, installationImportsMax: 2, bodySizeMaxBytes: 1_000 };
    const app = startNode(store, { limits });
    const slow = slowBody(boat, {}, Buffer.alloc(900));
    const first = app.fetch(slow.request);
    await slow.isRead;
    const full = await expectRefusal(app, toImportRequest(other, toDocument(other)), 503, 'UNAVAILABLE');
    assert.match(full.headers.get('Retry-After') ?? '', retryAfter);
    slow.end();
    await (await first).body?.cancel();
    await importDocument(app, other, toDocument(other));
  });

  test('gives one installation no more memory than one body needs, and leaves the rest for others', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const limits = { importsMax: 2, installationImportsMax: 3, bodySizeMaxBytes: 1_000 };
    const app = startNode(store, { limits });
    const slow = slowBody(boat, {}, Buffer.alloc(700));
    const first = app.fetch(slow.request);
    await slow.isRead;
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 429, 'TOO_MANY_REQUESTS');
    await importDocument(app, other, toDocument(other));
    slow.end();
    await (await first).body?.cancel();
  });

  test('drops the slowest uploads with 503 once memory is short, so that other boats are admitted', async () => {
    const { store } = open();
    const [boat, stalled, dripping] = [
      await enrollBoat(store),
      await enrollBoat(store),
      await enrollBoat(store),
    ];
    let nowMs = 0;
    const limits = { importsMax: 2, installationImportsMax: 1, bodySizeMaxBytes: 1_000 };
    const app = startNode(store, { limits, monotonic: () => nowMs });
    const uploads = [slowBody(stalled, {}, Buffer.alloc(900)), slowBody(dripping, {}, Buffer.alloc(800))];
    const answers = uploads.map(({ request }) => app.fetch(request));
    for (const { isRead } of uploads) await isRead;
    // In the first seconds they are not yet recognised as slow.
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    nowMs = 20_000;
    await importDocument(app, boat, toDocument(boat));
    const dropped = await answers[0];
    assert.equal(dropped?.status, 503);
    assert.match(dropped.headers.get('Retry-After') ?? '', retryAfter);
    // One upload's memory was enough, so the other is still being received.
    uploads[1]?.end();
    assert.notEqual((await answers[1])?.status, 503);
  });

  test('answers a boat that used too much CPU time, but no other boat, with 429 until its usage has decayed', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    let nowMs = 0;
    const inline = createInlinePreparer(() => nowMs);
    const costly: Preparer = {
      ...inline,
      prepare: async (part, rank) => ({ ...(await inline.prepare(part, rank)), cpuMs: 31_000 }),
    };
    const app = startNode(store, { monotonic: () => nowMs, preparer: costly });
    const large = Array.from({ length: 2_000 }, (_, index) => ({
      record_id: `${index}`,
      text: 'x'.repeat(40),
    }));
    await importDocument(app, boat, toDocument(boat, { data: toBoatlog(large) }));
    const refused = await expectRefusal(
      app,
      toImportRequest(boat, toDocument(boat)),
      429,
      'TOO_MANY_REQUESTS',
    );
    assert.match(refused.body.message, /CPU time/);
    await importDocument(app, other, toDocument(other));
    nowMs = 30_000;
    await importDocument(app, boat, toDocument(boat, { sequence: 2 }));
  });

  test('answers a body whose check exceeds the time or memory of a thread with 413', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const large = toDocument(boat, { data: toBoatlog([{ record_id: 'a', text: 'x'.repeat(100_000) }]) });
    const inline = createInlinePreparer(() => 0);
    for (const limit of ['time', 'memory'] as const) {
      const exceeded = async () => ({ kind: 'exceeded' as const, limit, cpuMs: 10_000 });
      for (const preparer of [
        { ...inline, decode: exceeded },
        { ...inline, prepare: exceeded },
      ]) {
        const app = startNode(store, { preparer });
        const refused = await expectRefusal(app, toImportRequest(boat, large), 413, 'BODY_TOO_LARGE');
        assert.match(refused.body.message, new RegExp(limit));
      }
    }
  });

  test('counts the CPU time of a body whose check fails against the budget and the quota', async () => {
    const { store } = open();
    const inline = createInlinePreparer(() => 0);
    const failed = async () => ({ kind: 'failed' as const, error: new Error('a defect'), cpuMs: 60_000 });
    for (const failing of [{ decode: failed }, { prepare: failed }]) {
      const boat = await enrollBoat(store);
      const large = toDocument(boat, { data: toBoatlog([{ record_id: 'a', text: 'x'.repeat(100_000) }]) });
      const app = startNode(store, { preparer: { ...inline, ...failing } });
      await expectRefusal(app, toImportRequest(boat, large), 500, 'INTERNAL');
      await expectRefusal(app, toImportRequest(boat, large), 429, 'TOO_MANY_REQUESTS');
      const { cpuMs, requests } = await loadUse(store, boat.id, NOON_MS);
      assert.deepEqual([cpuMs, requests], [60_000, 1]);
    }
  });

  test('counts an unread answer as a request in progress', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const settings = { record_id: 'settings', text: 'x'.repeat(100_000) };
    await importDocument(
      startNode(store),
      boat,
      toDocument(boat, { data: { settings: { category: 'settings', data: settings } } }),
    );
    const app = createNode(store, { limits: { installationImportsMax: 2 } });
    const ask = () =>
      app.fetch(
        new Request(`http://central.test/api/v1/installations/${boat.id}/configuration`, {
          headers: { Authorization: `Bearer ${boat.token}` },
        }),
      );
    const [first, second] = [await ask(), await ask()];
    assert.equal((await ask()).status, 429);
    assert.equal((await first.text()).length > 100_000, true);
    await second.body?.cancel();
    assert.equal((await ask()).status, 200);
  });
});

const retryAfter = /^[1-9]\d*$/;

function metricsRequest(): Request {
  return new Request('http://central.test/metrics');
}
