import assert from 'node:assert/strict';
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import { toDiskError } from '../platform/disk-error.ts';
import type { Disk, WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import type { CreateExportDeps } from './export-request.ts';
import { currentTimeZones, rememberTimeZones } from './time-zones.ts';

const root = temporaryRoot('time-zones');
const signal = new AbortController().signal;
const at = (text: string): WallMs => Date.parse(`${text}Z`) as WallMs;
let boats = 0;

/** A boat whose zone setting can be written at any time and whose ledger can be reopened. */
function openBoat() {
  const home = join(root, String((boats += 1)));
  mkdirSync(join(home, 'config'), { recursive: true });
  const path = join(home, 'config', 'timezone.txt');
  const now = { ms: at('2026-06-20T00:00:00') };
  let ledger = openLedger(createDatabases().openLedger(join(home, 'exports.db')), () => '00112233445566ff');
  const use = (disk: Disk = createDisk()): CreateExportDeps =>
    // The dependencies for reading the zones.
    ({
      world: { clock: { ...createClock(), wall: () => now.ms } },
      ledger,
      sources: { root: home },
      sourceDisk: () => disk,
    }) as unknown as CreateExportDeps;
  return {
    path,
    now,
    use,
    set(zone: string, written: string): void {
      writeFileSync(path, `${zone}\n`);
      utimesSync(path, at(written) / 1000, at(written) / 1000);
    },
    reopen(): void {
      ledger.close();
      ledger = openLedger(createDatabases().openLedger(join(home, 'exports.db')), () => 'unused');
    },
  };
}

test('a boat keeps the zones it sailed through, even after a restart', async () => {
  const boat = openBoat();
  boat.set('America/Halifax', '2026-01-01T00:00:00');
  await rememberTimeZones(boat.use(), signal);
  boat.set('Atlantic/Azores', '2026-06-10T12:00:00');
  const expected = [
    { zone: 'America/Halifax', sinceMs: 0 },
    { zone: 'Atlantic/Azores', sinceMs: at('2026-06-10T12:00:00') },
  ];
  assert.deepEqual(await currentTimeZones(boat.use(), signal), expected, 'as a preview sees it');
  assert.deepEqual(await rememberTimeZones(boat.use(), signal), expected);
  boat.reopen();
  assert.deepEqual(await rememberTimeZones(boat.use(), signal), expected);
});

test('a preview stores no zone', async () => {
  const boat = openBoat();
  boat.set('Europe/Lisbon', '2026-01-01T00:00:00');
  await currentTimeZones(boat.use(), signal);
  assert.deepEqual(boat.use().ledger.timeZones.all(), []);
});

test('the last known zone applies while the setting is missing, unknown or unreadable, and UTC applies before any zone is known', async () => {
  const boat = openBoat();
  assert.deepEqual(await rememberTimeZones(boat.use(), signal), [{ zone: 'UTC', sinceMs: 0 }]);
  boat.set('Pacific/Auckland', '2026-02-01T00:00:00');
  const known = await rememberTimeZones(boat.use(), signal);
  assert.deepEqual(known, [{ zone: 'Pacific/Auckland', sinceMs: 0 }]);
  boat.set('Mars/Olympus', '2026-03-01T00:00:00');
  assert.deepEqual(await rememberTimeZones(boat.use(), signal), known);
  const refuse = async (): Promise<never> => {
    throw toDiskError(Object.assign(new Error('EACCES'), { code: 'EACCES' }), 'read');
  };
  const disk: Disk = { ...createDisk(), read: refuse, stat: refuse };
  assert.deepEqual(await rememberTimeZones(boat.use(disk), signal), known);
});
