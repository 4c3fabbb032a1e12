import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { isExportError } from '../errors.ts';
import type { Databases, LedgerDatabase } from '../ports.ts';
import { isDamagedDatabase, sqliteCode } from '../sqlite-code.ts';

/** Databases under test, their folder, and a function that maps their paths to paths on this machine. */
export interface DatabasesUnderTest {
  readonly databases: Databases;
  readonly folder: string;
  realPath(path: string): string;
  close(): Promise<void>;
}

const countIn = (db: DatabaseSync) => db.prepare('SELECT count(*) AS n FROM t').get()?.['n'];

function withTable(databases: Databases, path: string): LedgerDatabase {
  const ledger = databases.openLedger(path);
  ledger.transaction(() => ledger.db.exec('CREATE TABLE IF NOT EXISTS t (x)'));
  return ledger;
}

/** Declares the tests that every Databases must pass. */
export function databasesContract(name: string, makeDatabases: () => Promise<DatabasesUnderTest>): void {
  const promise = (title: string, body: (subject: DatabasesUnderTest) => void) =>
    void test(title, async () => {
      const subject = await makeDatabases();
      try {
        body(subject);
      } finally {
        await subject.close();
      }
    });
  describe(`databases contract: ${name}`, () => {
    ledgerContract(promise);
    sourceContract(promise);
  });
}

type Declare = (title: string, body: (subject: DatabasesUnderTest) => void) => void;

function ledgerContract(promise: Declare): void {
  promise('a missing ledger is created, in WAL mode with full synchronisation', ({ databases, folder }) => {
    const { db, close } = databases.openLedger(join(folder, 'exports.db'));
    assert.equal(db.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal');
    assert.equal(db.prepare('PRAGMA synchronous').get()?.['synchronous'], 2);
    assert.equal(db.prepare('PRAGMA foreign_keys').get()?.['foreign_keys'], 1);
    close();
    close();
  });

  promise(
    'a transaction returns the result of its work, and its changes survive reopening',
    ({ databases, folder }) => {
      const path = join(folder, 'exports.db');
      const first = withTable(databases, path);
      assert.equal(
        first.transaction(() => {
          first.db.exec('INSERT INTO t VALUES (1), (2)');
          return 'done';
        }),
        'done',
      );
      first.close();
      const second = databases.openLedger(path);
      assert.equal(countIn(second.db), 2);
      second.close();
    },
  );

  promise('a transaction that throws changes nothing and rethrows the error', ({ databases, folder }) => {
    const ledger = withTable(databases, join(folder, 'exports.db'));
    const reason = new Error('changed my mind');
    const failing = () =>
      ledger.transaction(() => {
        ledger.db.exec('INSERT INTO t VALUES (1)');
        throw reason;
      });
    assert.throws(failing, reason);
    assert.equal(countIn(ledger.db), 0);
    assert.equal(ledger.db.isTransaction, false);
    ledger.transaction(() => ledger.db.exec('INSERT INTO t VALUES (2)'));
    assert.equal(countIn(ledger.db), 1);
    ledger.close();
  });

  promise(
    'a SQLite error becomes LEDGER_FAILED, with the original error as its cause',
    ({ databases, folder }) => {
      const ledger = withTable(databases, join(folder, 'exports.db'));
      assert.throws(
        () => ledger.transaction(() => ledger.db.exec('INSERT INTO nowhere VALUES (1)')),
        (error) => isExportError(error, 'LEDGER_FAILED') && sqliteCode(error) === 1,
      );
      ledger.close();
    },
  );

  promise(
    'a transaction inside another is refused, and neither changes anything',
    ({ databases, folder }) => {
      const ledger = withTable(databases, join(folder, 'exports.db'));
      const insert = () => ledger.db.exec('INSERT INTO t VALUES (1)');
      const nested = () =>
        ledger.transaction(() => {
          insert();
          ledger.transaction(insert);
        });
      assert.throws(nested, { name: 'AssertionError' });
      assert.equal(countIn(ledger.db), 0);
      ledger.close();
    },
  );

  promise('asynchronous work is refused and changes nothing', ({ databases, folder }) => {
    const ledger = withTable(databases, join(folder, 'exports.db'));
    const work = () => {
      ledger.db.exec('INSERT INTO t VALUES (1)');
      return Promise.resolve();
    };
    assert.throws(() => void ledger.transaction(work), { name: 'AssertionError' });
    assert.equal(countIn(ledger.db), 0);
    ledger.close();
  });

  promise(
    'a ledger file that is not a database is reported as damaged',
    ({ databases, folder, realPath }) => {
      const path = join(folder, 'exports.db');
      writeFileSync(realPath(path), 'not a database at all, but long enough to be read. '.repeat(100));
      assert.throws(
        () => databases.openLedger(path),
        (error) => isExportError(error, 'LEDGER_FAILED') && isDamagedDatabase(error),
      );
    },
  );

  promise('opening a ledger in a missing folder fails', ({ databases, folder }) => {
    assert.throws(
      () => databases.openLedger(join(folder, 'nowhere', 'exports.db')),
      (error) => isExportError(error, 'LEDGER_FAILED') && !isDamagedDatabase(error),
    );
  });
}

function sourceContract(promise: Declare): void {
  promise('a missing source is returned as undefined', ({ databases, folder }) => {
    assert.equal(databases.openSource(join(folder, 'boatlog.db')), undefined);
  });

  promise(
    'reads a source in WAL mode while another program writes to it, without changing it',
    ({ databases, folder, realPath }) => {
      const path = join(folder, 'boatlog.db');
      const writer = new DatabaseSync(realPath(path));
      writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)');
      writer.exec('BEGIN IMMEDIATE; INSERT INTO t VALUES (2)');
      const source = databases.openSource(path);
      assert(source !== undefined);
      assert.equal(countIn(source), 1);
      assert.throws(
        () => source.exec('INSERT INTO t VALUES (3)'),
        (error) => sqliteCode(error) === 8,
      );
      writer.exec('COMMIT');
      assert.equal(countIn(source), 2);
      source.close();
      writer.exec('INSERT INTO t VALUES (4)');
      writer.close();
    },
  );

  promise('opens a source of 0 bytes as a database without tables', ({ databases, folder, realPath }) => {
    const path = join(folder, 'empty.db');
    writeFileSync(realPath(path), '');
    const source = databases.openSource(path);
    assert(source !== undefined);
    assert.deepEqual(source.prepare('SELECT * FROM sqlite_schema').all(), []);
    source.close();
  });

  promise('a source that is not a database throws the SQLite error', ({ databases, folder, realPath }) => {
    const path = join(folder, 'broken.db');
    writeFileSync(realPath(path), 'x'.repeat(5_000));
    assert.throws(() => databases.openSource(path), isDamagedDatabase);
  });

  promise(
    'a source locked by its writer throws a busy error after a short wait',
    ({ databases, folder, realPath }) => {
      const path = join(folder, 'locked.db');
      const writer = new DatabaseSync(realPath(path));
      writer.exec('CREATE TABLE t (x); BEGIN EXCLUSIVE');
      assert.throws(
        () => databases.openSource(path),
        (error) => sqliteCode(error) === 5,
      );
      writer.close();
    },
  );
}
