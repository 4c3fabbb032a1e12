import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { sqliteError } from './sqlite-error.ts';

/** SQLite's primary result code for a database that another program has locked. */
const SQLITE_BUSY = 5;

/** Another program's lock on a source database. The program takes the lock while the boat reads. */
export interface SourceLock {
  /** Path of the database on the boat. */
  readonly path: string;
  /** Number of statements that the boat can still execute. Afterwards they fail as on a locked database. */
  leftStatements: number;
}

/** Makes the statements of a source connection fail while the lock that `findLock` returns is held. Returns the connection. */
export function addLock(source: DatabaseSync, findLock: () => SourceLock | undefined): DatabaseSync {
  const execute = (): void => {
    const lock = findLock();
    if (lock === undefined) return;
    if (lock.leftStatements <= 0) throw sqliteError('database is locked', SQLITE_BUSY);
    lock.leftStatements -= 1;
  };
  const prepare = source.prepare.bind(source);
  source.prepare = (sql) => lockStatement(prepare(sql), execute);
  return source;
}

function lockStatement(statement: StatementSync, execute: () => void): StatementSync {
  for (const method of ['get', 'all', 'iterate'] as const) {
    const run: (...values: never[]) => unknown = statement[method];
    Object.defineProperty(statement, method, {
      value: (...values: readonly unknown[]) => {
        execute();
        return Reflect.apply(run, statement, values);
      },
    });
  }
  return statement;
}
