import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { toSpoolPaths } from '@d3kos/boat';
import { parseJsonBytes } from '../packages/boat/src/platform/transport-answer.ts';
import { addRecords } from '../packages/sim/src/fixture/index.ts';
import { createSeeded, type Seeded } from '../packages/sim/src/fixture/seeded.ts';
import { INSTALLATION, prepareBoat } from '../tests/support/boat-in-process.ts';
import {
  type BoatPlace,
  enrollAt,
  freePort,
  type Processes,
  placeCentral,
  type RunningDaemon,
  spawnDaemon,
  startCentral,
  startDaemon,
  toBoatEnvironment,
  untilDaemonAnswers,
} from '../tests/support/processes.ts';
import { assertAllArrived } from './all-arrived.ts';
import type { Card } from './card.ts';
import type { CrashCounts, CrashRun } from './run.ts';

/** Image size, many times the size of a boat and its exports in a crash test. The file is sparse. */
export const CARD_SIZE_BYTES = 512 * 1024 * 1024;
/**
 * Maximum number of log lines from the first export of a boot to the power cut. A few exports, receipts and views write this many
 * lines.
 */
const LIFE_LINES_MAX = 40;
/** One boot in EARLY_ONE_IN ends at a random moment during startup. */
const EARLY_ONE_IN = 8;
/**
 * Time that the daemon continues to run without its card. Exports that it acknowledges during this time must not be lost either.
 */
const AFTER_CUT_MAX_MS = 30;
/** One export in FULL_ONE_IN is a full export, which is delivered in several parts. */
const FULL_ONE_IN = 6;
/**
 * In one boot in QUIET_ONE_IN, only the daemon writes to the card. An fsync by another program would also make the daemon's
 * writes durable.
 */
const QUIET_ONE_IN = 2;

/** Durably adds a log entry and an alert, as the boat's services do. Does nothing if the card has lost power. */
function addDurably(root: string, moment: string): void {
  try {
    for (const [file, sql] of [
      [
        'data/boatlog/boatlog.db',
        "INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (?, 'manual', 'At sea')",
      ],
      [
        'data/self-healing/issues.db',
        "INSERT INTO issues (timestamp, category, severity, description) VALUES (?, 'cpu', 'info', 'Usage')",
      ],
    ] as const) {
      const db = new DatabaseSync(join(root, file), { timeout: 5_000 });
      try {
        // FULL does not sync the folder after removing a rollback journal, so the journal could reappear after a power cut. EXTRA
        // syncs the folder.
        db.exec('PRAGMA synchronous = EXTRA');
        db.prepare(sql).run(moment);
      } finally {
        db.close();
      }
    }
  } catch (error) {
    // After the cut, SQLite can no longer read, write, lock or open files.
    if (!(error instanceof Error && 'errcode' in error)) throw error;
  }
}

interface RunningBoot {
  readonly daemon: RunningDaemon;
  readonly root: string;
  readonly seeded: Seeded;
  /** Aborted just before the power cut. */
  readonly ending: AbortSignal;
}

interface Acknowledged {
  readonly queueId: string;
  readonly exportId: string;
}

/**
 * Requests exports until the daemon has ended. Returns the exports it acknowledged before the cut and those it acknowledged after
 * the cut.
 */
async function exportUntilGone({
  daemon,
  root,
  seeded,
  ending,
}: RunningBoot): Promise<readonly Acknowledged[]> {
  const acknowledged: Acknowledged[] = [];
  const isQuiet = seeded.below(QUIET_ONE_IN) === 0;
  for (;;) {
    if (!isQuiet && !ending.aborted) addDurably(root, new Date(seeded.below(2 ** 31) * 1_000).toISOString());
    const type = isQuiet || seeded.below(FULL_ONE_IN) === 0 ? 'full' : 'incremental';
    const answer = await daemon.request('POST', '/export/generate', { type }).catch((error: unknown) => {
      // `fetch` throws this error when the daemon has closed its port or the connection.
      if (error instanceof TypeError) return undefined;
      throw error;
    });
    if (answer === undefined) return acknowledged;
    if (answer.status !== 200) {
      assert.ok(ending.aborted, `${JSON.stringify(answer.json)}\n${daemon.output()}`);
      await sleep(1);
    } else if (answer.json['queued'] === true)
      acknowledged.push({
        queueId: String(answer.json['queue_id']),
        exportId: String(answer.json['export_id']),
      });
  }
}

