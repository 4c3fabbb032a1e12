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
import { dirname, join, relative } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Databases, LedgerDatabase } from '../../boat/src/platform/ports.ts';
import { createDatabases, type LedgerStep, openLedgerDatabase } from '../../boat/src/platform/sqlite.ts';
import type { DiskMedium, ForeignFiles } from './disk-medium.ts';
import { type Aftermath, changedPages, keepPages, type Pages, tear } from './disk-tear.ts';
import type { SimRandom } from './random.ts';
import type { Power } from './power.ts';
import { addLock, type SourceLock } from './source-lock.ts';
import { sqliteError } from './sqlite-error.ts';

/** A machine's databases: real SQLite on real files. A power cut loses data that SQLite has not synced. */
export interface SimDatabases {
  /** The real folder of all files. */
  readonly root: string;
  /**
   * Maps a path on the boat to its real path. The scenario writes other services' databases there, which power cuts do not
   * change.
   */
  realPath(path: string): string;
  /** Returns the boat's view for one boot. `aftermath` determines which unsynced data survives when power fails. */
  boot(power: Power, random: SimRandom, monotonicMs: () => number, aftermath?: Aftermath): Databases;
  /** If set, it is called after each writing step of the ledger with the number of pages that SQLite wrote in that step. */
  onPages: ((count: number) => void) | undefined;
  /** If true, commits fail as on a full disk. */
  isFull: boolean;
  /** If true, commits fail as on a file system that the kernel has made read-only. */
  isReadOnly: boolean;
  /** Another program's lock on a source, or undefined. */
  sourceLock: SourceLock | undefined;
  /**
   * Copies all files while the machine is off. The returned function writes them back, or to another machine, and removes every
   * other file there.
   */
  takeImage(): (target?: SimDatabases) => void;
  /** Removes the real files. */
  close(): void;
}

/** Values of `PRAGMA synchronous`. FULL and above sync at every commit, NORMAL at every checkpoint, and OFF never. */
const SYNCHRONOUS_NORMAL = 1;
const SYNCHRONOUS_FULL = 2;

/** SQLite's primary result codes for the two reasons why a card refuses a commit. */
const SQLITE_READONLY = 8;
const SQLITE_FULL = 13;

/** Virtual time after which the kernel has written unsynced data on its own. */
const WRITE_BACK_MS = 30_000;

/** Probability of a checkpoint after a commit. At this value, every seed has some checkpoints and some WALs with many commits. */
const CHECKPOINT_PROBABILITY = 0.05;

/** The WAL begins with a header. Each frame consists of a frame header and a page (SQLite file format §4.1). */
const DATABASE_PAGES: Pages = { startBytes: 0, pageBytes: 4_096 };
const WAL_PAGES: Pages = { startBytes: 32, pageBytes: 4_096 + 24 };

/** The ledger's two files. The third file, `-shm`, is an index and does not survive a power cut. */
interface Image {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
}

/** The ledger opened during one boot. */
interface OpenLedger {
  readonly path: string;
  readonly real: string;
  readonly random: SimRandom;
  db: DatabaseSync | undefined;
  /** The content certain to survive a power cut. Undefined if the files survive as they are. */
  durable: Image | undefined;
  /** The files before the current step, if `onPages` is set. */
  before: Image | undefined;
  /** True if power fails within the current step. */
  isTorn: boolean;
  savedMs: number;
}

