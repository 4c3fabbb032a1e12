import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Databases } from '../../boat/src/platform/ports.ts';
import { createDatabases, type LedgerStep, openLedgerDatabase } from '../../boat/src/platform/sqlite.ts';
import type { DiskMedium, ForeignFiles } from './disk-medium.ts';
import { tear } from './disk-tear.ts';
import type { SimRandom } from './random.ts';
import type { Power } from './world-power.ts';

/** The databases of one machine: real SQLite on real files, of which a power cut takes what SQLite had not synced. */
export interface SimDatabases {
  /** Where a path of the boat really is. Other services' databases are written there by the scenario; they survive as they are. */
  realPath(path: string): string;
  /** The boat's view, for one boot. */
  boot(power: Power, random: SimRandom, monotonicMs: () => number): Databases;
  /** When true, commits fail as on a full disk. */
  isFull: boolean;
  /** Removes the real files. */
  close(): void;
}

/** `PRAGMA synchronous` values: from FULL up every commit is synced, at NORMAL every checkpoint, at OFF nothing. */
const SYNCHRONOUS_NORMAL = 1;
const SYNCHRONOUS_FULL = 2;

/** Virtual time after which the kernel has written unsynced data by itself. */
const WRITE_BACK_MS = 30_000;

/** How likely a commit is followed by a checkpoint: often enough that every seed has some, and WALs of many commits too. */
const CHECKPOINT_CHANCE = 0.05;

/** The two files that are the ledger. The third, `-shm`, is an index and does not survive. */
interface Image {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
}

/** A ledger that is open in this boot. */
interface OpenLedger {
  readonly path: string;
  readonly real: string;
  readonly random: SimRandom;
  db: DatabaseSync | undefined;
  /** What a power cut leaves for certain; undefined: everything that is in the files. */
  durable: Image | undefined;
  /** True while power fails within the present step. */
  isTorn: boolean;
  savedMs: number;
}

/** Databases whose files show on `medium`, and whose syncs are as honest as those of `medium`. */
export function createSimDatabases(medium: DiskMedium): SimDatabases {
  const root = mkdtempSync(join(fastFolder(), 'd3kos-sim-'));
  const realPath = (path: string) => join(root, path);
  medium.foreign = createForeignFiles(realPath);
  const databases: SimDatabases = {
    realPath: (path) => {
      medium.makeDirectory(dirname(path));
      mkdirSync(dirname(realPath(path)), { recursive: true });
      return realPath(path);
    },
    isFull: false,
    boot: (power, random, monotonicMs) => {
      const handles: DatabaseSync[] = [];
      const real = createDatabases();
      power.onCut(() => {
        for (const handle of handles) if (handle.isOpen) handle.close();
      });
      return {
        openLedger: (path) => {
          power.step('ledger.open');
          const isThere = medium.isDirectory(dirname(path));
          if (isThere) mkdirSync(dirname(realPath(path)), { recursive: true });
          const ledger: OpenLedger = {
            path,
            // A folder the power cut took is there no more, whatever the real one holds.
            real: isThere ? realPath(path) : join(root, 'gone', 'exports.db'),
            random: random.fork('checkpoints'),
            db: undefined,
            durable: undefined,
            isTorn: false,
            savedMs: monotonicMs(),
          };
          const facts = { power, medium, monotonicMs, isFull: () => databases.isFull };
          power.onCut(() => loseUnsynced(ledger, medium, random));
          return openLedgerDatabase(ledger.real, (step, db) => observe(step, db, ledger, facts));
        },
        openSource: (path) => {
          power.step('source.open');
          if (!medium.isDirectory(dirname(path))) return undefined;
          const source = real.openSource(realPath(path));
          if (source !== undefined) handles.push(source);
          return source;
        },
      };
    },
    close: () => rmSync(root, { recursive: true, force: true }),
  };
  return databases;
}

interface LedgerFacts {
  readonly power: Power;
  readonly medium: DiskMedium;
  monotonicMs(): number;
  isFull(): boolean;
}

