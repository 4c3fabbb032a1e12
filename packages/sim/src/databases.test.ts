import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { databasesContract } from '../../boat/src/platform/contract/databases-contract.ts';
import { isExportError } from '../../boat/src/platform/errors.ts';
import type { LedgerDatabase } from '../../boat/src/platform/ports.ts';
import { createSimDatabases, type SimDatabases } from './databases.ts';
import { DiskMedium } from './disk-medium.ts';
import { createSimRandom, type SimRandom } from './random.ts';
import { createPower, PowerLost } from './power.ts';

const FOLDER = '/opt/d3kos/data/exports';
const LEDGER = `${FOLDER}/exports.db`;

function makeDatabases(): { readonly medium: DiskMedium; readonly databases: SimDatabases } {
  const medium = new DiskMedium();
  medium.makeDirectory(FOLDER);
  const databases = createSimDatabases(medium);
  databases.realPath(LEDGER);
  return { medium, databases };
}

databasesContract('simulated', async () => {
  const { databases } = makeDatabases();
  const power = createPower(() => false);
  return {
    databases: databases.boot(power, createSimRandom('contract'), () => 0),
    folder: FOLDER,
    realPath: databases.realPath,
    close: async () => {
      power.cut();
      databases.close();
    },
  };
});

/** Each row names its transaction, so that a check can verify that either all rows of a transaction survived or none did. */
const SCHEMA = 'CREATE TABLE IF NOT EXISTS t (transaction_number INTEGER, filler BLOB)';

/** Runs transactions with power cuts at random steps. Returns the errors found after each restart. */
function runTransactions(
  seed: string,
  transactions: number,
  onOpened: (ledger: LedgerDatabase, medium: DiskMedium) => void,
): Found {
  const random = createSimRandom(seed);
  const { medium, databases } = makeDatabases();
  const found: Found = { cuts: 0, kept: 0, lost: [], torn: [], damaged: [], undone: [] };
  // A transaction interrupted by a power failure may or may not survive. The outcome of every other transaction is certain.
  const returned = new Map<number, number>();
  const thrown = new Set<number>();
  let number = 0;
  try {
    for (let boot = 1; number < transactions; boot += 1) {
      const bootRandom = random.fork(`boot ${boot}`);
      const cutAt = bootRandom.between(1, 60);
      const power = createPower((step) => step.number === cutAt);
      const world = databases.boot(power, bootRandom, () => 0);
      try {
        const ledger = world.openLedger(LEDGER);
        onOpened(ledger, medium);
        check(ledger.db, returned, thrown, found);
        ledger.transaction(() => ledger.db.exec(SCHEMA));
        while (number < transactions) {
          number += 1;
          transact(ledger, number, bootRandom, returned, thrown);
        }
        power.cut();
      } catch (error) {
        if (isDamage(error)) {
          found.damaged.push(`boot ${boot}: ${String(error)}`);
          return found;
        }
        if (!(error instanceof PowerLost)) throw error;
      }
      found.cuts += 1;
    }
    const last = databases
      .boot(
        createPower(() => false),
        random.fork('last'),
        () => 0,
      )
      .openLedger(LEDGER);
    check(last.db, returned, thrown, found);
    last.close();
    return found;
  } catch (error) {
    if (!isDamage(error)) throw error;
    found.damaged.push(String(error));
    return found;
  } finally {
    databases.close();
  }
}

interface Found {
  cuts: number;
  kept: number;
  readonly lost: number[];
  readonly torn: number[];
  readonly damaged: string[];
  readonly undone: number[];
}

class Changed extends Error {}

function isDamage(error: unknown): boolean {
  return isExportError(error) || (error instanceof Error && 'errcode' in error);
}

function transact(
  ledger: LedgerDatabase,
  number: number,
  random: SimRandom,
  returned: Map<number, number>,
  thrown: Set<number>,
): void {
  const rows = random.between(1, 5);
  const isUndone = random.bool(0.2);
  try {
    ledger.transaction(() => {
      const insert = ledger.db.prepare('INSERT INTO t VALUES (?, zeroblob(?))');
      for (let row = 0; row < rows; row += 1) insert.run(number, random.integer(9_000));
      if (isUndone) throw new Changed();
    });
    returned.set(number, rows);
  } catch (error) {
    if (!(error instanceof Changed)) throw error;
    thrown.add(number);
  }
}

