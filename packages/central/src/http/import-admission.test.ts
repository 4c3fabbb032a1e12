import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Store } from '../platform/ports.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
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

  test('stores no more imports at once than the limit, queues a few, and refuses the others with 503', async () => {
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
    // The metrics of the node show one import in progress and four waiting.
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

  test('bounds the memory of unfinished bodies, and refuses bytes beyond it with 503', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const limits = { importsMax: 1, installationImportsMax: 2, bodySizeMaxBytes: 1_000 };
    const app = startNode(store, { limits });
    const slow = slowBody(boat, Buffer.alloc(900));
    const first = app.fetch(slow.request);
    await slow.isRead;
    const full = await expectRefusal(app, toImportRequest(other, toDocument(other)), 503, 'UNAVAILABLE');
    assert.match(full.headers.get('Retry-After') ?? '', retryAfter);
    slow.end();
    await (await first).body?.cancel();
    await importDocument(app, other, toDocument(other));
  });
});

const retryAfter = /^[1-9]\d*$/;

function metricsRequest(): Request {
  return new Request('http://central.test/metrics');
}

/** A request whose body stops after `atOnce` until `end` is called; `isRead` resolves when the rest is requested. */
function slowBody(boat: EnrolledBoat, atOnce?: Uint8Array) {
  const text = Buffer.from(JSON.stringify(toDocument(boat)));
  let left = atOnce;
  const read = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (left !== undefined) {
          controller.enqueue(left);
          left = undefined;
          return;
        }
        read.resolve();
        await release.promise;
        controller.enqueue(text);
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const ordinary = toImportRequest(boat, toDocument(boat), { headers: { 'Content-Digest': undefined } });
  return {
    request: new Request(ordinary, { body, duplex: 'half' } as RequestInit),
    isRead: read.promise,
    end: () => release.resolve(),
  };
}
