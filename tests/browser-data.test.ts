import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test from 'node:test';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { BROWSER_LIST_LENGTH_MAX, mergeBrowserText } from '../packages/boat/src/ledger/merge-browser-text.ts';
import type { WallMs } from '../packages/boat/src/platform/ports.ts';
import {
  inTemporaryFolder,
  prepareBoat,
  type RunningBoat,
  startBoatInProcess,
} from './support/boat-in-process.ts';
import { accepting, startScriptedServer } from './support/scripted-central.ts';
import { until } from './support/until.ts';

const KIOSK = { origin: 'http://localhost:3000' };

async function withBoat(
  work: (
    boat: RunningBoat,
    hand: (body: unknown, headers?: Record<string, string>) => Promise<Response>,
    sent: () => string,
  ) => Promise<void>,
): Promise<void> {
  await inTemporaryFolder('browser', async (root) => {
    prepareBoat({ root, rows: 5 });
    const central = await startScriptedServer(accepting);
    const boat = await startBoatInProcess({ root, centralUrl: central.url });
    const hand = async (body: unknown, headers: Record<string, string> = KIOSK): Promise<Response> =>
      boat.boat.app.fetch(
        new Request('http://localhost:8094/export/sources/browser', {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        }),
      );
    try {
      await work(boat, hand, () => central.seen.map((request) => request.body.toString('utf8')).join('\n'));
    } finally {
      await boat.stop();
      await central.close();
    }
  });
}

const entry = (n: number) => ({
  timestamp: `2026-05-0${n}T10:00:00.000Z`,
  type: 'voice',
  text: `only in the browser ${n}`,
});

test('data that a kiosk page posts reaches central once, even if it is posted again', () =>
  withBoat(async (boat, hand, sent) => {
    await boat.request('POST', '/export/generate');
    await until('the first delivery', () => boat.boat.ledger.queue.counts().completed === 1);
    const text = JSON.stringify([entry(1), entry(2)]);
    assert.equal((await hand({ 'd3kos-boatlog-entries': text })).status, 200);
    const { json: made } = await boat.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(made['queued'], true);
    await until('the delivery', () => boat.boat.ledger.queue.counts().completed === 2);
    for (const n of [1, 2]) assert.equal(sent().split(`"content":"only in the browser ${n}"`).length - 1, 1);
    await hand({ 'd3kos-boatlog-entries': text });
    const { json: again } = await boat.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(again['queued'], false);
  }));

test('the boat keeps entries that a page no longer has', () =>
  withBoat(async (boat, hand, sent) => {
    await hand({ 'd3kos-boatlog-entries': JSON.stringify([entry(1)]) });
    await hand({ 'd3kos-boatlog-entries': JSON.stringify([entry(2)]) });
    await boat.request('POST', '/export/generate');
    await until('the delivery', () => boat.boat.ledger.queue.counts().completed === 1);
    for (const n of [1, 2]) assert.ok(sent().includes(`only in the browser ${n}`));
  }));

test("credentials in a page's localStorage values reach neither the ledger nor central, and everything else is kept", () =>
  withBoat(async (boat, hand, sent) => {
    const documents = {
      'd3kos-settings': JSON.stringify({
        units: 'metric',
        wifi: { psk: 'hunter2-psk', note: 'pin_password=hunter2-note' },
      }),
      'onboarding-config': JSON.stringify({
        q1: 'Fast Lady',
        apiKey: 'hunter2-key',
        list: [{ authToken: 'hunter2-token' }],
      }),
      'd3kos-boatlog-entries': JSON.stringify([{ ...entry(1), password: 'hunter2-log' }, entry(2)]),
      'd3kos-measurement-system': 'metric api_key=hunter2-text-0123456789',
    };
    const hands = await Promise.all([hand(documents), hand(documents)]);
    assert.deepEqual(
      hands.map(({ status }) => status),
      [200, 200],
    );
    const stored = Object.keys(documents).map((key) => boat.boat.ledger.browser.get(key) ?? '');
    assert.doesNotMatch(stored.join(), /hunter2/);
    assert.match(stored.join(), /"units":"metric".*Fast Lady.*only in the browser 1.*only in the browser 2/);
    assert.deepEqual(await (await hand(documents)).json(), { success: true, changed: 0 });
    await boat.request('POST', '/export/generate');
    await until('the delivery', () => boat.boat.ledger.queue.counts().completed === 1);
    assert.match(sent(), /only in the browser 1/);
    for (const path of [boat.paths.ledger, `${boat.paths.ledger}-wal`])
      assert.ok(!readFileSync(path).includes('hunter2'), path);
  }));

