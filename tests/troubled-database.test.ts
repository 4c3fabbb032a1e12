import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { enroll, systemRandomHex, systemWall } from '@d3kos/central';
import { IMPORT_PATH } from '@d3kos/protocol';
import { mountSmallFileSystem } from '../packages/boat/src/platform/contract/small-file-system.ts';
import { findEmbeddedAccount, giveFolder } from '../packages/central/src/platform/embedded-account.ts';
import { findEmbeddedBinaries } from '../packages/central/src/platform/embedded-binaries.ts';
import { promote, startPair } from './support/postgres-pair.ts';
import { placePostgres, type PostgresServer } from './support/postgres-server.ts';
import { createProcesses, freePort, type Processes, startCentralOn, toEnding } from './support/processes.ts';
import { until } from './support/until.ts';

const MEGABYTE = 1_048_576;
const OPERATOR_TOKEN = 'operator-token-of-the-tests-1234';
/** A refusal within this time counts as early. A boat drops a connection after 30 s of silence. */
const EARLY_MS = 10_000;

/** A central node with one boat, as the operator and the boat see it. */
interface Node {
  /** Sends export `sequence`. */
  send(sequence: number, rows?: number): Promise<Response>;
  get(path: string): Promise<Response>;
  post(path: string): Promise<Response>;
  /** Sends export `sequence` until it is stored. */
  untilStored(sequence: number): Promise<void>;
}