function check(db: DatabaseSync, returned: Map<number, number>, thrown: Set<number>, found: Found): void {
  const integrity = db.prepare('PRAGMA integrity_check').all();
  if (integrity[0]?.['integrity_check'] !== 'ok') found.damaged.push(JSON.stringify(integrity[0]));
  const isThere = db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 't'").get()?.['n'] === 1;
  const rows = isThere
    ? db.prepare('SELECT transaction_number AS number, count(*) AS n FROM t GROUP BY 1').all()
    : [];
  const counts = new Map(rows.map((row) => [Number(row['number']), Number(row['n'])]));
  for (const [number, count] of returned) {
    if (!counts.has(number)) found.lost.push(number);
    else if (counts.get(number) !== count) found.torn.push(number);
  }
  for (const number of thrown) if (counts.has(number)) found.undone.push(number);
  found.kept = returned.size;
}

test('committed transactions survive power cuts at any step, failed ones leave nothing behind, and the file stays intact', () => {
  let cuts = 0;
  let kept = 0;
  for (let seed = 1; seed <= 25; seed += 1) {
    const found = runTransactions(`ledger ${seed}`, 200, () => undefined);
    const { lost, torn, damaged, undone } = found;
    assert.deepEqual(
      { seed, lost, torn, damaged, undone },
      { seed, lost: [], torn: [], damaged: [], undone: [] },
    );
    cuts += found.cuts;
    kept += found.kept;
  }
  assert(cuts > 200, `${cuts} cuts`);
  assert(kept > 3_000, `${kept} transactions kept`);
});

for (const [title, defect] of [
  ['synchronous=OFF', (ledger: LedgerDatabase) => ledger.db.exec('PRAGMA synchronous = OFF')],
  ['synchronous=NORMAL', (ledger: LedgerDatabase) => ledger.db.exec('PRAGMA synchronous = NORMAL')],
  [
    'a disk that ignores fsync',
    (_ledger: LedgerDatabase, medium: DiskMedium) => {
      medium.fsync = 'ignored';
    },
  ],
] as const)
  test(`with ${title} transactions are lost, so the simulation can fail`, () => {
    let losses = 0;
    for (let seed = 1; seed <= 10; seed += 1) {
      const found = runTransactions(`ledger ${seed}`, 60, defect);
      losses += found.lost.length + found.damaged.length;
    }
    assert(losses > 0);
  });

test('on a full disk a commit throws DISK_FULL and changes nothing', () => {
  const { databases } = makeDatabases();
  try {
    const ledger = databases
      .boot(
        createPower(() => false),
        createSimRandom(1),
        () => 0,
      )
      .openLedger(LEDGER);
    ledger.transaction(() => ledger.db.exec(SCHEMA));
    databases.isFull = true;
    const insert = () => ledger.transaction(() => ledger.db.exec('INSERT INTO t VALUES (1, NULL)'));
    assert.throws(insert, (error) => isExportError(error, 'DISK_FULL'));
    databases.isFull = false;
    insert();
    assert.equal(ledger.db.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 1);
    ledger.close();
  } finally {
    databases.close();
  }
});

test("other services' databases survive a power cut unchanged", () => {
  const { databases } = makeDatabases();
  try {
    const path = '/opt/d3kos/data/boatlog/boatlog.db';
    const writer = new DatabaseSync(databases.realPath(path));
    writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    const power = createPower(() => false);
    const source = databases.boot(power, createSimRandom(1), () => 0).openSource(path);
    assert.equal(source?.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 1);
    power.cut();
    assert.equal(source?.isOpen, false);
    writer.exec('INSERT INTO t VALUES (2)');
    const next = databases.boot(
      createPower(() => false),
      createSimRandom(2),
      () => 0,
    );
    const again = next.openSource(path);
    assert.equal(again?.prepare('SELECT count(*) AS n FROM t').get()?.['n'], 2);
    again?.close();
    writer.close();
  } finally {
    databases.close();
  }
});