/** Asserts that each view is complete after a cut. Returns the views that exist. */
function readViews(root: string): readonly string[] {
  const { queueFile, historyFile } = toSpoolPaths(root);
  return [
    [queueFile, 'pending'],
    [historyFile, 'exports'],
  ].flatMap(([path = '', key = '']) => {
    if (!existsSync(path)) return [];
    const view = parseJsonBytes(readFileSync(path))?.value;
    assert.ok(typeof view === 'object' && view !== null && key in view, `${path} is incomplete`);
    return [path];
  });
}

/** Returns the queue ids of all exports in the ledger, from the daemon's API. */
async function knownExports(daemon: RunningDaemon): Promise<ReadonlySet<string>> {
  const { json: queue } = await daemon.request('GET', '/export/queue');
  const { json: history } = await daemon.request('GET', '/export/history?limit=10000');
  // The API tests assert these shapes.
  const rows = [
    ...(['pending', 'uploading', 'completed', 'failed'] as const).flatMap(
      (status) => queue[status] as { queue_id: string }[],
    ),
    ...(history['exports'] as { queue_id: string }[]),
  ];
  return new Set(rows.map((row) => row.queue_id));
}

/** Starts a central and prepares a boat on the card that sends to this central. */
async function placePrograms(processes: Processes, card: Card) {
  const central = await placeCentral(processes);
  const token = await enrollAt(central, INSTALLATION);
  await startCentral(processes, central);
  const root = join(card.path, 'boat');
  prepareBoat({ root, rows: 400 }, token);
  const place: BoatPlace = {
    root,
    port: await freePort(),
    centralUrl: central.url,
    environment: { EXPORT_PART_SIZE_BYTES: '32768', NODE_COMPILE_CACHE: processes.folder('compile-cache') },
  };
  assert.equal((await processes.run('boat', ['--version'], toBoatEnvironment(place))).code, 0);
  return { central, place };
}

/**
 * Cuts power to a boat's card `run.times` times while a real daemon starts, exports, receives receipts from a real central and
 * writes its views. Boots the boat again after each cut. Throws an AssertionError if, after a cut, an acknowledged export is
 * missing from the ledger or a view is incomplete, or if anything is lost, stored twice or stuck at the end.
 */
export async function cutPower(processes: Processes, card: Card, run: CrashRun): Promise<CrashCounts> {
  const seeded = createSeeded(run.seed);
  const { central, place } = await placePrograms(processes, card);
  const { root } = place;
  const acknowledged: Acknowledged[] = [];
  let views: readonly string[] = [];
  let early = 0;
  /** Duration of the last complete start on this machine, in milliseconds. */
  let startMs = 0;
  for (let cut = 1; cut <= run.times; cut += 1) {
    addRecords(root, { rows: 1 + seeded.below(8), seed: seeded.below(1_000_000) });
    card.sync();
    const spawnedMs = performance.now();
    const daemon = spawnDaemon(processes, place);
    if (seeded.below(EARLY_ONE_IN) === 0 && startMs > 0) {
      early += 1;
      await sleep(seeded.below(startMs));
      await card.cut();
      await daemon.kill();
    } else {
      await untilDaemonAnswers(daemon);
      startMs = Math.ceil(performance.now() - spawnedMs);
      const known = await knownExports(daemon);
      assert.deepEqual(
        acknowledged.filter(({ queueId }) => !known.has(queueId)),
        [],
        `after cut ${cut - 1} the ledger has every acknowledged export\n${daemon.output()}`,
      );
      const cutAtLine = daemon.lines().length + 1 + seeded.below(LIFE_LINES_MAX);
      const ending = new AbortController();
      const exporting = exportUntilGone({ daemon, root, seeded, ending: ending.signal });
      // The `await` below throws this error.
      exporting.catch(() => undefined);
      await Promise.race([exporting, daemon.untilLines(cutAtLine)]);
      ending.abort();
      await card.cut();
      await sleep(seeded.below(AFTER_CUT_MAX_MS));
      await daemon.kill();
      acknowledged.push(...(await exporting));
    }
    card.restart();
    const seen = readViews(root);
    assert.deepEqual(
      views.filter((path) => !seen.includes(path)),
      [],
      'no view has disappeared',
    );
    views = seen;
  }
  const daemon = await startDaemon(processes, place);
  const delivered = await assertAllArrived(
    daemon,
    central,
    root,
    acknowledged.map(({ exportId }) => exportId),
  );
  run.report(
    `${run.times} power cuts, ${early} of them at start: ${acknowledged.length} acknowledged of ${delivered} delivered exports`,
  );
  assert.ok(acknowledged.length >= run.times / 5, 'the boat was working when power failed');
  return { acknowledged: acknowledged.length, delivered };
}