/** Creates databases whose files appear on `medium`. They ignore syncs if `medium` does. */
export function createSimDatabases(medium: DiskMedium): SimDatabases {
  const root = mkdtempSync(join(fastFolder(), 'd3kos-sim-'));
  const realPath = (path: string) => join(root, path);
  medium.foreign = createForeignFiles(realPath);
  const databases: SimDatabases = {
    root,
    realPath: (path) => {
      medium.makeDirectory(dirname(path));
      mkdirSync(dirname(realPath(path)), { recursive: true });
      return realPath(path);
    },
    isFull: false,
    isReadOnly: false,
    sourceLock: undefined,
    onPages: undefined,
    boot: (power, random, monotonicMs, aftermath = 'torn') => {
      const handles: DatabaseSync[] = [];
      const real = createDatabases();
      power.onCut(() => {
        for (const handle of handles) if (handle.isOpen) handle.close();
      });
      return {
        openLedger: (path, ballast) => {
          power.step('ledger.open');
          const isThere = medium.isDirectory(dirname(path));
          if (isThere) mkdirSync(dirname(realPath(path)), { recursive: true });
          const ledger: OpenLedger = {
            path,
            // If a power cut has removed the simulated folder, the real folder must not be used.
            real: isThere ? realPath(path) : join(root, 'gone', 'exports.db'),
            random: random.fork('checkpoints'),
            db: undefined,
            durable: undefined,
            before: undefined,
            isTorn: false,
            savedMs: monotonicMs(),
          };
          const facts = { power, medium, monotonicMs, databases };
          power.onCut(() => {
            loseUnsynced(ledger, medium, random, aftermath);
          });
          // The real WAL is not on the simulated card, so it needs no space from the ballast file.
          const opened = openLedgerDatabase(
            ledger.real,
            (step, db) => observe(step, db, ledger, facts),
            ballast === undefined ? 'index in file' : 'index in memory',
          );
          return { ...opened, close: () => closeLedger(opened, ledger, facts) };
        },
        openSource: (path) => {
          power.step('source.open');
          if (!medium.isDirectory(dirname(path))) return undefined;
          const source = real.openSource(realPath(path));
          if (source === undefined) return undefined;
          handles.push(source);
          return addLock(source, () =>
            databases.sourceLock?.path === path ? databases.sourceLock : undefined,
          );
        },
      };
    },
    takeImage: () => takeImage(root, databases),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
  return databases;
}

function takeImage(root: string, own: SimDatabases): (target?: SimDatabases) => void {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
  const contents = files.map((file) => [file, readFileSync(join(root, file))] as const);
  return (target = own) => {
    rmSync(target.root, { recursive: true, force: true });
    for (const [file, bytes] of contents) {
      mkdirSync(dirname(join(target.root, file)), { recursive: true });
      writeFileSync(join(target.root, file), bytes);
    }
  };
}

interface LedgerFacts {
  readonly power: Power;
  readonly medium: DiskMedium;
  monotonicMs(): number;
  readonly databases: Pick<SimDatabases, 'isFull' | 'isReadOnly' | 'onPages'>;
}

function observe(step: LedgerStep, db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  switch (step) {
    case 'opened':
      // In the simulation, each checkpoint is a separate step. By itself, SQLite would run checkpoints within a commit.
      db.exec('PRAGMA wal_autocheckpoint = 0');
      ledger.db = db;
      observeCheckpoints(db, ledger, facts);
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
  if (facts.databases.isFull) throw sqliteError('database or disk is full', SQLITE_FULL);
  if (facts.databases.isReadOnly) throw sqliteError('attempt to write a readonly database', SQLITE_READONLY);
  const isSynced = facts.medium.fsync !== 'ignored' && synchronousOf(db) >= SYNCHRONOUS_FULL;
  if (!isSynced) {
    const nowMs = facts.monotonicMs();
    if (ledger.durable === undefined || nowMs - ledger.savedMs > WRITE_BACK_MS) {
      ledger.durable = readImage(ledger.real);
      ledger.savedMs = nowMs;
    }
  }
  if (facts.power.isCutWithin('ledger.committing')) tearFrom(ledger);
  ledger.before = toBefore(ledger, facts);
}

function afterCommit(db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  if (ledger.isTorn) throw facts.power.cut();
  reportPages(ledger, facts);
  const isHonest = facts.medium.fsync !== 'ignored';
  const synchronous = synchronousOf(db);
  if (isHonest && synchronous >= SYNCHRONOUS_FULL) ledger.durable = undefined;
  facts.power.step('ledger.committed');
  if (!ledger.random.bool(CHECKPOINT_PROBABILITY)) return;
  // A passive checkpoint, like the one that SQLite runs after a commit: the WAL stays, and the next commit restarts it.
  db.exec('PRAGMA wal_checkpoint(PASSIVE)');
}

/** Makes every checkpoint, including those that the boat requests, a step within which power can fail. */
function observeCheckpoints(db: DatabaseSync, ledger: OpenLedger, facts: LedgerFacts): void {
  const { medium, power } = facts;
  const exec = db.exec.bind(db);
  db.exec = (sql) => {
    if (!sql.includes('wal_checkpoint')) return exec(sql);
    // SQLite syncs the WAL before copying pages from it, and the database afterwards.
    if (medium.fsync !== 'ignored' && synchronousOf(db) >= SYNCHRONOUS_NORMAL) ledger.durable = undefined;
    if (power.isCutWithin('ledger.checkpoint')) tearFrom(ledger);
    ledger.before = toBefore(ledger, facts);
    exec(sql);
    if (ledger.isTorn) throw power.cut();
    reportPages(ledger, facts);
  };
}

/** When the last connection closes, SQLite copies the WAL into the database, syncs the database, and then removes the WAL. */
function closeLedger(opened: LedgerDatabase, ledger: OpenLedger, facts: LedgerFacts): void {
  if (!opened.db.isOpen) return;
  const isCut = facts.power.isCutWithin('ledger.close');
  if (isCut) tearFrom(ledger);
  ledger.before = toBefore(ledger, facts);
  opened.close();
  detach(ledger);
  if (isCut) throw facts.power.cut();
  reportPages(ledger, facts);
}

/**
 * Removes the observer from a closed connection. Node keeps a connection in memory while any of its statements is reachable, and
 * the observer refers to the boat, which holds the statements. Unless the observer is removed, every boot stays in memory.
 */
function detach(ledger: OpenLedger): void {
  if (ledger.db !== undefined) Reflect.deleteProperty(ledger.db, 'exec');
  ledger.db = undefined;
}

/** Returns the files before a writing step, if `onPages` is set. */
function toBefore({ real }: OpenLedger, { databases }: LedgerFacts): Image | undefined {
  return databases.onPages === undefined ? undefined : readImage(real);
}

function reportPages({ real, before }: OpenLedger, { databases }: LedgerFacts): void {
  if (before === undefined) return;
  const { database, wal } = readImage(real);
  databases.onPages?.(
    changedPages(before.database, database, DATABASE_PAGES).length +
      changedPages(before.wal, wal, WAL_PAGES).length,
  );
}

/** Marks the current step as torn: only some of its changes from here on survive. */
function tearFrom(ledger: OpenLedger): void {
  ledger.durable ??= readImage(ledger.real);
  ledger.isTorn = true;
}

/** Handles a power failure: the files become a mix of the durable content and the data written since. */
function loseUnsynced(ledger: OpenLedger, medium: DiskMedium, random: SimRandom, aftermath: Aftermath): void {
  const wasOpen = ledger.db?.isOpen === true;
  const current = readImage(ledger.real);
  const durable = ledger.durable ?? current;
  if (wasOpen) ledger.db?.close();
  detach(ledger);
  const isFolderThere = medium.isDirectory(dirname(ledger.path));
  if (isFolderThere && !wasOpen && !ledger.isTorn) return;
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${ledger.real}${suffix}`, { force: true });
  if (!isFolderThere) return;
  // Closing a ledger removes its WAL only after the database has been synced.
  const written = wasOpen ? current.wal : durable.wal;
  const mix = (from: Uint8Array, to: Uint8Array, pages: Pages): Uint8Array =>
    typeof aftermath === 'number' ? keepPages(from, to, pages, aftermath) : tear(from, to, random, aftermath);
  writeFileSync(ledger.real, mix(durable.database, current.database, DATABASE_PAGES));
  const wal = mix(durable.wal, written, WAL_PAGES);
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
      // The file's real modification time would differ between runs.
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

/**
 * Returns a folder in memory if one exists. On a real disk, a simulation would spend most of its time waiting for SQLite's
 * syncs.
 */
function fastFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    // Some systems lack this folder. Any folder works.
    return tmpdir();
  }
}
