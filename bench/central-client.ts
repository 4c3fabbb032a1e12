import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { borrowEmbeddedPostgres, SILENT_LOG } from '@d3kos/central';
import type { Central } from './daemon.ts';

/** An enrolled boat. */
export interface Boat {
  readonly id: string;
  readonly token: string;
}

/** One part as it is sent. */
export interface SentPart {
  readonly boat: Boat;
  readonly key: string;
  readonly body: Buffer;
}

/** The answer to a request, and the time until its last byte arrived. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly durationMs: number;
}

/** This process's connections to the measured server. */
const agent = new Agent({ keepAlive: true, maxSockets: 400 });

/** The operator token of every measured central. */
export const OPERATOR_TOKEN = 'operator-token-of-the-benchmark';

/** Settings of every measured central. Quotas are disabled, because a few boats stand in for many. */
export const MEASURED_SETTINGS = {
  CENTRAL_OPERATOR_TOKEN: OPERATOR_TOKEN,
  CENTRAL_INSTALLATION_CPU_PERCENT: '100',
  CENTRAL_INSTALLATION_IMPORTS_MAX: '8',
  CENTRAL_QUOTA_STORED_MIB: '1000000',
  CENTRAL_QUOTA_RECORDS: '1000000000',
  CENTRAL_QUOTA_REQUESTS: '1000000000',
  CENTRAL_QUOTA_CPU_S: '86400',
} as const;

/** Connects to central's own database as the database owner. The caller closes the pool. */
export async function openDatabase(central: Central, connections: number): Promise<pg.Pool> {
  const { address } = await borrowEmbeddedPostgres({ dataDir: central.dataDir, log: SILENT_LOG });
  const pool = new pg.Pool({ ...address, max: connections });
  // The server may end before its idle connections are closed. Without a listener, this would end the benchmark.
  pool.on('error', () => undefined);
  return pool;
}

/** Enrols boats with SQL, because each run of the command takes a second. */
export async function enrollBoats(db: pg.Pool, count: number): Promise<readonly Boat[]> {
  const boats = Array.from({ length: count }, () => ({
    id: randomBytes(8).toString('hex'),
    token: randomBytes(32).toString('base64url'),
  }));
  await db.query(
    'insert into installations (installation_id, tier, enrolled_at) select unnest($1::text[]), 2, now()',
    [boats.map(({ id }) => id)],
  );
  await db.query(
    'insert into device_tokens (installation_id, token_sha256, issued_at) select unnest($1::text[]), unnest($2::text[]), now()',
    [boats.map(({ id }) => id), boats.map(({ token }) => createHash('sha256').update(token).digest('hex'))],
  );
  return boats;
}

/** Boatlog records as a boat writes them, about 250 bytes each. `name` makes their IDs unique. */
export function toRecords(name: string, count: number): readonly Readonly<Record<string, unknown>>[] {
  return Array.from({ length: count }, (_, index) => ({
    record_id: `${name}-${String(index).padStart(7, '0')}`,
    id: index,
    timestamp: new Date(Date.UTC(2026, 4, 1) + index * 1_000).toISOString(),
    entry_type: index % 10 === 0 ? 'manual' : 'auto',
    content: `entry ${index}: wind ${index % 40} kn from ${(index * 7) % 360}, sea state ${index % 6}, engine off`,
    latitude: 44 + (index % 1_000) / 1_000,
    longitude: -76 - (index % 1_000) / 1_000,
  }));
}

/** Returns a part with `rows` boatlog records, compressed as a boat sends it. */
export function toPart(boat: Boat, ledgerId: string, sequence: number, rows: number): SentPart {
  const exportId = `export_${ledgerId}_${sequence}`;
  const document = {
    installation_id: boat.id,
    export_timestamp: '2026-06-01T11:59:00Z',
    format_version: '1.0',
    export_id: exportId,
    export_type: 'incremental',
    tier: 2,
    trigger: 'scheduled',
    sequence,
    ledger_id: ledgerId,
    software_version: '0.1.0',
    clock: { synchronized: true, boot_id: 'boot' },
    data: {
      boatlog: {
        category: 'boatlog',
        entry_count: rows,
        entries: toRecords(`${ledgerId}-${sequence}`, rows),
      },
    },
  };
  return { boat, key: `${exportId}/1`, body: gzipSync(JSON.stringify(document), { level: 1 }) };
}

/** Returns a new ledger ID, as a boat would generate it. */
export function toLedgerId(number: number): string {
  return number.toString(16).padStart(16, '0');
}

/** Returns a function that returns a boat's next sequence, so that each export follows the previous one. */
export function createSequences(): (boat: Boat) => number {
  const sequences = new Map<string, number>();
  return ({ id }) => {
    const sequence = (sequences.get(id) ?? 0) + 1;
    sequences.set(id, sequence);
    return sequence;
  };
}

/** Sends one part. A failed connection is status 0. */
export function sendPart(central: Central, { boat, key, body }: SentPart): Promise<Answer> {
  return send(central, 'POST', '/api/v1/data/import', boat.token, body, {
    'Content-Type': 'application/json',
    'Content-Encoding': 'gzip',
    'Content-Length': String(body.length),
    'Idempotency-Key': key,
  });
}

/** Gets a path with a bearer token. */
export function get(central: Central, path: string, token: string): Promise<Answer> {
  return send(central, 'GET', path, token, undefined, {});
}

function send(
  { port }: Central,
  method: string,
  path: string,
  token: string,
  body: Buffer | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const end = (status: number, text: string) =>
      resolve({ status, text, durationMs: performance.now() - startedMs });
    const sent = request({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path,
      headers: { Authorization: `Bearer ${token}`, ...headers },
    });
    sent.on('error', () => end(0, ''));
    sent.on('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => end(0, ''));
      answer.on('end', () => end(answer.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
    });
    sent.end(body);
  });
}

/** Throws unless the answer is a success. */
export function requireSuccess(answer: Answer): Answer {
  if (answer.status === 200) return answer;
  throw new Error(`central answered ${answer.status}: ${answer.text.slice(0, 300)}`);
}

/** Runs `tasks` with `workers` at a time and returns how many finished per second. */
export async function countPerSecond(
  workers: number,
  tasks: readonly (() => Promise<unknown>)[],
): Promise<number> {
  const waiting = tasks.values();
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (const task of waiting) await task();
    }),
  );
  return tasks.length / ((performance.now() - startedMs) / 1_000);
}
