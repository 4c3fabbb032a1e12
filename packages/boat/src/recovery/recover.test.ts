import assert from 'node:assert/strict';
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toFailedFile, toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { boatlogMove, newEntry } from '../testing/new-entry.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { openLedger } from '../ledger/ledger.ts';
import { openOrQuarantine } from './open-or-quarantine.ts';
import { recover } from './recover.ts';

const root = temporaryRoot('recover');
const databases = createDatabases();
// The ports that recovery and adoption use.
const world = {
  clock: createClock(),
  random: createRandom(),
  disk: createDisk(),
  databases,
  log: createKeptLog(),
} as unknown as World;

let made = 0;
function freshRoot() {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  return paths;
}
const open = (paths: ReturnType<typeof freshRoot>) =>
  openLedger(databases.openLedger(paths.ledger), () => '00112233445566ff');

test('a damaged ledger is quarantined unchanged and replaced by a new one', async () => {
  const paths = freshRoot();
  writeFileSync(paths.ledger, Buffer.alloc(8_192, 7));
  const ledger = await openOrQuarantine(world, paths);
  assert.equal(ledger.queue.counts().pending, 0);
  assert.deepEqual(readFileSync(join(paths.damaged, 'exports.db')), Buffer.alloc(8_192, 7));
});

const seedDocument = {
  installation_id: '0123456789abcdef',
  export_timestamp: '2026-02-20T10:05:30Z',
  format_version: '1.0',
  data: {
    boatlog: {
      category: 'boatlog',
      entry_count: 1,
      entries: [{ entry_id: 7, timestamp: 't', type: 'text', content: 'hi' }],
    },
    settings: { category: 'settings', data: { license: { tier: 2 } } },
    qr_codes: { category: 'qr_codes', entry_count: 0, entries: [] },
  },
};

test('export files without an entry get one, and a legacy file is rewritten with record IDs only once, even after several power cuts', async () => {
  const paths = freshRoot();
  const old = join(paths.exports, 'export_20260220_100530.json');
  writeFileSync(old, JSON.stringify(seedDocument, null, 2));
  const first = open(paths);
  assert.equal((await recover(world, paths, first)).adopted, 1);
  const [entry] = first.queue.list('pending');
  assert.equal(existsSync(old), false);
  const document = JSON.parse(readFileSync(entry?.exportFile ?? '', 'utf8'));
  assert.equal(document.data.boatlog.entries[0].record_id, '7@t');
  assert.equal(document.data.settings.data.record_id, 'settings');
  first.close();

  // Power failed before the legacy file was removed, so the same export is found again.
  writeFileSync(old, JSON.stringify(seedDocument, null, 2));
  const second = open(paths);
  const report = await recover(world, paths, second);
  assert.equal(report.adopted, 0);
  assert.equal(second.queue.counts().pending, 1);
  assert.equal(existsSync(old), false);
  // The ledger was lost, so the rewritten file is adopted under its own export ID.
  second.close();
  writeFileSync(paths.ledger, 'gone');
  const third = await openOrQuarantine(world, paths);
  assert.equal((await recover(world, paths, third)).adopted, 1);
  assert.equal(third.queue.list('pending')[0]?.exportId, entry?.exportId);
});

test('files that cannot be parsed are quarantined under their own names and never removed', async () => {
  const paths = freshRoot();
  writeFileSync(
    join(paths.exports, 'export_20260220_100530.json'),
    '{"installation_id":"0123456789abcdef","da',
  );
  writeFileSync(join(paths.exports, 'notes.json'), '[1]');
  writeFileSync(join(paths.exports, '.x.tmp'), 'half');
  const report = await recover(world, paths, open(paths));
  assert.deepEqual([report.quarantined, report.adopted, report.temporaryRemoved], [2, 0, 1]);
  assert.deepEqual(readdirSync(paths.damaged).sort(), ['export_20260220_100530.json', 'notes.json']);
  assert.deepEqual(readdirSync(paths.exports), []);
});

test('an entry whose file is missing fails and its ranges are rewound, but one whose file was just archived stays pending', async () => {
  const paths = freshRoot();
  const ledger = open(paths);
  ledger.queue.enqueue(newEntry(1, { exportFile: join(paths.exports, 'a.json') }), [
    boatlogMove(undefined, 40),
  ]);
  ledger.queue.enqueue(newEntry(2, { exportFile: join(paths.exports, 'b.json') }), [boatlogMove(40, 50)]);
  mkdirSync(paths.failed, { recursive: true });
  const archived = toFailedFile(paths, newEntry(2).queueId);
  writeFileSync(archived, '{}');
  const report = await recover(world, paths, ledger);
  assert.equal(report.missing, 1);
  assert.equal(ledger.queue.find(newEntry(1).queueId)?.status, 'failed');
  assert.equal(ledger.progress.cursorOf('boatlog', 'main'), undefined);
  assert.equal(ledger.queue.find(newEntry(2).queueId)?.exportFile, archived);
  assert.equal(ledger.queue.find(newEntry(2).queueId)?.status, 'pending');
});

test("a different export under an entry's name in the archive is adopted and not removed", async () => {
  const paths = freshRoot();
  const ledger = open(paths);
  const file = join(paths.exports, 'export_old_1.json');
  writeFileSync(file, '{}');
  ledger.queue.enqueue(newEntry(1, { exportFile: file }), []);
  mkdirSync(paths.failed, { recursive: true });
  // A legacy exporter whose clock was set back gave two exports the same ID. This is the one that failed first.
  writeFileSync(toFailedFile(paths, newEntry(1).queueId), JSON.stringify(seedDocument));
  const report = await recover(world, paths, ledger);
  assert.deepEqual([report.adopted, report.quarantined], [1, 0]);
  assert.deepEqual(
    ledger.queue.list('pending').map(({ exportFile }) => existsSync(exportFile)),
    [true, true],
  );
});

test('if power fails while a file is being archived, the entry ends up with a single file at its original path', async () => {
  const paths = freshRoot();
  const ledger = open(paths);
  const file = join(paths.exports, 'a.json');
  writeFileSync(file, '{}');
  ledger.queue.enqueue(newEntry(1, { exportFile: file }), [boatlogMove(undefined, 40)]);
  mkdirSync(paths.failed, { recursive: true });
  linkSync(file, toFailedFile(paths, newEntry(1).queueId));
  const report = await recover(world, paths, ledger);
  assert.deepEqual([report.missing, report.quarantined, report.adopted], [0, 0, 0]);
  assert.equal(ledger.queue.find(newEntry(1).queueId)?.exportFile, file);
  assert.deepEqual(readdirSync(paths.exports), ['a.json']);
  assert.deepEqual(readdirSync(paths.failed), []);
});