test('credentials are removed from values that an earlier version stored, and no entry is exported twice', () =>
  withBoat(async (boat, hand, sent) => {
    const text = JSON.stringify([{ ...entry(1), token: 'hunter2-token' }]);
    boat.boat.ledger.browser.keep({ 'd3kos-boatlog-entries': text }, 0 as WallMs);
    await boat.request('POST', '/export/generate');
    await until('the first delivery', () => boat.boat.ledger.queue.counts().completed === 1);
    await hand({ 'd3kos-boatlog-entries': text });
    assert.doesNotMatch(boat.boat.ledger.browser.get('d3kos-boatlog-entries') ?? '', /hunter2/);
    const { json: again } = await boat.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(again['queued'], false);
    assert.equal(sent().split('"content":"only in the browser 1"').length - 1, 1);
  }));

test('an endlessly nested list does not keep a page from sending its data', () =>
  withBoat(async (boat, hand) => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
    const text = JSON.stringify([entry(1)]);
    for (const one of [deep, deep, text, deep, text])
      assert.equal((await hand({ 'd3kos-boatlog-entries': one })).status, 200);
    assert.equal(boat.boat.ledger.browser.get('d3kos-boatlog-entries'), text);
  }));

test('other origins, other programs, unknown keys and oversized values are refused', () =>
  withBoat(async (_, hand) => {
    assert.equal((await hand({}, {})).status, 403);
    assert.equal((await hand({}, { origin: 'https://evil.example' })).status, 403);
    assert.equal((await hand({ secrets: 'x' })).status, 400);
    assert.equal((await hand({ 'd3kos-trips': 7 })).status, 400);
    assert.equal((await hand({ 'd3kos-trips': 'x'.repeat(6 * 1024 * 1024) })).status, 400);
    assert.equal((await hand({ 'd3kos-trips': 'x'.repeat(17 * 1024 * 1024) })).status, 400);
  }));

test('usage analytics are off until the owner enables them, and the setting survives a restart', () =>
  inTemporaryFolder('consent', async (root) => {
    prepareBoat({ root, rows: 5 });
    const first = await startBoatInProcess({ root, centralUrl: 'http://127.0.0.1:9' });
    const { json } = await first.request('GET', '/export/settings');
    assert.equal(json['usage_telemetry'], false);
    assert.equal((await first.request('POST', '/export/settings', { usage_telemetry: 'yes' })).status, 400);
    await first.request('POST', '/export/settings', { usage_telemetry: true });
    await first.stop();
    const second = await startBoatInProcess({ root, centralUrl: 'http://127.0.0.1:9' });
    assert.equal((await second.request('GET', '/export/settings')).json['usage_telemetry'], true);
    await second.stop();
  }));

test('usage analytics are exported only with consent, and only as counts', () =>
  inTemporaryFolder('usage', async (root) => {
    prepareBoat({ root, rows: 5 });
    mkdirSync(join(root, 'data', 'telemetry'), { recursive: true });
    const db = new DatabaseSync(join(root, 'data', 'telemetry', 'telemetry.db'));
    db.exec(
      "CREATE TABLE page_views (what TEXT); INSERT INTO page_views VALUES ('a private page'), ('again')",
    );
    db.close();
    const central = await startScriptedServer(accepting);
    const boat = await startBoatInProcess({ root, centralUrl: central.url });
    const sent = () => central.seen.at(-1)?.body.toString('utf8') ?? '';
    await boat.request('POST', '/export/generate');
    await until('the first delivery', () => boat.boat.ledger.queue.counts().completed === 1);
    assert.ok(!sent().includes('"usage"'));
    await boat.request('POST', '/export/settings', { usage_telemetry: true });
    await boat.request('POST', '/export/generate');
    await until('the second delivery', () => boat.boat.ledger.queue.counts().completed === 2);
    assert.ok(sent().includes('"usage":{"page_views":2}'));
    assert.ok(!sent().includes('a private page'));
    await boat.stop();
    await central.close();
  }));

