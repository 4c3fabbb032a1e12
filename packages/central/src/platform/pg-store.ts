import pg from 'pg';
import { isCentralFailure } from './errors.ts';
import type { Log, Queryable, Row, Store } from './ports.ts';
import { isServersAnswer, isStoreUnavailable, toStoreFailure } from './store-failure.ts';

/**
 * Maximum number of database connections per node. The server's disk is the bottleneck for imports, so additional connections
 * would only wait for it.
 */
const CONNECTIONS_MAX = 10;

/**
 * How long a request waits for a connection before the boat gets 503. A boat drops a connection after 30 s of silence.
 */
const CONNECT_MAX_MS = 5_000;

/** Limits on the duration of each statement, including waits for locks. 0 means no limit. */
interface StatementLimits {
  /** Time after which the server cancels the statement. */
  readonly statementMaxMs: number;
  /** How long to wait for an answer from the server, which detects connections that died silently. */
  readonly answerMaxMs: number;
}

/** The server's limit is less than the 30 s of silence that a boat tolerates; the wait for the answer is slightly longer. */
const REQUEST_LIMITS: StatementLimits = { statementMaxMs: 25_000, answerMaxMs: 28_000 };

/**
 * A step that rewrites a table or builds an index takes hours on a large database, and another node may have to wait just as
 * long. An operator can stop the step by ending the program; the server then rolls it back. The waits for locks are limited by
 * `migrate` (store/migrate.ts).
 */
const SCHEMA_CHANGE_LIMITS: StatementLimits = { statementMaxMs: 0, answerMaxMs: 0 };

/**
 * Longest idle time of a transaction. A node that freezes inside a transaction must not keep an installation locked for other
 * nodes.
 */
const IDLE_IN_TRANSACTION_MAX_MS = 60_000;

/**
 * Returns the settings for every statement, which override the defaults of the server, the database and the login.
 * `synchronous_commit` makes the server answer a commit only after its log is on disk, which every receipt relies on.
 */
function toSettings({
  statementMaxMs,
}: StatementLimits): readonly (readonly [name: string, value: string])[] {
  return [
    ['synchronous_commit', 'on'],
    ['statement_timeout', String(statementMaxMs)],
    ['idle_in_transaction_session_timeout', String(IDLE_IN_TRANSACTION_MAX_MS)],
  ];
}

/** Import locks need `read committed`; a stricter level would cause boats to be refused. */
const BEGIN = 'begin isolation level read committed';

/**
 * Returns the first statements of every transaction on a server given by URL. The settings are not made at connection start,
 * because a connection pooler such as PgBouncer refuses unknown startup parameters and, in transaction mode, shares session state
 * between clients.
 */
function toBeginWithSettings(limits: StatementLimits): string {
  const settings = toSettings(limits).map(([name, value]) => `set local ${name} = ${value}`);
  return [BEGIN, ...settings].join('; ');
}

/** Returns the settings as startup parameters, for an address that is certainly the server itself and not a pooler. */
function toStartupOptions(limits: StatementLimits): string {
  return toSettings(limits)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}

/** The address of a PostgreSQL server: a URL, or the socket folder of the embedded one. */
export type PgAddress =
  { readonly url: string } | { readonly host: string; readonly user: string; readonly database: string };

/** One node's connections to the database. */
export interface ConnectionUse {
  readonly busy: number;
  readonly idle: number;
  /** Number of requests that wait for a connection. */
  readonly waiting: number;
}

/** A store with a pool of connections. */
export interface PgStore extends Store {
  connections(): ConnectionUse;
}

/** How a store uses its connections. */
interface Session {
  /** The first statements of a transaction. */
  readonly begin: string;
  /** True if connections get their settings at startup, so that a single statement needs no transaction around it. */
  readonly hasSettings: boolean;
  readonly toName: StatementNames;
}

/**
 * Opens a store on a PostgreSQL server, reached directly or through a pooler in transaction mode. It connects on first use. Every
 * statement is limited to 25 s. A lost connection fails the running statement, not the store.
 */
export function openPgStore(address: PgAddress, log: Log): PgStore {
  return openStore(address, log, REQUEST_LIMITS);
}

