import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { createClockSyncQuery, isClockSynchronized } from './clock-synchronized.ts';
import { createDisk } from './disk.ts';

const root = temporaryRoot('clock-synchronized');
const { signal } = new AbortController();

let made = 0;
/** Creates a program that records each run and prints `output`, or fails if it is undefined. */
function program(output: string | undefined): { readonly path: string; readonly runs: string } {
  made += 1;
  const path = join(root, `program-${made}`);
  const runs = `${path}.runs`;
  writeFileSync(runs, '');
  const end = output === undefined ? 'exit 1' : `printf '%s\\n' '${output}'`;
  writeFileSync(path, `#!/bin/sh\necho run >> '${runs}'\n${end}\n`, { mode: 0o755 });
  return { path, runs };
}

const TRACKED =
  'C0A80001,192.168.0.1,2,1766000000.123456789,0.000012,0.000034,0.00005,-1.2,0.01,0.3,0.02,0.001,64.2';
const ABSENT = '/nowhere/at/all';

test('combines the reports from timedated and chrony', async () => {
  const table: readonly (readonly [
    name: string,
    busctl: string | undefined,
    chronyc: string | undefined,
    expected: boolean | undefined,
  ])[] = [
    ['ntpd, or chrony with rtcsync, that has set the clock', 'b true', undefined, true],
    ['chrony without rtcsync that has set the clock', 'b false', `${TRACKED},Normal`, true],
    ['chrony before a leap second', 'b false', `${TRACKED},Insert second`, true],
    ['chrony before the first answer from a server', 'b false', `${TRACKED},Not synchronised`, false],
    ['chrony on a machine without D-Bus', undefined, `${TRACKED},Normal`, true],
    ['a service that has not set the clock', 'b false', undefined, false],
    ['chrony that is not running', 'b false', '506 Cannot talk to daemon', false],
    ['no time service', undefined, undefined, undefined],
    ['other programs with these names', 'true', 'Normal', undefined],
  ];
  for (const [name, busctl, chronyc, expected] of table) {
    const query = createClockSyncQuery({ busctl: program(busctl).path, chronyc: program(chronyc).path });
    assert.equal(await query(signal), expected, name);
  }
  assert.equal(await createClockSyncQuery({ busctl: ABSENT, chronyc: ABSENT })(signal), undefined);
});

test('caches the answer, so that repeated queries start one process', async () => {
  const busctl = program('b true');
  const query = createClockSyncQuery({ busctl: busctl.path, chronyc: ABSENT });
  for (let times = 0; times < 3; times += 1) assert.equal(await query(signal), true);
  assert.equal((await createDisk().stat(busctl.runs))?.sizeBytes, 'run\n'.length);
});

test('does not wait for the program once aborted', async () => {
  const hanging = join(root, 'hanging');
  writeFileSync(hanging, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
  const clock = { isSynchronized: createClockSyncQuery({ busctl: hanging, chronyc: hanging }) };
  const stopping = new AbortController();
  const began = performance.now();
  const query = isClockSynchronized({ disk: createDisk(), clock }, join(root, 'no-run'), stopping.signal);
  const reason = new Error('the daemon stops');
  setTimeout(() => stopping.abort(reason), 50);
  await assert.rejects(query, reason);
  assert.ok(performance.now() - began < 1_500, "earlier than the programs' deadline");
});

test("accepts timesyncd's file without a query, and queries the clock without the file", async () => {
  const run = join(root, 'run');
  const disk = createDisk();
  let queries = 0;
  const clock = {
    isSynchronized: async () => {
      queries += 1;
      return false;
    },
  };
  assert.equal(await isClockSynchronized({ disk, clock }, run, signal), false);
  assert.equal(await isClockSynchronized({ disk, clock: {} }, run, signal), undefined);
  mkdirSync(join(run, 'systemd/timesync'), { recursive: true });
  writeFileSync(join(run, 'systemd/timesync/synchronized'), '');
  assert.equal(await isClockSynchronized({ disk, clock }, run, signal), true);
  assert.equal(queries, 1);
});
