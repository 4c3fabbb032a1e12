import { strict as assert } from 'node:assert';
import { before, test } from 'node:test';
import { toBundleLine } from '@d3kos/protocol';
import { listEvents } from '../installations/audit.ts';
import { acceptBundleKey, loadBundleKeys } from '../installations/bundle-keys.ts';
import { isCentralFailure } from '../platform/errors.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollSigner as enrollBoat,
  ids,
  importBytes,
  isNotSigned,
  makeKey,
  publicKeyOf,
  signerOf,
  threeParts,
  toBundle,
  toSha256,
} from '../testing/bundle-under-test.ts';
import {
  enrollBoat as enrollOnly,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
} from '../testing/central-under-test.ts';
import { importBundle } from './import-bundle.ts';

describeOnPostgres('the signature of a bundle', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test("is required: a bundle without one, or signed with an unknown key, is stored only at the operator's request", async () => {
    const { store } = open();
    const older = await enrollOnly(store);
    const unknown = await enrollOnly(store);
    makeKey(unknown.id);
    const signed = await enrollBoat(store);
    const stripped = toBundle(signed.id, threeParts(signed))
      .toString('latin1')
      .replace(/,"signature":"[^"]*"/g, '');
    for (const [boat, bytes, code] of [
      [older, toBundle(older.id, threeParts(older)), 'BUNDLE_NOT_SIGNED'],
      [unknown, toBundle(unknown.id, threeParts(unknown)), 'BUNDLE_KEY_UNKNOWN'],
      [signed, Buffer.from(stripped, 'latin1'), 'BUNDLE_NOT_SIGNED'],
    ] as const) {
      await assert.rejects(importBytes(store, bytes), (error) => isCentralFailure(error, code), code);
      assert.deepEqual(await ids(store, boat), [], code);
      const report = await importBytes(store, bytes, 'signed_and_unsigned');
      assert.deepEqual([report.stored, report.signed], [3, false], code);
      const events = (await listEvents(store, boat.id)).filter((each) => /unsigned/.test(each.event));
      assert.deepEqual(
        events.map(({ subject, actor }) => [subject, actor]),
        [[code, 'command line']],
      );
    }
    await acceptBundleKey({ store, wallMs: NOON_MS }, unknown.id, publicKeyOf(unknown.id) ?? '');
    const proven = await importBytes(store, toBundle(unknown.id, threeParts(unknown, 'exp_2', 2)));
    assert.deepEqual([proven.stored, proven.signed], [3, true]);
  });

  test('covers every line: if one line is not signed by the boat, no part is stored', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const documents = threeParts(boat);
    const good = toBundle(boat.id, documents).toString('latin1');
    const forgedBody = JSON.stringify(threeParts(boat, 'exp_forged', 9)[0]);
    const forgedLine = toBundleLine({
      d3kos_bundle: 'part',
      export_id: 'exp_forged',
      part: { index: 1, count: 3 },
      sha256: toSha256(Buffer.from(forgedBody)),
      size_bytes: forgedBody.length,
    });
    const forgedPart = `${forgedLine}${forgedBody}\n`;
    const end = good.lastIndexOf('{"d3kos_bundle":"end"');
    const forgeries: Readonly<Record<string, string>> = {
      "signed with another boat's key": toBundle(boat.id, documents, signerOf(other.id, boat.id)).toString(
        'latin1',
      ),
      'signed by the boat under another ID': toBundle(
        boat.id,
        documents,
        signerOf(boat.id, other.id),
      ).toString('latin1'),
      'with a part added': good.slice(0, end) + forgedPart + good.slice(end),
      'with a part renamed': good.replace(
        '"export_id":"exp_1","part":{"index":2',
        '"export_id":"exp_7","part":{"index":2',
      ),
      'with a changed part count': good.replace(/"parts":3/, '"parts":2'),
      'with a changed time': good.replace('11:00:00Z', '11:00:01Z'),
    };
    for (const [name, bytes] of Object.entries(forgeries)) {
      assert.notEqual(bytes, good, name);
      await assert.rejects(importBytes(store, Buffer.from(bytes, 'latin1')), isNotSigned, name);
      assert.deepEqual(await ids(store, boat), [], name);
    }
    assert.equal((await importBytes(store, Buffer.from(good, 'latin1'))).stored, 3);
  });

  test('reveals that a part was removed, replaced or moved, and allows a bundle to be imported again', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const text = toBundle(boat.id, threeParts(boat)).toString('latin1');
    const [start = '', one = '', two = '', three = '', end = ''] = text.split(/(?=\{"d3kos_bundle":")/);
    const older = toBundle(boat.id, threeParts(boat, 'exp_0', 7)).toString('latin1');
    const foreign = older.split(/(?=\{"d3kos_bundle":")/)[2] ?? '';
    for (const [name, pieces, stored] of [
      ['cut', [start, one, three, end], 2],
      ['reordered', [start, two, one, three, end], 1],
      ['replaced by a part from an older bundle', [start, one, foreign, three, end], 1],
      ['appended to a bundle that has no end', [start, one, text], 0],
    ] as const) {
      const report = await importBytes(store, Buffer.from(pieces.join(''), 'latin1'));
      assert.deepEqual([report.damaged_count, report.signed, report.stored], [1, true, stored], name);
    }
    const replayed = await importBytes(store, Buffer.from(text, 'latin1'));
    assert.deepEqual([replayed.damaged_count, replayed.stored, replayed.repeated], [0, 0, 3]);
  });

  test('is checked again when a part is stored, because the file may change in between', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const good = toBundle(boat.id, threeParts(boat));
    const forged = toBundle(
      boat.id,
      threeParts(boat, 'exp_forged', 9),
      signerOf((await enrollBoat(store)).id, boat.id),
    );
    let readsOfStart = 0;
    const openFile = async () => ({
      read: async (offset: number, length: number) => {
        if (offset === 0) readsOfStart += 1;
        // The file is read from its start three times: to recognise it, to check it and to store it.
        return (readsOfStart > 2 ? forged : good).subarray(offset, offset + length);
      },
      close: async () => undefined,
    });
    const deps = {
      store,
      wall: () => NOON_MS,
      randomHex: systemRandomHex,
      openFile,
      bodySizeMaxBytes: 100_000,
    };
    const report = await importBundle(deps, 'changing.bundle', 'signed');
    assert.deepEqual([readsOfStart, report.stored, report.damaged_count], [3, 0, 3]);
    assert.deepEqual(await ids(store, boat), []);
  });

  test('is checked with the first key that the boat sent with its device token, until the operator accepts another key', async () => {
    const { store } = open();
    const boat = await enrollOnly(store, true);
    const app = startNode(store);
    const send = (sequence: number, key: string, bearer = boat.token) =>
      importDocument(app, boat, toDocument(boat, { sequence }), { bearer, headers: { 'Bundle-Key': key } });
    const keys = async () => {
      const { bundle_key, offered_bundle_key } = await loadBundleKeys(store, boat.id);
      return [bundle_key, offered_bundle_key];
    };
    const [first, second] = [makeKey(boat.id), makeKey(boat.id)];
    await send(1, first, boat.id);
    await send(2, 'no key');
    assert.deepEqual(await keys(), [null, null], 'the installation ID is not a secret');
    await send(3, first);
    await send(4, first);
    assert.deepEqual(await keys(), [first, null]);
    await send(5, second);
    const [held] = await store.query(
      'select refused_at, refusal from installations where installation_id = $1',
      [boat.id],
    );
    assert.deepEqual(held, { refused_at: null, refusal: null }, 'the import was stored');
    await send(6, second);
    assert.deepEqual(await keys(), [first, second]);
    const bundle = toBundle(boat.id, threeParts(boat, 'exp_b', 9));
    await assert.rejects(importBytes(store, bundle), (error) =>
      isCentralFailure(error, 'BUNDLE_KEY_UNKNOWN'),
    );
    await acceptBundleKey({ store, wallMs: NOON_MS }, boat.id, second);
    assert.deepEqual(await keys(), [second, null]);
    assert.equal((await importBytes(store, bundle)).stored, 3);
    const events = (await listEvents(store, boat.id)).map(({ event }) => event);
    assert.deepEqual(events.filter((event) => event.startsWith('bundle_key')).sort(), [
      'bundle_key_accepted',
      'bundle_key_kept',
      'bundle_key_offered',
    ]);
    for (const wrong of ['', 'x'.repeat(43), `${second}A`])
      await assert.rejects(acceptBundleKey({ store, wallMs: NOON_MS }, boat.id, wrong), (error) =>
        isCentralFailure(error, 'USAGE'),
      );
  });
});