function observe(step: LedgerStep, db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  switch (step) {
    case 'opened':
      // A checkpoint is a step of its own here; SQLite would run it unseen within a commit.
      db.exec('PRAGMA wal_autocheckpoint = 0');
      ledger.db = db;
      if (facts.medium.fsync === 'ignored') ledger.durable = readImage(ledger.real);
      return;
    case 'begin':
      facts.power.step('ledger.begin');
      return;
    case 'commit':
      beforeCommit(db, ledger, facts);
      return;
    case 'committed':
      afterCommit(db, ledger, facts);
      return;
  }
}

function beforeCommit(db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  facts.power.step('ledger.commit');
  if (facts.isFull())
    throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 });
  const isSynced = facts.medium.fsync === 'honest' && synchronousOf(db) >= SYNCHRONOUS_FULL;
  if (!isSynced) {
    const nowMs = facts.monotonicMs();
    if (ledger.durable === undefined || nowMs - ledger.savedMs > WRITE_BACK_MS) {
      ledger.durable = readImage(ledger.real);
      ledger.savedMs = nowMs;
    }
  }
  if (facts.power.isCutWithin('ledger.committing')) tearFrom(ledger);
}

function afterCommit(db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  if (ledger.isTorn) throw facts.power.cut();
  const isHonest = facts.medium.fsync === 'honest';
  const synchronous = synchronousOf(db);
  if (isHonest && synchronous >= SYNCHRONOUS_FULL) ledger.durable = undefined;
  facts.power.step('ledger.committed');
  if (!ledger.random.chance(CHECKPOINT_CHANCE)) return;
  // SQLite syncs the WAL before it copies from it, and the database after.
  if (isHonest && synchronous >= SYNCHRONOUS_NORMAL) ledger.durable = undefined;
  if (facts.power.isCutWithin('ledger.checkpoint')) tearFrom(ledger);
  // Passive, as after a commit: it leaves the WAL as it is, and the next commit starts over in it.
  db.exec('PRAGMA wal_checkpoint(PASSIVE)');
  if (ledger.isTorn) throw facts.power.cut();
}

/** The present step is torn: what it changes from here on is what chance mixes. */
function tearFrom(ledger: OpenLedger): void {
  ledger.durable ??= readImage(ledger.real);
  ledger.isTorn = true;
}

/** The power went: the files become a mix of what was certain and what was written since. */
function loseUnsynced(ledger: OpenLedger, medium: DiskMedium, random: SimRandom): void {
  const wasOpen = ledger.db?.isOpen === true;
  const current = readImage(ledger.real);
  const durable = ledger.durable ?? current;
  if (wasOpen) ledger.db?.close();
  const isFolderThere = medium.isDirectory(dirname(ledger.path));
  if (isFolderThere && !wasOpen) return;
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${ledger.real}${suffix}`, { force: true });
  if (!isFolderThere) return;
  writeFileSync(ledger.real, tear(durable.database, current.database, random));
  const wal = tear(durable.wal, current.wal, random);
  if (wal.length > 0) writeFileSync(`${ledger.real}-wal`, wal);
}

function synchronousOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA synchronous').get()?.['synchronous']);
}

function readImage(real: string): Image {
  return { database: readOrEmpty(real), wal: readOrEmpty(`${real}-wal`) };
}

function readOrEmpty(path: string): Uint8Array {
  return existsSync(path) ? readFileSync(path) : new Uint8Array();
}

function createForeignFiles(realPath: (path: string) => string): ForeignFiles {
  return {
    names: (directory) => {
      const real = realPath(directory);
      if (!existsSync(real)) return [];
      return readdirSync(real, { withFileTypes: true }).flatMap((entry) =>
        entry.isFile() ? [entry.name] : [],
      );
    },
    stat: (path) => {
      const facts = statSync(realPath(path), { throwIfNoEntry: false });
      // The real time of a file would differ from run to run.
      return facts?.isFile() ? { sizeBytes: facts.size, modifiedMs: 0 } : undefined;
    },
    read: (path) => readFileSync(realPath(path)),
    rename: (from, to) => {
      mkdirSync(dirname(realPath(to)), { recursive: true });
      renameSync(realPath(from), realPath(to));
    },
    unlink: (path) => unlinkSync(realPath(path)),
  };
}

/** A folder in memory where there is one: SQLite's syncs are what a simulation would otherwise wait for. */
function fastFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    // Not every system has it; any folder will do.
    return tmpdir();
  }
}
