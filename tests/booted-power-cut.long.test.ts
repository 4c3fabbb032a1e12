// Power fails while dpkg installs, upgrades and removes a boat's package in a booted system, and everything that was not synced
// is lost. After the next boot, `dpkg --configure -a` and then the interrupted command complete the work, and no acknowledged export is lost.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Card, insertCard } from '../crash/card.ts';
import { createSimRandom } from '../packages/sim/src/random.ts';
import { writeBoat } from '../packages/sim/src/fixture/index.ts';
import { INSTALLATION } from './support/boat-in-process.ts';
import { type CutMoment, prepareCuts, runUntilCut } from './support/booted-cut.ts';
import { createMachine, type Machine } from './support/booted-machine.ts';
import { buildPackages, copyWithVersion, findPackage } from './support/booted-packages.ts';
import { buildRoot, findBootObstacle, runHost } from './support/booted-root.ts';
import { legacyFiles, stageLegacy } from './support/legacy-installation.ts';
import { until } from './support/until.ts';

const obstacle = findBootObstacle();
/**
 * Each cycle has one cut in each of the three transitions. `CUT_CYCLES` changes the number of cycles, and `CUT_SEED` the
 * moments.
 */
const CYCLES = Number(process.env['CUT_CYCLES'] ?? 3);
const seed = process.env['CUT_SEED'] ?? String(Date.now());
/** The machine's disk. The package's files in two versions take 220 MB. */
const DISK_BYTES = 2_000_000_000;
const SERVICE = 'd3kos-export-manager.service';
const folder = mkdtempSync(join(tmpdir(), 'd3kos-booted-test-'));
let disk: Card | undefined;
let machine: Machine;

/** A cycle's commands, in order. Each begins with the state that the previous one left. */
const TRANSITIONS = ['dpkg -i /root/old.deb', 'dpkg -i /root/new.deb', 'dpkg -r d3kos-export'] as const;
type Transition = (typeof TRANSITIONS)[number];

before(async () => {
  if (obstacle !== undefined) return;
  const inserted = insertCard(DISK_BYTES);
  if (inserted.kind === 'unavailable') return;
  disk = inserted;
  const lower = await buildRoot();
  await buildPackages(folder);
  machine = await createMachine(lower, { disk });
  const root = join(machine.root, 'opt', 'd3kos');
  mkdirSync(root, { recursive: true });
  writeBoat(root, { generation: 'gen3', rows: 50, seed: 1, installationId: INSTALLATION, tier: 2 });
  stageLegacy(machine.root);
  const old = findPackage(folder, 'd3kos-export');
  cpSync(old, join(machine.root, 'root', 'old.deb'));
  cpSync(await copyWithVersion(old, '0.1.1', folder), join(machine.root, 'root', 'new.deb'));
  await runHost('chroot', machine.root, 'useradd', '--create-home', 'd3kos');
  await runHost('chroot', machine.root, 'chown', '-R', 'd3kos:d3kos', '/opt/d3kos');
  prepareCuts(machine);
  await machine.boot();
  disk.sync();
});

after(async () => {
  // `before` may have failed.
  await (machine as Machine | undefined)?.remove();
  disk?.close();
  rmSync(folder, { recursive: true, force: true });
});

const status = async (): Promise<string> =>
  (await machine.run("dpkg-query -f '${Status} ${Version}' -W d3kos-export")).output.trim();
const untilAnswering = (path: string): Promise<void> =>
  until(
    'an exporter answers',
    async () => (await machine.run(`curl -sf http://127.0.0.1:8094${path}`)).code === 0,
  );

/** The queue IDs of all acknowledged exports. */
const acknowledged: string[] = [];
async function acknowledge(): Promise<void> {
  const answer = JSON.parse(await machine.ok('curl -sf -X POST http://127.0.0.1:8094/export/generate')) as {
    readonly queue_id: string;
  };
  acknowledged.push(answer.queue_id);
  // The legacy exporter syncs nothing, so a cut within seconds would lose its export.
  if ((await status()).startsWith('install ok installed')) return;
  await machine.ok('sync');
}

/** Completes the interrupted command as the guide describes. Returns the package's previous state. */
async function repair(transition: Transition): Promise<string> {
  const found = await status();
  await machine.ok('dpkg --configure -a');
  const isRemoved = found === '' || found.includes('config-files') || found.includes('not-installed');
  if (transition !== 'dpkg -r d3kos-export' || !isRemoved) await machine.ok(transition);
  return found;
}