test('the bridge posts changed values of localStorage once, to the address from which it was loaded', () =>
  withBoat(async (boat) => {
    const script = await (
      await boat.boat.app.fetch(new Request('http://localhost:8094/export/bridge.js'))
    ).text();
    const storage = new Map([
      ['d3kos-trips', '[{"start":"2026-05-01T10:00:00Z"}]'],
      ['other', 'private'],
    ]);
    const posts: { readonly url: string; readonly body: string }[] = [];
    const listeners: (() => Promise<void>)[] = [];
    const posted = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    runInNewContext(script, {
      document: {
        currentScript: { src: 'http://localhost:8094/export/bridge.js' },
        addEventListener: (_: string, listener: () => Promise<void>) => listeners.push(listener),
      },
      localStorage: { getItem: (key: string) => storage.get(key) ?? null },
      addEventListener: () => undefined,
      setInterval: () => undefined,
      URL,
      fetch: async (url: URL, init: { body: string }) => {
        posts.push({ url: url.href, body: init.body });
        return { ok: true };
      },
    });
    await posted();
    assert.deepEqual(posts, [
      {
        url: 'http://localhost:8094/export/sources/browser',
        body: JSON.stringify({ 'd3kos-trips': storage.get('d3kos-trips') }),
      },
    ]);
    await listeners[0]?.();
    assert.equal(posts.length, 1);
    storage.set('d3kos-engine-hours', '12.5');
    await listeners[0]?.();
    assert.equal(posts[1]?.body, '{"d3kos-engine-hours":"12.5"}');
  }));

test('a merge of two lists keeps each element as often as the list that contains it more often', () => {
  const list = fc.array(fc.oneof(fc.nat(5), fc.record({ a: fc.nat(3) })), { maxLength: 12 });
  const count = (items: readonly unknown[], item: unknown) =>
    items.filter((other) => JSON.stringify(other) === JSON.stringify(item)).length;
  fc.assert(
    fc.property(list, list, (before, fresh) => {
      const merged: unknown[] = JSON.parse(
        mergeBrowserText(JSON.stringify(before), JSON.stringify(fresh)).text,
      );
      for (const item of [...before, ...fresh])
        assert.equal(count(merged, item), Math.max(count(before, item), count(fresh, item)));
      const again = mergeBrowserText(JSON.stringify(merged), JSON.stringify(fresh)).text;
      assert.equal(JSON.parse(again).length, merged.length, 'posting the data again changes nothing');
    }),
  );
  assert.equal(mergeBrowserText('[1]', '{"torn').text, '[1]');
  assert.equal(mergeBrowserText('3', '4').text, '4');
  const big = JSON.stringify(Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(400_000)}`));
  const { text, droppedLength } = mergeBrowserText(big, '["new"]');
  assert.ok(text.length <= BROWSER_LIST_LENGTH_MAX && text.endsWith('"new"]') && droppedLength > 0);
});

test('a page that keeps filling a list is refused after a while, and its losses are recorded in one row', () =>
  withBoat(async (boat, hand) => {
    const listOf = (n: number) => JSON.stringify([String(n).repeat(4_000_000)]);
    const statuses: number[] = [];
    for (let n = 1; n <= 12; n += 1)
      statuses.push((await hand({ 'd3kos-boatlog-entries': listOf(n % 10) })).status);
    assert.equal(statuses[0], 200);
    assert.equal(statuses.at(-1), 503);
    const losses = boat.boat.ledger.queue.losses().filter(({ what }) => what.startsWith('browser'));
    assert.equal(losses.length, 1);
    assert.ok((losses[0]?.sizeBytes ?? 0) > 4_000_000);
    // A value that is already stored causes no write and is therefore accepted.
    assert.equal((await hand({})).status, 200);
  }));

test('full exports on request are limited, but incremental ones are not', () =>
  withBoat(async (boat) => {
    const crowd = await Promise.all(
      Array.from({ length: 32 }, () => boat.request('POST', '/export/generate')),
    );
    const accepted = crowd.filter(({ status }) => status === 200).length;
    assert.ok(accepted >= 10 && accepted < 32, `${accepted} of 32 concurrent full exports`);
    let made = accepted;
    for (;;) {
      const { status, json } = await boat.request('POST', '/export/generate');
      if (status === 503) {
        assert.equal(json['code'], 'BUSY');
        break;
      }
      made += 1;
      assert.ok(made <= 61, 'there is no limit');
    }
    const incremental = await boat.request('POST', '/export/generate', { type: 'incremental' });
    assert.equal(incremental.status, 200);
  }));
