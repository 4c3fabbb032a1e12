import pg from 'pg';
import { isCentralFailure } from './errors.ts';
import type { Log, Queryable, Row, Store } from './ports.ts';
import { isServersAnswer, toStoreFailure } from './store-failure.ts';

/** Connections one node holds. Imports are bound by the server's disk; more would only queue there instead of here. */
const CONNECTIONS_MAX = 10;

/**
 * Longest a request waits for a connection, free or new, before the boat is told to come back. A boat calls 30 s of silence a
 * stall.
 */
const CONNECT_MAX_MS = 5_000;

/** Longest one statement may run, waiting for locks included: below the 30 s of silence after which a boat gives up. */
const STATEMENT_MAX_MS = 25_000;

/**
 * Longest an answer of the server may stay away: a little above the statement's own limit, for connections that died without a
 * word.
 */
const ANSWER_MAX_MS = 28_000;

/**
 * How every transaction begins: read committed, which the locks of an import are made for, also where somebody made the
 * server's default stricter and boats would be refused for its sake. Its commit is answered once the server's log is on disk,
 * also where somebody set `synchronous_commit` to off for the server, the database or the login. A receipt rests on it.
 */
const BEGIN_DURABLY = 'begin isolation level read committed; set local synchronous_commit = on';

/** Longest a transaction may idle: a node that was frozen in the middle must not keep an installation locked for the others. */
const IDLE_IN_TRANSACTION_MAX_MS = 60_000;

/** Where a PostgreSQL answers: a URL, or the socket folder of the embedded one. */
export type PgAddress =
  { readonly url: string } | { readonly host: string; readonly user: string; readonly database: string };

/** A store on a PostgreSQL server. Connects when first used; a lost connection costs its statement, never the store. */
export function openPgStore(address: PgAddress, log: Log): Store {
  const pool = new pg.Pool({
    ...('url' in address ? { connectionString: address.url } : address),
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    statement_timeout: STATEMENT_MAX_MS,
    query_timeout: ANSWER_MAX_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MAX_MS,
    keepAlive: true,
    application_name: 'd3kos-central',
  });
  let isClosing = false;
  pool.on('error', (error) => {
    if (!isClosing) log.write('warn', 'an idle database connection was lost', { error: error.message });
  });
  return {
    ...toQueryable(pool),
    transaction: (work) => runTransaction(pool, work),
    close: () => {
      isClosing = true;
      return pool.end();
    },
  };
}

function toQueryable(runner: pg.Pool | pg.PoolClient): Queryable {
  return {
    async query(text, params = []) {
      try {
        const { rows } = await runner.query<Row>(text, [...params]);
        return rows;
      } catch (error) {
        throw toStoreFailure(error, text);
      }
    },
    async script(text) {
      try {
        await runner.query(text);
      } catch (error) {
        throw toStoreFailure(error, text);
      }
    },
  };
}

async function runTransaction<T>(pool: pg.Pool, work: (tx: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toStoreFailure(error, 'connect');
  });
  const tx = toQueryable(client);
  // A connection that dies between two statements says so by an event; the next statement fails with it.
  const onError = () => undefined;
  client.on('error', onError);
  let broken: Error | undefined;
  try {
    await tx.script(BEGIN_DURABLY);
    const result = await work(tx);
    await tx.script('commit');
    return result;
  } catch (error) {
    // A connection that cannot roll back is thrown away, and the server rolls back by itself. One that gave no answer is not
    // asked again: the boat would wait for that as well.
    if (isCentralFailure(error, 'STORE_UNAVAILABLE') && !isServersAnswer(error.cause)) broken = error;
    else
      await client.query('rollback').catch((failure: unknown) => {
        broken = failure instanceof Error ? failure : new Error(String(failure));
      });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}
