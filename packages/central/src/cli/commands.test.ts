import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { toBundleLine } from '@d3kos/protocol';
import type { Store } from '../platform/ports.ts';
import { openEmbedded } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { migrate } from '../store/migrate.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';
import type { CommandWorld } from './command-world.ts';
import { distribute } from '../store/distribute.ts';
import { runCommand } from './commands.ts';

/** Control characters that clear the screen, change the window title and begin a new line. */
const CONTROLS = '\u001b[2J\u009b2J\u001b]0;x\u0007\r\n';

/** Returns a bundle of these documents with control characters in its free-text fields. */
function toHostileBundle(boat: EnrolledBoat, documents: readonly ReturnType<typeof toDocument>[]): Buffer {
  const bodies = documents.map((document) => JSON.stringify(document));
  const lines = [
    toBundleLine({
      d3kos_bundle: 'start',
      version: 1,
      installation_id: boat.id,
      created: `${CONTROLS}made`,
      software_version: '0.1.0',
    }),
    ...bodies.flatMap((body, at) => [
      toBundleLine({
        d3kos_bundle: 'part',
        export_id: documents[at]?.export_id ?? '',
        part: { index: 1, count: 1 },
        sha256: createHash('sha256').update(body).digest('hex'),
        size_bytes: Buffer.byteLength(body),
      }),
      `${body}\n`,
    ]),
    toBundleLine({
      d3kos_bundle: 'end',
      exports: bodies.length,
      parts: bodies.length,
      skipped_count: 1,
      skipped: [{ queue_id: `q${CONTROLS}`, reason: `${CONTROLS}9 whole parts: 9 stored` }],
    }),
  ];
  return Buffer.from(lines.join(''));
}

/** Returns a world with a running clock. The bundle is its only file. */
function toWorld(store: Store, bundle: Buffer): CommandWorld {
  let nowMs = NOON_MS;
  return {
    store,
    migrate: () => migrate(store, nowMs),
    distribute: () => distribute(store),
    wall: () => (nowMs += 1_000),
    randomHex: systemRandomHex,
    openNewDirectory: () => Promise.reject(new Error('this test writes no files')),
    bodySizeMaxBytes: 1_000_000,
    readLine: async () => undefined,
    openFile: async () => ({
      read: async (offset: number, length: number) => bundle.subarray(offset, offset + length),
      close: async () => undefined,
    }),
  };
}

test('a bundle with exports from a lost ledger and its successor shows which ledger is newer', async () => {
  const { store, close } = await openEmbedded();
  try {
    await migrate(store, NOON_MS);
    const boat = await enrollBoat(store);
    const toExport = (ledgerId: string, sequence: number, content: string) =>
      toDocument(boat, {
        ledgerId,
        sequence,
        exportId: `${ledgerId}_${sequence}`,
        data: toBoatlog([{ record_id: '1', content }]),
      });
    const bundle = toHostileBundle(boat, [
      toExport('aaaaaaaaaaaaaaaa', 7, 'lost'),
      toExport('bbbbbbbbbbbbbbbb', 1, 'successor'),
    ]);
    await runCommand(toWorld(store, bundle), {
      kind: 'import_bundle',
      file: 'd3kos.bundle',
      accepts: 'signed_and_unsigned',
    });
    const late = toExport('aaaaaaaaaaaaaaaa', 8, 'straggler');
    await importDocument(startNode(store, { wall: () => NOON_MS + 60_000 }), boat, late);
    assert.match(String((await heldRecords(store, boat))[0]?.['json']), /successor/);
  } finally {
    await close();
  }
});

test("control characters from boats and bundles do not reach the operator's terminal", async () => {
  const { store, close } = await openEmbedded();
  try {
    await migrate(store, NOON_MS);
    const boat = await enrollBoat(store);
    const hostile = { ...toDocument(boat, { sequence: 2 }), software_version: `${CONTROLS}9` };
    await importDocument(startNode(store), boat, hostile);
    const world = toWorld(store, toHostileBundle(boat, [toDocument(boat)]));
    const shown = await runCommand(world, { kind: 'show', installationId: boat.id });
    const imported = await runCommand(world, {
      kind: 'import_bundle',
      file: 'd3kos.bundle',
      accepts: 'signed_and_unsigned',
    });
    for (const { text } of [shown, imported]) {
      const controls = [...text].filter((character) => /\p{Cc}/u.test(character) && character !== '\n');
      assert.deepEqual(controls, []);
    }
    assert.equal(imported.text.split('\n').length, 4, imported.text);
    assert.equal(shown.text.split('\n').filter((line) => line.startsWith('9')).length, 0);
  } finally {
    await close();
  }
});