/** Starts a node on a database, and enrols a boat on `server`. */
async function startNode(processes: Processes, server: PostgresServer, url = server.url): Promise<Node> {
  const port = await freePort();
  await startCentralOn(processes, url, port, { CENTRAL_OPERATOR_TOKEN: OPERATOR_TOKEN });
  const installationId = systemRandomHex(8);
  const { token } = await server.use((store) =>
    enroll({ store, wallMs: systemWall(), randomHex: systemRandomHex }, { installationId }),
  );
  const request = (path: string, method: string, bearer: string, body?: string) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { Authorization: `Bearer ${bearer}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  const send = (sequence: number, rows = 3) =>
    request(IMPORT_PATH, 'POST', token, toDocument(installationId, sequence, rows));
  return {
    send,
    get: (path) => request(path, 'GET', OPERATOR_TOKEN),
    post: (path) => request(path.replace('ID', installationId), 'POST', OPERATOR_TOKEN, '{}'),
    untilStored: (sequence) =>
      until(`export ${sequence} to be stored`, async () => (await send(sequence)).status === 200),
  };
}

function toDocument(installationId: string, sequence: number, rows: number): string {
  const entries = Array.from({ length: rows }, (_, no) => ({
    record_id: `${sequence}-${no}`,
    content: `entry ${no} `.repeat(20),
  }));
  return JSON.stringify({
    installation_id: installationId,
    export_timestamp: '2026-06-01T11:59:00Z',
    format_version: '1.0',
    export_id: `export_${sequence}`,
    export_type: 'incremental',
    tier: 2,
    trigger: 'manual',
    sequence,
    ledger_id: 'aaaaaaaaaaaaaaaa',
    data: { boatlog: { category: 'boatlog', entry_count: rows, entries } },
  });
}

/** Checks that a request is refused early, with `Retry-After` and the failure's code. */
async function expectRefused(sent: Promise<Response>, code: string): Promise<void> {
  const startedMs = performance.now();
  const answer = await sent;
  const text = await answer.text();
  assert.equal(answer.status, 503, text);
  assert.ok(text.includes(`[${code}]`), text);
  assert.match(answer.headers.get('Retry-After') ?? '', /^[1-9]\d*$/);
  assert.ok(performance.now() - startedMs < EARLY_MS);
}

const isReady = async (node: Node): Promise<boolean> => (await node.get('/api/v1/ready')).status === 200;

test("a node refuses imports early while the database's disk is full, serves the fleet, and stores again once space is free", async (t) => {
  const processes = createProcesses(toEnding(t));
  const disk = mountSmallFileSystem(8 * MEGABYTE);
  if (disk.kind === 'unavailable') return t.skip(disk.reason);
  const server = await placePostgres(processes);
  processes.atEnd(() => disk.unmount());
  await server.start();
  const node = await startNode(processes, server);
  const space = join(disk.path, 'space');
  mkdirSync(space, { mode: 0o700 });
  await giveFolder(space, await findEmbeddedAccount((await findEmbeddedBinaries()).postgres));
  await server.run(`create tablespace small location '${space}'`);
  await server.run('alter table records_boatlog set tablespace small');
  assert.equal((await node.send(1)).status, 200);

  const ballast = join(disk.path, 'ballast');
  const { bavail, bsize } = statfsSync(disk.path);
  writeFileSync(ballast, Buffer.alloc(bavail * bsize));
  await expectRefused(node.send(2, 400), 'STORE_DISK_FULL');
  await expectRefused(node.send(2, 400), 'STORE_DISK_FULL');
  await expectRefused(node.get('/api/v1/ready'), 'STORE_DISK_FULL');
  await expectRefused(node.get('/api/v1/health'), 'STORE_DISK_FULL');
  assert.equal((await node.get('/api/v1/fleet/installations')).status, 200);
  rmSync(ballast);
  await until('the node to be ready', () => isReady(node));
  assert.equal((await node.send(2, 400)).status, 200);
  const [row] = await server.use((store) => store.query('select count(*)::int as rows from records_boatlog'));
  assert.equal(row?.['rows'], 403);
});

test('a node refuses imports and changes while the database is read-only, and still serves the fleet', async (t) => {
  const processes = createProcesses(toEnding(t));
  const server = await placePostgres(processes);
  await server.start();
  const node = await startNode(processes, server);
  await server.run('alter system set default_transaction_read_only = on');
  await server.run('select pg_reload_conf()');
  await until('the database to be read-only', async () => !(await isReady(node)));
  await expectRefused(node.send(1), 'STORE_READ_ONLY');
  await expectRefused(node.send(1), 'STORE_READ_ONLY');
  await expectRefused(node.get('/api/v1/ready'), 'STORE_READ_ONLY');
  await expectRefused(node.get('/api/v1/health'), 'STORE_READ_ONLY');
  await expectRefused(node.post('/api/v1/installations/ID/invitations'), 'STORE_READ_ONLY');
  assert.equal((await node.get('/api/v1/fleet/installations')).status, 200);
  await server.run('alter system reset default_transaction_read_only');
  await server.run('select pg_reload_conf()');
  await node.untilStored(1);
  assert.ok(await isReady(node));
});

test('a node whose imports wait for a lock too long refuses them and reports it to the boats, and meanwhile serves the fleet', async (t) => {
  const processes = createProcesses(toEnding(t));
  const server = await placePostgres(processes);
  // A lower limit than the node's own, so that the test does not take half a minute.
  await server.start({ lock_timeout: '2s' });
  const node = await startNode(processes, server);
  await server.use((store) =>
    store.transaction(async (tx) => {
      await tx.query('lock table records_boatlog in access exclusive mode');
      const slow = expectRefused(node.send(1), 'STORE_SLOW');
      assert.equal((await node.get('/api/v1/fleet/installations')).status, 200);
      await slow;
      // The node could not store anything, so the boat must not count an attempt.
      await expectRefused(node.get('/api/v1/health'), 'STORE_SLOW');
      await expectRefused(node.get('/api/v1/ready'), 'STORE_SLOW');
      assert.equal((await node.get('/api/v1/fleet/installations')).status, 200);
    }),
  );
  await node.untilStored(1);
});

test('a node refuses everything early while the database restarts, and stores again without being restarted', async (t) => {
  const processes = createProcesses(toEnding(t));
  const server = await placePostgres(processes);
  await server.start();
  const node = await startNode(processes, server);
  assert.equal((await node.send(1)).status, 200);
  await server.stop();
  for (let round = 0; round < 2; round += 1) {
    await expectRefused(node.send(2), 'STORE_UNAVAILABLE');
    await expectRefused(node.get('/api/v1/ready'), 'STORE_UNAVAILABLE');
    await expectRefused(node.get('/api/v1/fleet/installations'), 'STORE_UNAVAILABLE');
  }
  await expectRefused(node.get('/api/v1/health'), 'STORE_UNAVAILABLE');
  await server.start();
  await node.untilStored(2);
  assert.equal((await node.get('/api/v1/health')).status, 200);
  assert.equal((await node.get('/api/v1/fleet/installations')).status, 200);
});

test('a node refuses imports while its address points to a standby, and stores again once that standby is promoted', async (t) => {
  const processes = createProcesses(toEnding(t));
  const { primary, standby, address, databaseUrl } = await startPair(processes, {
    synchronous_standby_names: 'standby',
  });
  const node = await startNode(processes, primary, databaseUrl);
  assert.equal((await node.send(1)).status, 200);
  address.leadTo(standby.port);
  await primary.kill();
  // A standby may confirm changes that it has not yet replayed, so at first it may lack the tables.
  const toReason = async (): Promise<string> => (await node.get('/api/v1/ready')).text();
  await until('the standby to answer', async () => (await toReason()).includes('STORE_READ_ONLY'));
  await expectRefused(node.send(2), 'STORE_READ_ONLY');
  await expectRefused(node.get('/api/v1/health'), 'STORE_READ_ONLY');
  await promote(standby);
  await node.untilStored(2);
  const repeated: unknown = await (await node.send(1)).json();
  assert.ok(typeof repeated === 'object' && repeated !== null && 'duplicate' in repeated);
  assert.equal(repeated.duplicate, true);
});
