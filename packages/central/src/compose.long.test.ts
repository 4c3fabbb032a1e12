import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import pg from 'pg';
import { openStore } from './compose.ts';
import { borrowEmbeddedPostgres } from './platform/embedded-postgres.ts';
import { SILENT_LOG } from './platform/log.ts';
import { copyCluster } from './platform/testing/cluster-template.ts';
import { MIGRATION_LOCK } from './store/migrate.ts';
import { MIGRATIONS } from './store/migrations/index.ts';

/** Longer than a request's statement may take and longer than the node waits for its answer (platform/pg-store.ts). */
const STEP_S = 30;

test('a migration that exceeds the time limit of a statement is not cut off, and a second node waits for it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'central-slow-step-'));
  await copyCluster(dataDir);
  const open = await openStore({ store: { kind: 'embedded', dataDir } }, 'serve', SILENT_LOG);
  const { address } = await borrowEmbeddedPostgres({ dataDir, log: SILENT_LOG });
  const { host, user, database } = address;
  const url = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
  const onUrl = await openStore({ store: { kind: 'url', url } }, 'command', SILENT_LOG);
  const step = new pg.Client({ host, user, database });
  await step.connect();
  try {
    await step.query('begin');
    await step.query('select pg_advisory_xact_lock($1::bigint)', [MIGRATION_LOCK]);
    const slow = step.query(`select pg_sleep(${STEP_S})`).then(() => step.query('commit'));
    const [first, second] = await Promise.all([open.migrate(), onUrl.migrate(), slow]);
    const applied = [first, second].flatMap((report) => report.applied);
    assert.deepEqual(
      applied.toSorted(),
      MIGRATIONS.map(({ name }) => name),
      'each step was applied once',
    );
  } finally {
    await step.end();
    await onUrl.close();
    await open.close();
    await rm(dataDir, { recursive: true });
  }
});
