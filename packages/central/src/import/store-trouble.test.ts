import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../platform/embedded-postgres.ts';
import { isCentralFailure } from '../platform/errors.ts';
import { SILENT_LOG } from '../platform/log.ts';
import { openPgStore } from '../platform/pg-store.ts';
import type { Store } from '../platform/ports.ts';
import { runStatement } from '../platform/testing/run-statement.ts';
import { migrate } from '../store/migrate.ts';
import {
  enrollBoat,
  expectRefusal,
  heldRecords,
  importDocument,
  NOON_MS,
  startNode,
  toDocument,
  toImportRequest,
} from '../testing/central-under-test.ts';

describe('importing into a PostgreSQL that fails or is misconfigured', () => {
  let dataDir = '';
  let embedded: EmbeddedPostgres | undefined;
  const open: Store[] = [];
  const openStore = (database = 'postgres'): Store => {
    assert.ok(embedded !== undefined);
    const store = openPgStore({ ...embedded.address, database }, SILENT_LOG);
    open.push(store);
    return store;
  };
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'central-trouble-'));
    embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
    await migrate(openStore(), NOON_MS);
  });
  after(async () => {
    await Promise.all(open.map((store) => store.close()));
    await embedded?.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('answers 503 if the server ends the connection during an import, stores nothing, and accepts the repeated import', async () => {
    const [store, other, operator] = [openStore(), openStore(), openStore()];
    const boat = await enrollBoat(store);
    const app = startNode(store);
    const answer = await other.transaction(async (tx) => {
      await tx.query('lock table records_boatlog in access exclusive mode');
      const refusal = expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
      // Sends 57P01 after the first statements of the import, as if an operator had shut the server down.
      for (let ended = 0; ended === 0;)
        ended = (
          await operator.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like '%records_boatlog%'",
          )
        ).length;
      return refusal;
    });
    assert.match(answer.headers.get('Retry-After') ?? '', /^[1-9]/);
    assert.deepEqual(await store.query('select 1 from imports where installation_id = $1', [boat.id]), []);
    assert.equal((await importDocument(app, boat, toDocument(boat))).duplicate, false);
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('stores a part once if a second node receives it while the first one stores it', async () => {
    const [store, second, other, operator] = [openStore(), openStore(), openStore(), openStore()];
    const boat = await enrollBoat(store);
    const document = toDocument(boat);
    const waitingMin = async (count: number): Promise<void> => {
      const sql = "select 1 from pg_stat_activity where wait_event_type = 'Lock'";
      while ((await operator.query(sql)).length < count);
    };
    const receipts = await other.transaction(async (tx) => {
      await tx.query('lock table records_boatlog in access exclusive mode');
      const first = importDocument(startNode(store), boat, document);
      await waitingMin(1);
      const again = importDocument(startNode(second), boat, document);
      await waitingMin(2);
      // Both answers arrive only after this transaction ends, so it must not wait for them.
      return [first, again];
    });
    const [one, two] = await Promise.all(receipts);
    assert.deepEqual([one?.duplicate, two?.duplicate], [false, true]);
    assert.equal(one?.import_id, two?.import_id);
    assert.equal((await heldRecords(store, boat)).length, 1);
  });

  test('answers a boat within its timeout if the server stops responding during the import', async (context) => {
    const [store, other, operator] = [openStore(), openStore(), openStore()];
    const boat = await enrollBoat(store);
    const app = startNode(store);
    await other.transaction(async (tx) => {
      await tx.query('lock table records_boatlog in access exclusive mode');
      context.mock.timers.enable({ apis: ['setTimeout'] });
      const refusal = expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
      let pid = 0;
      while (pid === 0) {
        const [row] = await operator.query(
          "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%records_boatlog%'",
        );
        pid = Number(row?.['pid'] ?? 0);
      }
      process.kill(pid, 'SIGSTOP');
      try {
        // The time limit for an answer expires once. Another statement to the silent server would make the boat wait again.
        context.mock.timers.tick(28_000);
        const tickedMs = performance.now();
        await refusal;
        assert.ok(performance.now() - tickedMs < 5_000, 'a further statement was sent');
      } finally {
        process.kill(pid, 'SIGCONT');
        context.mock.timers.reset();
      }
    });
    // After a slow import, the node refuses imports for 30 s. The connections can be used again immediately.
    await expectRefusal(app, toImportRequest(boat, toDocument(boat)), 503, 'UNAVAILABLE');
    assert.equal((await importDocument(startNode(store), boat, toDocument(boat))).duplicate, false);
  });

  test('refuses no boat if the server serializes transactions by default', async () => {
    await openStore().query("alter database postgres set default_transaction_isolation = 'serializable'");
    try {
      const stores = [openStore(), openStore()] as const;
      const boat = await enrollBoat(stores[0]);
      const answers = await Promise.all(
        Array.from({ length: 16 }, (_, index) => {
          const app = startNode(stores[index % 2 === 0 ? 0 : 1], { limits: { installationImportsMax: 16 } });
          return importDocument(app, boat, toDocument(boat, { sequence: 1 + (index % 4) }));
        }),
      );
      assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 4);
    } finally {
      await openStore().query('alter database postgres reset default_transaction_isolation');
    }
  });

  test('refuses to start on a database that is not encoded in UTF-8', async () => {
    assert.ok(embedded !== undefined);
    await runStatement(embedded.address, "create database latin encoding 'LATIN1' template template0");
    await assert.rejects(
      migrate(openStore('latin'), NOON_MS),
      (error) => isCentralFailure(error, 'CONFIG_INVALID') && /LATIN1/.test(error.message),
    );
  });
});
