import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HeldPartsSchema, type Receipt } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { revoke } from '../installations/enroll.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openReadableFile } from '../platform/readable-file.ts';
import { describeOnPostgres } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollSigner as enrollBoat,
  ids,
  importBytes,
  isNotSigned,
  threeParts,
  toBundle,
} from '../testing/bundle-under-test.ts';
import {
  type EnrolledBoat,
  expectRefusal,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';
import { importBundle } from './import-bundle.ts';

const folder = mkdtempSync(join(tmpdir(), 'central-bundle-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const heldParts = Compile(HeldPartsSchema);
async function askHeld(
  store: Store,
  boat: EnrolledBoat,
  exportId: string,
  after = 0,
): Promise<readonly Receipt[]> {
  const request = new Request(`http://central.test/api/v1/data/import/${exportId}?after=${after}`, {
    headers: { Authorization: `Bearer ${boat.token}` },
  });
  const answer = await startNode(store).fetch(request);
  const body: unknown = await answer.json();
  assert.ok(answer.status === 200 && heldParts.Check(body), JSON.stringify(body));
  return body.next === null
    ? body.parts
    : [...body.parts, ...(await askHeld(store, boat, exportId, body.next))];
}

describeOnPostgres('a bundle', (open) => {
  before(async () => {
    await migrate(open().store, NOON_MS);
  });

  test('is stored once, even if its parts arrive several times, over the network and in bundles', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const documents = threeParts(boat);
    const [, second] = documents;
    assert.ok(second !== undefined);
    const overNetwork = await importDocument(startNode(store), boat, second);
    const bundle = toBundle(boat.id, documents);
    const first = await importBytes(store, bundle);
    assert.deepEqual([first.parts, first.stored, first.repeated], [3, 2, 1]);
    assert.deepEqual(first.records_imported, { boatlog: 2 });
    const again = await importBytes(store, bundle);
    assert.deepEqual([again.parts, again.stored, again.repeated], [3, 0, 3]);
    assert.deepEqual(await ids(store, boat), ['exp_1 1', 'exp_1 2', 'exp_1 3']);
    const [third] = documents.slice(2);
    assert.ok(third !== undefined);
    const late = await importDocument(startNode(store), boat, third);
    assert.equal(late.duplicate, true, 'a part imported from the bundle is a duplicate over the network');
    const held = await askHeld(store, boat, 'exp_1');
    assert.deepEqual(
      held.map(({ part, sha256 }) => [part.index, sha256]),
      documents.map((document, at) => [
        at + 1,
        createHash('sha256').update(JSON.stringify(document)).digest('hex'),
      ]),
    );
    const { missing_sequences, ...overNetworkReceipt } = overNetwork;
    assert.deepEqual(missing_sequences, []);
    assert.deepEqual(held[1], overNetworkReceipt, 'the receipt is the one given over the network');
  });

  test('that was changed or truncated has its intact parts stored and its damage reported', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const bundle = toBundle(boat.id, threeParts(boat));
    const changed = Buffer.from(bundle.toString('utf8').replace('exp_1 2', 'exp_9 9'));
    const report = await importBytes(store, changed);
    assert.deepEqual([report.stored, report.damaged_count], [2, 1]);
    assert.deepEqual(
      report.damaged.map(({ key }) => key),
      ['exp_1/2'],
    );
    assert.deepEqual(await ids(store, boat), ['exp_1 1', 'exp_1 3']);
    const torn = await importBytes(store, bundle.subarray(0, bundle.length - 200));
    assert.deepEqual(
      [torn.stored, torn.damaged_count > 0],
      [1, true],
      'only the missing second part is stored',
    );
    const whole = await importBytes(store, bundle);
    assert.deepEqual([whole.stored, whole.repeated, whole.damaged_count], [0, 3, 0]);
  });

  test('with a damaged first line is stored only for the installation of its first document', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const unknown = { id: systemRandomHex(8), token: '' };
    const bundle = toBundle(
      boat.id,
      [unknown, boat, other].flatMap((each) => threeParts(each)),
    );
    const damaged = Buffer.concat([Buffer.from('x'), bundle]);
    await assert.rejects(importBytes(store, damaged), isNotSigned);
    const report = await importBytes(store, damaged, 'signed_and_unsigned');
    assert.deepEqual([report.stored, report.refused_count, report.damaged_count], [3, 6, 1]);
    assert.equal(report.installation_id, boat.id, 'the report names the installation');
    assert.deepEqual(await ids(store, other), []);
  });

  test('with the bundle of a different boat in the middle stores nothing for that boat', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const joined = Buffer.concat([
      toBundle(boat.id, threeParts(boat)),
      toBundle(other.id, threeParts(other)),
      toBundle(boat.id, threeParts(boat, 'exp_2', 2)),
    ]);
    await assert.rejects(importBytes(store, joined), isNotSigned);
    assert.deepEqual(await ids(store, boat), []);
    const report = await importBytes(store, joined, 'signed_and_unsigned');
    assert.deepEqual([report.installation_id, report.stored, report.refused_count], [boat.id, 6, 3]);
    assert.equal(report.damaged_count, 1);
    assert.match(report.damaged[0]?.reason ?? '', new RegExp(other.id));
    assert.deepEqual(await ids(store, other), []);
  });

  test('from a card that was restored from an image stores none of its new exports', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    await importBytes(store, toBundle(boat.id, threeParts(boat)));
    const report = await importBytes(store, toBundle(boat.id, threeParts(boat, 'exp_restored')));
    assert.deepEqual([report.stored, report.refused_count], [0, 3]);
    assert.match(report.refused[0]?.reason ?? '', /another export .* new ledger/);
    assert.equal((await ids(store, boat)).length, 3);
  });

  test('from an installation that is not enrolled is refused with a hint, and nothing is stored', async () => {
    const { store } = open();
    const unknown = { id: systemRandomHex(8), token: '' };
    await assert.rejects(
      importBytes(store, toBundle(unknown.id, threeParts(unknown))),
      (error) => isCentralFailure(error, 'INSTALLATION_NOT_FOUND') && error.hint.includes('enroll'),
    );
    assert.deepEqual(await ids(store, unknown), []);
  });

  test('stores no part of a different or disabled boat, and none with different content under a stored key', async () => {
    const { store } = open();
    const [boat, other] = [await enrollBoat(store), await enrollBoat(store)];
    const mixed = await importBytes(store, toBundle(boat.id, [...threeParts(boat), ...threeParts(other)]));
    assert.deepEqual([mixed.stored, mixed.refused_count], [3, 3]);
    assert.match(mixed.refused[0]?.reason ?? '', /different installation/);
    assert.deepEqual(await ids(store, other), []);
    const conflicting = toDocument(boat, { exportId: 'exp_1', part: { index: 1, count: 3 } });
    const conflict = await importBytes(store, toBundle(boat.id, [conflicting]));
    assert.deepEqual(conflict.refused, [
      { key: 'exp_1/1', reason: 'a part with this key is stored with different content' },
    ]);
    await revoke({ store, wallMs: NOON_MS }, boat.id, 'installation');
    const disabled = await importBytes(store, toBundle(boat.id, threeParts(boat, 'exp_2')));
    assert.deepEqual([disabled.stored, disabled.refused_count], [0, 3]);
  });

  test('with a part above the size limit is stored without that part', async () => {
    const { store } = open();
    const boat = await enrollBoat(store);
    const large = toDocument(boat, {
      exportId: 'exp_large',
      data: toBoatlog([{ record_id: 'large', content: 'x'.repeat(300_000) }]),
    });
    const report = await importBytes(
      store,
      toBundle(boat.id, [large, ...threeParts(boat)]),
      'signed',
      100_000,
    );
    assert.deepEqual([report.stored, report.damaged.map(({ key }) => key)], [3, ['exp_large/1']]);
  });

  test('that is missing or is not a bundle is reported as unreadable', async () => {
    const { store } = open();
    const unreadable = (error: unknown) => isCentralFailure(error, 'BUNDLE_UNREADABLE');
    await assert.rejects(importBytes(store, Buffer.from('{"pending":[]}')), unreadable);
    await assert.rejects(importBytes(store, Buffer.alloc(0)), unreadable);
    const deps = {
      store,
      wall: () => NOON_MS,
      randomHex: systemRandomHex,
      openFile: openReadableFile,
      bodySizeMaxBytes: 1_000,
    };
    await assert.rejects(importBundle(deps, join(folder, 'nothing'), 'signed'), unreadable);
    await assert.rejects(importBundle(deps, folder, 'signed'), unreadable);
    // A pipe that has no writer must not block the command forever.
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '0600', pipe]);
    await assert.rejects(importBundle(deps, pipe, 'signed'), unreadable);
    rmSync(pipe);
  });

  test('lists its stored parts page by page, only to its own boat', async () => {
    const { store } = open();
    const [boat, other, older] = [
      await enrollBoat(store),
      await enrollBoat(store),
      await enrollBoat(store, true),
    ];
    const documents = Array.from({ length: 120 }, (_, at) =>
      toDocument(boat, { exportId: 'exp_long', part: { index: at + 1, count: 120 } }),
    );
    await importBytes(store, toBundle(boat.id, documents));
    const held = await askHeld(store, boat, 'exp_long');
    assert.deepEqual(
      held.map(({ part }) => part.index),
      Array.from({ length: 120 }, (_, at) => at + 1),
    );
    assert.deepEqual(await askHeld(store, other, 'exp_long'), []);
    assert.deepEqual(await askHeld(store, boat, 'exp_unheard_of'), []);
    const app = startNode(store);
    const ask = (path: string, bearer?: string) =>
      new Request(`http://central.test/api/v1/data/import/${path}`, {
        headers: bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` },
      });
    await expectRefusal(app, ask('exp_long'), 401, 'INVALID_TOKEN');
    await expectRefusal(app, ask('exp_long', older.id), 401, 'INVALID_TOKEN');
    await expectRefusal(app, ask('exp_long?after=x', boat.token), 400, 'INVALID_FORMAT');
    await expectRefusal(app, ask(encodeURIComponent('a/b'), boat.token), 400, 'INVALID_FORMAT');
  });
});
