import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCentral } from './compose.ts';
import { parseConfig } from './config.ts';
import { startEmbeddedPostgres } from './platform/embedded-postgres.ts';
import { SILENT_LOG } from './platform/log.ts';
import { openSchemaStore } from './platform/pg-store.ts';
import { copyCluster } from './platform/testing/cluster-template.ts';
import { migrate } from './store/migrate.ts';
import { MIGRATIONS } from './store/migrations/index.ts';
import { NOON_MS } from './testing/central-under-test.ts';

test('a node that is stopped while a schema step waits for a backup gives up at once', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'central-stopped-'));
  await copyCluster(dataDir);
  const embedded = await startEmbeddedPostgres({ dataDir, log: SILENT_LOG, fsync: 'off' });
  const { host, user, database } = embedded.address;
  const backup = openSchemaStore(embedded.address, SILENT_LOG);
  try {
    const altering = MIGRATIONS.findIndex(({ name }) => name === '0011-no-record-digest');
    await migrate(backup, NOON_MS, MIGRATIONS.slice(0, altering));
    const url = `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`;
    const config = parseConfig({ DATABASE_URL: url, CENTRAL_PORT: '0' });
    const stop = new AbortController();
    await backup.transaction(async (tx) => {
      await tx.query('select 1 from records_boatlog');
      // The node's first line reports the wait.
      const started = startCentral(config, { write: () => stop.abort() }, stop.signal);
      await assert.rejects(started, (reason) => reason === stop.signal.reason);
    });
  } finally {
    await backup.close();
    await embedded.stop();
    await rm(dataDir, { recursive: true });
  }
});
