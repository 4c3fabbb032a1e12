import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { prepareBoat } from './support/boat-in-process.ts';
import { HOSTILE_SOURCES, writeInPlace } from './support/hostile-sources.ts';
import { createMemoryCgroup, type MemoryCgroup } from './support/memory-cgroup.ts';
import {
  type Answer,
  createProcesses,
  freePort,
  NO_SERVER,
  requestJson,
  type RunningDaemon,
  spawnDaemon,
  startDaemon,
  toEnding,
  untilDaemonAnswers,
} from './support/processes.ts';

const UNIT = join(import.meta.dirname, '..', 'deploy', 'systemd', 'd3kos-export-manager.service');
const MIB = 1_048_576;
/**
 * Longest wait for an export of a hostile source, which takes up to a minute on an idle core. `fetch` itself gives up after 300
 * s.
 */
const ANSWER_MAX_MS = 290_000;

/** The memory limit of the daemon's unit, in MiB. */
function readUnitLimit(): number {
  return Number(/^MemoryMax=([0-9]+)M$/m.exec(readFileSync(UNIT, 'utf8'))?.[1]);
}

/** Peak memory of a process, in MiB. Page cache is not included, because the kernel reclaims it at a unit's limit. */
function readPeak({ child }: RunningDaemon): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1_024;
}

/** Sends a request, and repeats it if the daemon has just closed an idle connection. Rejects if the daemon has exited. */
async function request(daemon: RunningDaemon, method: string, path: string, what: string): Promise<Answer> {
  const body = method === 'POST' ? { type: 'incremental' } : undefined;
  for (let attempt = 1; ; attempt += 1)
    try {
      return await requestJson(`${daemon.url}${path}`, method, body, ANSWER_MAX_MS);
    } catch (error) {
      const hasEnded = daemon.child.exitCode !== null || daemon.child.signalCode !== null;
      if (hasEnded || attempt === 2) throw new Error(`${what}: ${daemon.output()}`, { cause: error });
    }
}

/** Sources that the preview must report in this category, with a detail that names the file. */
const REPORTED: Readonly<Record<string, readonly [category: string, detail: RegExp]>> = {
  '6 million empty lists': ['settings', /user-preferences\.json/],
  'endless escaped quotes': ['onboarding', /onboarding\.json/],
};

/** A preview's categories that are not simply `ok`, one line for each. */
function listReports({ json }: Answer): readonly string[] {
  const categories = json['categories'] ?? {};
  return Object.entries(categories).flatMap(([category, found]) => {
    const { state, detail }: { readonly state: string; readonly detail?: string } = found;
    return state === 'ok' && detail === undefined ? [] : [`${category} ${state}: ${detail ?? ''}`];
  });
}

/** Puts each hostile source in place, and requests an export and a preview of it. */
async function surviveEach(t: TestContext, limit: number, cgroup: MemoryCgroup): Promise<void> {
  const processes = createProcesses(toEnding(t));
  processes.atEnd(() => cgroup.remove());
  const root = join(processes.folder('hostile-sources'), 'boat');
  prepareBoat({ root, rows: 50 });
  const place = { root, port: await freePort(), centralUrl: NO_SERVER };
  const daemon = cgroup.run(() => spawnDaemon(processes, place));
  await untilDaemonAnswers(daemon);
  for (const [name, put] of HOSTILE_SOURCES) {
    put(root);
    let preview: Answer | undefined;
    for (const [method, path] of [
      ['POST', '/export/generate'],
      ['GET', '/export/preview'],
    ] as const) {
      preview = await request(daemon, method, path, `${name}: ${path}`);
      const { status } = preview;
      assert.ok(status === 200 || status === 503 || status === 429, `${name}: ${path} answers ${status}`);
    }
    const reports = preview === undefined ? [] : listReports(preview);
    const [category, detail = /^/] = REPORTED[name] ?? [];
    if (category !== undefined)
      assert.ok(
        reports.some((report) => report.startsWith(category) && detail.test(report)),
        `${name}: ${reports.join('; ')}`,
      );
    const peak = readPeak(daemon);
    t.diagnostic(
      `${name}: ${Math.round(peak)} MiB; ${reports.map((report) => report.slice(0, 160)).join('; ')}`,
    );
    assert.ok(peak < limit, `${name}: ${Math.round(peak)} MiB`);
  }
  assert.equal((await daemon.request('GET', '/export/doctor')).status, 200);
  assert.equal(await daemon.stop(), 0);
  assert.equal(cgroup.kills(), 0);
}

test("the daemon survives every hostile source in a memory cgroup with its unit's limit", async (t) => {
  const limit = readUnitLimit();
  assert.ok(limit > 0, 'the unit has a limit');
  const cgroup = createMemoryCgroup(`d3kos-test-${process.pid}`, limit * MIB);
  if (typeof cgroup === 'string') return t.skip(cgroup);
  await surviveEach(t, limit, cgroup);
});

const HEADER =
  '{"installation_id":"0123456789abcdef","export_timestamp":"2026-02-20T10:00:00Z","format_version":"1.0","export_id":"exp_1","export_type":"full","tier":2,"trigger":"manual","sequence":1,"ledger_id":"00112233445566ff","software_version":"0.1.0","clock":{"synchronized":true,"boot_id":"b"},"data":{';

/** Files that the daemon reads at startup. */
const AT_START: readonly (readonly [name: string, path: string, toContent: () => string])[] = [
  ['a queue of empty lists', 'data/exports/export_queue.json', () => `[${'[],'.repeat(11_000_000)}[]]`],
  ['a torn queue of small objects', 'data/exports/export_queue.json', () => '{"a":1}'.repeat(4_000_000)],
  [
    'an export of one line',
    'data/exports/exports/export_20260220_100000.json',
    () => `${HEADER}\n"boatlog":{"entries":[\n{"record_id":"${'x'.repeat(200 * MIB)}`,
  ],
  [
    'an export of records without a comma',
    'data/exports/exports/export_20260220_100000.json',
    () => `${HEADER}\n"boatlog":{"entries":[\n${'{"record_id":\n'.repeat(7_000_000)}],"entry_count":0}\n}}\n`,
  ],
];

for (const [name, path, toContent] of AT_START)
  test(`the daemon starts within its unit's memory limit: ${name}`, async (t) => {
    const processes = createProcesses(toEnding(t));
    const root = join(processes.folder('hostile-start'), 'boat');
    prepareBoat({ root, rows: 5 });
    writeInPlace(join(root, path), toContent());
    const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: NO_SERVER });
    const peak = readPeak(daemon);
    t.diagnostic(`${Math.round(peak)} MiB`);
    assert.ok(peak < readUnitLimit(), `${Math.round(peak)} MiB`);
    assert.equal(await daemon.stop(), 0);
  });
