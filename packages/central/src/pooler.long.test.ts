// Runs every test of central that uses PostgreSQL through PgBouncer in transaction mode: `npm run test:long -- pooler`.
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts';
import { SILENT_LOG } from './platform/log.ts';
import { copyCluster } from './platform/testing/cluster-template.ts';
import { startPgBouncer } from './platform/testing/pgbouncer.ts';

const dataDir = await mkdtemp(join(tmpdir(), 'central-pooler-'));
await copyCluster(dataDir);
const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
const pooler = await startPgBouncer(embedded.address);

after(async () => {
  if (pooler.kind === 'running') await pooler.close();
  await embedded.stop();
  await rm(dataDir, { recursive: true, force: true });
});

if (pooler.kind === 'unavailable') {
  console.log(`skipped: ${pooler.reason}`);
  test('the tests on PostgreSQL, through PgBouncer in transaction mode', { skip: pooler.reason });
} else {
  process.env['D3KOS_TEST_STORE'] = 'url';
  process.env['DATABASE_URL'] = pooler.url('central');
  for (const file of globSync('*/*.test.ts', { cwd: import.meta.dirname })) {
    const path = join(import.meta.dirname, file);
    if (/describeOn(Postgres|EveryStore)\(/.test(readFileSync(path, 'utf8'))) await import(path);
  }
}
