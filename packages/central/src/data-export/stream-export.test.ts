import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { inflateRawSync } from 'node:zlib';
import { listEvents } from '../installations/audit.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { openArchive } from '../platform/zip-archive.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  importDocument,
  NOON_MS,
  startNode,
  toBoatlog,
  toDocument,
} from '../testing/central-under-test.ts';
import { MANIFEST_NAME } from './export-installation.ts';
import { streamExport } from './stream-export.ts';

/** More rows than an archive buffers for a reader that reads nothing. */
const ROWS = 12_000;
let opened: StoreUnderTest;
before(async () => {
  opened = await openEmbedded();
  await migrate(opened.store, NOON_MS);
});
after(() => opened.close());

async function importRows(store: Store) {
  const boat = await enrollBoat(store);
  const rows = Array.from({ length: ROWS }, (_, index) => ({
    record_id: `r${index}`,
    content: createHash('sha256').update(String(index)).digest('hex').repeat(4),
  }));
  await importDocument(startNode(store), boat, toDocument(boat, { data: toBoatlog(rows) }));
  return boat;
}

const toWorld = (store: Store) => ({
  store,
  wallMs: NOON_MS,
  randomHex: (bytes: number) => '0'.repeat(2 * bytes),
  actor: 'skipper',
});

test('an archive contains every file with the digest in its manifest, and the audit trail names who downloaded it', async () => {
  const { store } = opened;
  const boat = await importRows(store);
  const archive = openArchive(NOON_MS);
  const { ended } = await streamExport(toWorld(store), boat.id, 'ndjson', archive);
  const files = readArchive(Buffer.from(await new Response(archive.bytes).arrayBuffer()));
  assert.equal((await ended).failure, undefined);
  const manifest = JSON.parse(files.get(MANIFEST_NAME)?.toString('utf8') ?? '') as {
    readonly files: readonly { readonly name: string; readonly rows: number; readonly sha256: string }[];
  };
  assert.deepEqual([...files.keys()], [...manifest.files.map(({ name }) => name), MANIFEST_NAME]);
  for (const { name, sha256 } of manifest.files)
    assert.equal(
      createHash('sha256')
        .update(files.get(name) ?? '')
        .digest('hex'),
      sha256,
      name,
    );
  assert.equal(manifest.files.find(({ name }) => name === 'boatlog.ndjson')?.rows, ROWS);
  const events = await listEvents(store, boat.id);
  const event = events.find((one) => one.event === 'data_exported');
  assert.deepEqual([event?.subject, event?.actor], ['ndjson', 'skipper']);
});

test('the export ends when its reader disconnects', async () => {
  const { store } = opened;
  const boat = await importRows(store);
  const archive = openArchive(NOON_MS);
  const { ended } = await streamExport(toWorld(store), boat.id, 'ndjson', archive);
  const reader = archive.bytes.getReader();
  await reader.read();
  await reader.cancel();
  const { failure } = await ended;
  assert.ok(isCentralFailure(failure) && failure.code === 'OUTPUT_FAILED', String(failure));
});

test('a store failure cuts the archive short', async () => {
  const { store } = opened;
  const boat = await importRows(store);
  const archive = openArchive(NOON_MS);
  const isPage = (statement: string): boolean => statement.includes('row_number()');
  const failing: Store = {
    ...store,
    query: (statement, values) =>
      isPage(statement) ? Promise.reject(new Error('the database stopped')) : store.query(statement, values),
  };
  const { ended } = await streamExport(toWorld(failing), boat.id, 'csv', archive);
  await assert.rejects(new Response(archive.bytes).arrayBuffer(), /the database stopped/);
  assert.match(String((await ended).failure), /the database stopped/);
});

test('an unknown installation gets no archive and no audit event', async () => {
  const unknown = 'f'.repeat(16);
  await assert.rejects(streamExport(toWorld(opened.store), unknown, 'csv', openArchive(NOON_MS)), {
    code: 'INSTALLATION_NOT_FOUND',
  });
  assert.deepEqual(await listEvents(opened.store, unknown), []);
});

const CENTRAL_HEADER = 0x02_01_4b_50;
/** Offsets of the fields of a central directory header (APPNOTE 4.3.12). */
const FIELDS = { nameLength: 28, extraLength: 30, commentLength: 32, name: 46 };
/** ID of the extra field with the 64-bit sizes, and offsets in it (APPNOTE 4.5.3). */
const ZIP64_ID = 1;
const ZIP64_FIELDS = { packedSize: 12, offset: 20 };
const LOCAL_HEADER_LENGTH = 30;

/** Reads the files of an archive in which every entry has ZIP64 sizes. */
function readArchive(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>();
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(CENTRAL_HEADER);
  for (let at = bytes.indexOf(signature); at >= 0 && bytes.readUInt32LE(at) === CENTRAL_HEADER;) {
    const nameEnd = at + FIELDS.name + bytes.readUInt16LE(at + FIELDS.nameLength);
    const name = bytes.toString('utf8', at + FIELDS.name, nameEnd);
    let extra = nameEnd;
    while (bytes.readUInt16LE(extra) !== ZIP64_ID) extra += 4 + bytes.readUInt16LE(extra + 2);
    const packedSize = Number(bytes.readBigUInt64LE(extra + ZIP64_FIELDS.packedSize));
    const local = Number(bytes.readBigUInt64LE(extra + ZIP64_FIELDS.offset));
    const from =
      local + LOCAL_HEADER_LENGTH + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    files.set(name, inflateRawSync(bytes.subarray(from, from + packedSize)));
    at =
      nameEnd + bytes.readUInt16LE(at + FIELDS.extraLength) + bytes.readUInt16LE(at + FIELDS.commentLength);
  }
  return files;
}