/** Checks the state after a transition, and that every acknowledged export waits with its file. */
async function check(transition: Transition): Promise<void> {
  const isLegacy = transition === 'dpkg -r d3kos-export';
  await untilAnswering(isLegacy ? '/' : '/export/queue');
  if (isLegacy) assert.deepEqual(legacyFiles(machine.root), staged());
  else {
    assert.match(await status(), /^install ok installed/);
    const active = `${SERVICE} d3kos-export-daily.timer`;
    assert.equal(await machine.ok(`systemctl is-active ${active}`), 'active\nactive');
    assert.match(await machine.ok(`systemctl show -P FragmentPath ${SERVICE}`), /^\/usr\/lib\//);
    assert.match(
      await machine.ok('systemctl show -P FragmentPath d3kos-export-daily.timer'),
      /^\/usr\/lib\//,
    );
  }
  const enabled = 'd3kos-export-manager.service d3kos-export-boot.service d3kos-export-daily.timer';
  assert.equal(await machine.ok(`systemctl is-enabled ${enabled}`), 'enabled\nenabled\nenabled');
  const waiting = await listWaiting(isLegacy);
  for (const queueId of acknowledged) {
    const file =
      waiting.get(queueId) ??
      assert.fail(`${queueId} does not wait; waiting: ${[...waiting.keys()].join(' ')}`);
    const path = join(machine.root, file);
    assert.ok(existsSync(path), file);
    JSON.parse(readFileSync(path, 'utf8'));
  }
}

async function listWaiting(isLegacy: boolean): Promise<ReadonlyMap<string, string>> {
  const text = isLegacy
    ? readFileSync(join(machine.root, 'opt/d3kos/data/exports/export_queue.json'), 'utf8')
    : await machine.ok('curl -sf http://127.0.0.1:8094/export/queue');
  const { pending } = JSON.parse(text) as {
    readonly pending: readonly { readonly queue_id: string; readonly export_file: string }[];
  };
  return new Map(pending.map(({ queue_id: id, export_file: file }) => [id, file]));
}

/** The files of the legacy installation, as they were staged. */
function staged(): ReturnType<typeof legacyFiles> {
  const root = mkdtempSync(join(folder, 'staged-'));
  stageLegacy(root);
  return legacyFiles(root);
}

/** Returns the moments of all cuts: spread over the calls of each transition, and one while dpkg unpacks the files. */
function drawMoments(calls: ReadonlyMap<Transition, number>): readonly (readonly [Transition, CutMoment])[] {
  const random = createSimRandom(`cuts ${seed}`);
  return Array.from({ length: CYCLES }, (_, cycle) =>
    TRANSITIONS.map((transition): readonly [Transition, CutMoment] => {
      const count = calls.get(transition) ?? 0;
      if (cycle === CYCLES - 1 && transition === 'dpkg -i /root/new.deb') return [transition, 'unpacking'];
      const share = Math.floor((count * cycle) / CYCLES);
      return [
        transition,
        1 + share + random.integer(Math.max(1, Math.floor((count * (cycle + 1)) / CYCLES) - share)),
      ];
    }),
  ).flat();
}

test(
  'a power cut at any moment of an installation, an upgrade or a removal loses no acknowledged export',
  { skip: obstacle },
  async (t) => {
    if (disk === undefined) return t.skip('no loop device or ext4 here');
    t.diagnostic(`CUT_SEED=${seed}`);
    const calls = new Map<Transition, number>();
    await untilAnswering('/');
    for (const transition of TRANSITIONS) {
      await acknowledge();
      const { calls: made } = await runUntilCut(machine, transition, 'never');
      calls.set(transition, made.length);
      await check(transition);
    }
    const moments = drawMoments(calls);
    for (const [transition, at] of moments) {
      await acknowledge();
      const { wasReached, calls: made } = await runUntilCut(machine, transition, at);
      // The number of calls varies slightly. If there are fewer, power fails right after the command.
      const when = at === 'unpacking' ? 'during unpacking' : `before call ${at}: ${made.at(-1)}`;
      const moment = `${transition}, ${wasReached ? when : 'after its end'}`;
      await machine.cutPower();
      await machine.boot();
      const found = await repair(transition).catch((error: unknown) => {
        throw new Error(moment, { cause: error });
      });
      t.diagnostic(`${moment} (${found || 'not installed'})`);
      await check(transition).catch((error: unknown) => {
        throw new Error(moment, { cause: error });
      });
    }
    t.diagnostic(
      `${moments.length} cuts, ${acknowledged.length} exports acknowledged; calls: ${[...calls].map(([name, count]) => `${name} ${count}`).join(', ')}`,
    );
  },
);