/** Like `openPgStore`, but for schema changes: its statements have no time limit. */
export function openSchemaStore(address: PgAddress, log: Log): PgStore {
  return openStore(address, log, SCHEMA_CHANGE_LIMITS);
}

function openStore(address: PgAddress, log: Log, limits: StatementLimits): PgStore {
  const pool = new pg.Pool({
    ...('url' in address
      ? { connectionString: address.url }
      : { ...address, options: toStartupOptions(limits) }),
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MAX_MS,
    query_timeout: limits.answerMaxMs,
    keepAlive: true,
    application_name: 'd3kos-central',
  });
  let isClosing = false;
  pool.on('error', (error) => {
    if (!isClosing) log.write('warn', 'an idle database connection was lost', { error: error.message });
  });
  // Only an address without a URL is known to be the server itself and not a pooler (see `createStatementNames`).
  const session: Session =
    'url' in address
      ? { begin: toBeginWithSettings(limits), hasSettings: false, toName: () => undefined }
      : { begin: BEGIN, hasSettings: true, toName: createStatementNames() };
  const runAlone = session.hasSettings ? useConnection : runTransaction;
  return {
    query: (text, params) => runAlone(pool, session, (tx) => tx.query(text, params)),
    script: (text) => runTransaction(pool, session, (tx) => tx.script(text)),
    transaction: (work) => runTransaction(pool, session, work),
    connections: () => ({
      busy: pool.totalCount - pool.idleCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    close: () => {
      isClosing = true;
      return pool.end();
    },
  };
}

/** The driver sends a Buffer unchanged, but copies other bytes first. */
function toParameter(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}

/** Maximum number of named statements. Each one takes server memory on every connection. The program uses about a hundred. */
const NAMED_STATEMENTS_MAX = 300;

type StatementNames = (text: string) => string | undefined;

/**
 * Returns a name for a prepared statement, so that the server parses and plans it once per connection. Planning takes a third of
 * the database's CPU time for an ordinary import. A pooler in transaction mode may not support statement names from another
 * client's connection, so with a pooler, statements have no names.
 */
function createStatementNames(): StatementNames {
  const names = new Map<string, string>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= NAMED_STATEMENTS_MAX) return known;
    const name = `central_${names.size}`;
    names.set(text, name);
    return name;
  };
}

function toQueryable(runner: pg.PoolClient, toName: StatementNames): Queryable {
  return {
    async query(text, params = []) {
      try {
        const name = toName(text);
        const { rows } = await runner.query<Row>({
          text,
          values: params.map(toParameter),
          ...(name === undefined ? {} : { name }),
        });
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

/** Runs `work` on a connection. The connection is discarded if it did not answer, or if `work` requests it. */
async function useConnection<T>(
  pool: pg.Pool,
  { toName }: Session,
  work: (runner: Queryable, discard: (reason: unknown) => void) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toStoreFailure(error, 'connect');
  });
  // A connection that dies between two statements emits an event, which must be handled. The next statement then fails.
  const onError = () => undefined;
  client.on('error', onError);
  let broken: Error | undefined;
  const discard = (reason: unknown) => {
    broken = reason instanceof Error ? reason : new Error(String(reason));
  };
  try {
    return await work(toQueryable(client, toName), discard);
  } catch (error) {
    if (isUnanswered(error)) discard(error);
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

function isUnanswered(error: unknown): boolean {
  return isCentralFailure(error) && isStoreUnavailable(error) && !isServersAnswer(error.cause);
}

async function runTransaction<T>(
  pool: pg.Pool,
  session: Session,
  work: (tx: Queryable) => Promise<T>,
): Promise<T> {
  return useConnection(pool, session, async (tx, discard) => {
    try {
      await tx.script(session.begin);
      const result = await work(tx);
      await tx.script('commit');
      return result;
    } catch (error) {
      // A connection that cannot roll back is discarded, and the server then rolls back automatically. No rollback is sent on a
      // connection that did not answer, because the boat would have to wait for a second timeout.
      if (!isUnanswered(error)) await tx.script('rollback').catch(discard);
      throw error;
    }
  });
}
