import assert from 'node:assert/strict';
import {
  closeSync,
  cpSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { Category } from '@d3kos/protocol';
import { prepareBoat } from './support/boat-in-process.ts';
import {
  type CentralPlace,
  countAtCentral,
  createProcesses,
  enrollAt,
  freePort,
  placeCentral,
  type RunningDaemon,
  requestJson,
  startCentral,
  startDaemon,
  withCentralStore,
} from './support/processes.ts';
import { until } from './support/until.ts';

const INSTALLATION = '0123456789abcdef';
const BOATLOG = 'data/boatlog/boatlog.db';
/** Time limit for an export. The boat waits 250 ms for a source's lock. */
const LOCKED_EXPORT_MAX_MS = 120_000;

type States = Readonly<
  Record<Category, { readonly state: string; readonly count: number; readonly detail?: string }>
>;

async function statesOf(daemon: RunningDaemon): Promise<States> {
  const { json } = await daemon.request('GET', '/export/status');
  // The API tests check the key `categories` of GET /export/status.
  return json['categories'] as States;
}

async function exportAndDeliver(daemon: RunningDaemon, type: 'full' | 'incremental'): Promise<number> {
  const { status, json } = await daemon.request('POST', '/export/generate', { type });
  assert.equal(status, 200, JSON.stringify(json));
  await until('the delivery', async () => {
    const { json: queue } = await daemon.request('GET', '/export/queue/status');
    assert.equal(queue['failed_count'], 0);
    return queue['pending_count'] === 0 && queue['uploading_count'] === 0;
  });
  return Number(json['record_count'] ?? 0);
}

function withDatabase(path: string, work: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  try {
    work(db);
  } finally {
    db.close();
  }
}

describe('bad sources, exported by a real boat to a real central', () => {
  const processes = createProcesses({ after });
  let central: CentralPlace;
  let token = '';
  before(async () => {
    central = await placeCentral(processes);
    token = await enrollAt(central, INSTALLATION);
    await startCentral(processes, central);
  });

  /** Damage that the boat's other services could cause, and the state that the category must report as a result. */
  const damages: readonly (readonly [
    name: string,
    state: string,
    damage: (path: string) => (() => void) | undefined,
  ])[] = [
    [
      'missing',
      'source_missing',
      (path) => {
        rmSync(path);
        return undefined;
      },
    ],
    [
      'of 0 bytes',
      'empty',
      (path) => {
        truncateSync(path);
        return undefined;
      },
    ],
    [
      'without its table',
      'empty',
      (path) => {
        rmSync(path);
        withDatabase(path, (db) => db.exec('CREATE TABLE schema_version (version INTEGER)'));
        return undefined;
      },
    ],
    [
      'with another schema',
      'schema_unknown',
      (path) => {
        rmSync(path);
        withDatabase(path, (db) => {
          db.exec('CREATE TABLE boatlog_entries (a, b); INSERT INTO boatlog_entries VALUES (1, 2)');
        });
        return undefined;
      },
    ],
    [
      'overwritten with noise',
      'error',
      (path) => {
        const file = openSync(path, 'r+');
        writeSync(file, Buffer.alloc(4096, 'noise'), 0, 4096, 0);
        closeSync(file);
        return undefined;
      },
    ],
    [
      'damaged in its pages',
      'error',
      (path) => {
        const file = openSync(path, 'r+');
        writeSync(file, Buffer.alloc(8192, 0xa5), 0, 8192, 4096);
        closeSync(file);
        return undefined;
      },
    ],
    [
      'locked by its writer',
      'error',
      (path) => {
        const db = new DatabaseSync(path);
        db.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
        return () => db.close();
      },
    ],
  ];

  test('an unreadable boatlog is reported but does not fail the export, and its records are exported once it is readable', async () => {
    const root = join(processes.folder('bad-sources'), 'boat');
    prepareBoat({ root, rows: 60 }, token);
    const daemon = await startDaemon(processes, {
      root,
      port: await freePort(),
      centralUrl: central.url,
    });
    const path = join(root, BOATLOG);
    const kept = `${path}.kept`;
    withDatabase(path, (db) => db.exec('PRAGMA journal_mode = DELETE'));
    await exportAndDeliver(daemon, 'full');
    for (const [index, [name, state, damage]] of damages.entries()) {
      withDatabase(path, (db) =>
        db
          .prepare('INSERT INTO boatlog_entries (timestamp, entry_type, content) VALUES (?, ?, ?)')
          .run(`2026-05-0${index + 1}T00:00:00.000Z`, 'text', `written before the log was ${name}`),
      );
      cpSync(path, kept);
      const undo = damage(path);
      const beganMs = performance.now();
      await exportAndDeliver(daemon, 'full');
      assert.ok(performance.now() - beganMs < LOCKED_EXPORT_MAX_MS, `${name}: the export takes bounded time`);
      const { boatlog, settings } = await statesOf(daemon);
      assert.equal(boatlog.state, state, `${name}: ${boatlog.detail}`);
      assert.equal(settings.state, 'ok', name);
      if (state === 'error' || state === 'schema_unknown')
        assert.match(String(boatlog.detail), /boatlog\.db/, `${name}: the source is reported`);
      undo?.();
      for (const rest of [path, `${path}-wal`, `${path}-shm`, `${path}-journal`])
        rmSync(rest, { force: true });
      renameSync(kept, path);
      const found = await exportAndDeliver(daemon, 'incremental');
      assert.ok(found >= 1, `${name}: the record is due again`);
      const { boatlog: held } = await withCentralStore(central, (store) =>
        countAtCentral(store, INSTALLATION),
      );
      assert.equal(held, 61 + index, `${name}: no record is lost or duplicated`);
    }
    assert.equal(await daemon.stop(), 0);
  });

  test('central holds every unusual row: null and text IDs, invalid UTF-8, NaN, 2 MB of content', async () => {
    const installation = 'aaaaaaaaaaaaaaaa';
    const ownToken = await enrollAt(central, installation);
    const root = join(processes.folder('awkward-rows'), 'boat');
    prepareBoat({ root, rows: 300, generation: 'mixed' }, ownToken);
    const license = join(root, 'config', 'license.json');
    const file = openSync(license, 'w');
    writeSync(file, JSON.stringify({ installation_id: installation, tier: 2 }));
    closeSync(file);
    const path = join(root, BOATLOG);
    withDatabase(path, (db) => {
      db.exec(`
        INSERT INTO boatlog_entries (entry_id, timestamp, entry_type, content, latitude, longitude, weather_conditions) VALUES
          (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
          (NULL, '', '', '', '', '', ''),
          ('', '2026-05-01', 'text', 'empty id', 1, 2, NULL),
          ('an id with "quotes" and / and ''more''', '2026-05-01', 'text', 'text id', 1, 2, NULL),
          (9223372036854775807, '2026-05-01', 'text', 'largest id', 1, 2, NULL),
          (1.5, '2026-05-01', 'text', 'half an id', 1, 2, NULL),
          (x'00ff', '2026-05-01', 'text', 'bytes as id', 1, 2, NULL),
          (700001, CAST(x'ff32303236' AS TEXT), 'text', 'timestamp not UTF-8', 1, 2, NULL),
          (700002, '2026-05-01', CAST(x'c3' AS TEXT), CAST(x'68c3a9ff00fe6f' AS TEXT), 1, 2, CAST(x'eda080' AS TEXT)),
          (CAST(x'ffff' AS TEXT), '2026-05-01', 'text', 'id not UTF-8', 1, 2, NULL),
          (CAST(x'fffe' AS TEXT), '2026-05-01', 'text', 'another id not UTF-8', 1, 2, NULL),
          (700003, '2026-05-01', 'text', 'NaN', 'NaN', 'nan', '{"temp_c": NaN}'),
          (700004, '2026-05-01', 'text', 'infinite', 9e999, -9e999, NULL),
          (700005, '2026-05-01', 'text', char(0) || 'nul' || char(0xd7ff) || char(0xffff), 1, 2, NULL),
          (700006, '2026-05-01', 'text', x'00010203fffefd', 1, 2, NULL),
          (700007, '2026-05-01', 'text', '"},{"record_id":"forged"}' || char(10) || '],"entry_count":0', 1, 2, NULL),
          (700008, '2026-05-01', 'text', replace(hex(zeroblob(1048576)), '00', 'ab'), 1, 2, NULL)
      `);
    });
    const rowsIn = (name: string): number => {
      let count = 0;
      withDatabase(join(root, name), (db) => {
        count = Number(db.prepare('SELECT count(*) AS n FROM boatlog_entries').get()?.['n']);
      });
      return count;
    };
    const expected = rowsIn(BOATLOG) + rowsIn('data/boatlog.db');
    const daemon = await startDaemon(processes, {
      root,
      port: await freePort(),
      centralUrl: central.url,
    });
    const made = await exportAndDeliver(daemon, 'full');
    const states = await statesOf(daemon);
    assert.equal(states.boatlog.state, 'ok', states.boatlog.detail);
    assert.equal(states.boatlog.count, expected);

    await withCentralStore(central, async (store) => {
      const held = await countAtCentral(store, installation);
      assert.equal(held.boatlog, expected, 'every row of the boatlog is a record at central');
      assert.equal(
        Object.values(held).reduce((sum, count) => sum + count, 0),
        made,
      );
      const [rejected] = await store.query('select count(*)::int as n from rejected_records');
      assert.equal(rejected?.['n'], 0);
      const [large] = await store.query(
        "select length(record ->> 'content')::int as n from records_boatlog where installation_id = $1 and record ->> 'entry_id' = '700008'",
        [installation],
      );
      assert.equal(large?.['n'], 2 * 1024 * 1024);
    });
    // Exporting the same rows again produces the same records.
    await exportAndDeliver(daemon, 'full');
    const again = await withCentralStore(central, (store) => countAtCentral(store, installation));
    assert.equal(again.boatlog, expected);
    const { json: history } = await requestJson(`${daemon.url}/export/history`, 'GET');
    for (const row of history['exports'] as { rejected_records: unknown[] }[])
      assert.deepEqual(row.rejected_records, []);
    assert.equal(await daemon.stop(), 0);
  });

  test('central returns every digit of the sources, and keeps what a damaged file held before', async () => {
    const installation = 'bbbbbbbbbbbbbbbb';
    const ownToken = await enrollAt(central, installation);
    const root = join(processes.folder('exact-numbers'), 'boat');
    prepareBoat({ root, rows: 20 }, ownToken);
    const write = (name: string, text: string): void => writeFileSync(join(root, 'config', name), text);
    write('license.json', `{"installation_id":"${installation}","tier":2,"reset_count":9007199254740993}`);
    write('onboarding.json', '{"q1":"Grey Heron","engine_hp":18014398509481985}');
    write('user-preferences.json', '{"fuel_alarm_threshold":0.12345678901234567891}');
    withDatabase(join(root, 'data/self-healing/issues.db'), (db) =>
      db.exec(`UPDATE issues SET metrics = '{"count":-9007199254740993}' WHERE id = 1`),
    );
    const daemon = await startDaemon(processes, { root, port: await freePort(), centralUrl: central.url });
    const readBack = async (): Promise<string> => {
      const url = `${central.url}/api/v1/installations/${installation}/configuration`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${ownToken}` } });
      assert.equal(response.status, 200);
      return response.text();
    };
    const answers = /"q1": ?"Grey Heron"/;
    const numbers = [
      /"reset_count": ?9007199254740993\b/,
      /\b18014398509481985\b/,
      /\b0\.12345678901234567891\b/,
    ];
    await exportAndDeliver(daemon, 'full');
    for (const pattern of [answers, ...numbers]) assert.match(await readBack(), pattern);
    await withCentralStore(central, async (store) => {
      const [issue] = await store.query(
        "select record #>> '{metrics,count}' as n from records_system_alerts where installation_id = $1 and record ->> 'alert_id' = '1'",
        [installation],
      );
      assert.equal(issue?.['n'], '-9007199254740993');
    });

    write('onboarding.json', '{"q1":"Grey He');
    write('user-preferences.json', '');
    assert.ok((await exportAndDeliver(daemon, 'incremental')) > 0);
    const damaged = await readBack();
    assert.match(damaged, /"unread": ?\["configuration", ?"completion_timestamp"\]/);
    for (const pattern of [answers, ...numbers]) assert.match(damaged, pattern);

    write('onboarding.json', '{"q2":"2009"}');
    await exportAndDeliver(daemon, 'incremental');
    const repaired = await readBack();
    assert.match(repaired, /"q2": ?"2009"/);
    assert.doesNotMatch(repaired, answers);
    assert.equal(await daemon.stop(), 0);
  });
});
