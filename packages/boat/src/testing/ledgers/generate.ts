/**
 * Writes a ledger with an earlier version's code and prints it as SQL, for the upgrade tests:
 *
 * node --conditions=development packages/boat/src/testing/ledgers/generate.ts CHECKOUT [VERSION] >version-N.sql
 *
 * CHECKOUT is a checkout of a commit with that version of `ledger/schema.ts`, with its dependencies installed. The first line of
 * the output is a comment with the values that the earlier code reads from the ledger. An upgrade must not change them. For
 * VERSION 1 or 2, CHECKOUT contains version 3: its code writes the ledger, and the tables of the later steps are then dropped
 * (for VERSION 2, only `wire_months`).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/** Operations available in every ledger version. The optional ones were added later. */
interface EarlierLedger {
  readonly facts: {
    readonly ledgerId: string;
    nextSequence(): number;
    record?(name: string, value: string): void;
  };
  readonly progress: {
    cursorOf(category: string, source: string): { position: number; check: string } | undefined;
    digestOf(category: string, recordId: string): string | undefined;
  };
  readonly slots: { claim(slotId: string, atMs: number): boolean; claimed(): readonly string[] };
  readonly browser?: { keep(documents: Readonly<Record<string, string>>, atMs: number): number };
  readonly queue: {
    enqueue(entry: unknown, moves: unknown): { entryNo: number; exportFile: string; fileSizeBytes: number };
    claim(isDue: () => boolean): { entryNo: number } | undefined;
    plan(entryNo: number, partSizeBytes: number, parts: unknown): void;
    acknowledge(entryNo: number, part: unknown): void;
    complete(entryNo: number, part: unknown): unknown;
    putBack(entryNo: number, why: unknown): void;
    fail(entryNo: number, why: unknown): { exportFile: string; fileSizeBytes: number };
    forget(entryNo: number): void;
    recordLoss(atMs: number, what: string, sizeBytes: number, reason: string): void;
    writeAhead?(aheadNo: undefined, category: string, digests: unknown): number;
    get(entryNo: number): Readonly<Record<string, unknown>> | undefined;
    parts(entryNo: number): readonly { readonly acknowledged: boolean }[];
    counts(): unknown;
    monthBytes?(atMs: number): number;
    history(limit: number): readonly { readonly exportId: string }[];
    losses(): unknown;
  };
}

const AT_MS = Date.UTC(2026, 1, 20, 10, 5);

function toReceipt(n: number, index: number, count: number): unknown {
  return {
    status: 'success',
    import_id: `import_${n}_${index}`,
    export_id: `exp_${n}`,
    part: { index, count },
    sha256: 'a'.repeat(64),
    records_imported: { boatlog: 5 },
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-02-20T10:05:00Z',
  };
}

/** Queues an export with ten boatlog rows after the cursor, and the digests of one setting and one alert. */
function enqueue({ queue, progress }: EarlierLedger, n: number): void {
  const from = progress.cursorOf('boatlog', 'main');
  const position = (from?.position ?? 0) + 10;
  const stamp = `20260220_10050${n}`;
  queue.enqueue(
    {
      queueId: `q_${stamp}`,
      exportId: `exp_${n}`,
      exportFile: `/x/exports/${n === 6 ? 'export_old_6' : `export_${stamp}`}.json`,
      exportType: 'incremental',
      trigger: 'scheduled',
      tier: 2,
      sequence: n,
      categoryCount: 9,
      recordCount: 12,
      categories: { boatlog: { state: 'ok', count: 10 } },
      fileSizeBytes: 1_000 + n,
      createdAtMs: AT_MS + 1_000 * n,
    },
    [
      {
        category: 'boatlog',
        cursors: [
          { source: 'main', from, to: { position, check: `row ${position}` } },
          // Only an export that fails later moves this cursor.
          ...(n === 3 ? [{ source: 'other', from: undefined, to: { position: 1, check: 'row 1' } }] : []),
        ],
        digests: [],
      },
      { category: 'settings', cursors: [], digests: [{ recordId: 'settings', digest: `d${n}` }] },
      { category: 'system_alerts', cursors: [], digests: [{ recordId: `alert ${n}`, digest: `d${n}` }] },
    ],
  );
}

/** Creates seven exports in different states, and the state of operations that a power cut interrupted. */
function fill(ledger: EarlierLedger): void {
  const { queue } = ledger;
  const part = (n: number, index: number, count: number) => ({
    partIndex: index,
    receipt: toReceipt(n, index, count),
    atMs: AT_MS + 60_000,
    wireSizeBytes: 100 * n,
  });
  const fail = (n: number) => {
    queue.claim(() => true);
    const archiveFile = `/x/failed/q_20260220_10050${n}_failed.json`;
    return queue.fail(n, { atMs: AT_MS + 70_000, reason: `no ${n}`, archiveFile });
  };
  const planTwo = (n: number): void =>
    queue.plan(n, 500, [
      { index: 1, slices: [] },
      { index: 2, slices: [] },
    ]);
  enqueue(ledger, 1);
  queue.claim(() => true);
  queue.complete(1, part(1, 1, 1));
  queue.forget(1);
  enqueue(ledger, 2);
  queue.claim(() => true);
  planTwo(2);
  queue.acknowledge(2, part(2, 1, 2));
  queue.complete(2, part(2, 2, 2));
  enqueue(ledger, 3);
  fail(3);
  enqueue(ledger, 4);
  const removed = fail(4);
  queue.recordLoss(AT_MS + 80_000, removed.exportFile, removed.fileSizeBytes, 'its records were delivered');
  queue.recordLoss(AT_MS + 80_000, 'browser notes', 7, 'the oldest entries of a full browser list');
  enqueue(ledger, 5);
  enqueue(ledger, 6);
  queue.claim(() => true);
  planTwo(5);
  queue.acknowledge(5, part(5, 1, 2));
  queue.putBack(5, {
    spent: 2,
    nextRetryAtMs: AT_MS + 90_000,
    lastError: 'HTTP 503',
    wireSizeBytes: 50,
    atMs: AT_MS + 85_000,
  });
  enqueue(ledger, 7);
  ledger.slots.claim('2026-02-20', AT_MS);
  ledger.browser?.keep({ notes: '["a"]' }, AT_MS);
  ledger.facts.record?.('bundled_exports', 'exp_3 exp_5');
  // Power fails while an export is being created and an upload is in progress.
  queue.writeAhead?.(undefined, 'settings', [{ recordId: 'settings', digest: 'staged' }]);
  queue.claim(() => true);
}

/** Returns the values that the ledger version's own code reads from the ledger. */
function observe({ queue, progress, facts, slots }: EarlierLedger): object {
  return {
    ledgerId: facts.ledgerId,
    nextSequence: facts.nextSequence(),
    entries: [1, 2, 3, 4, 5, 6, 7].map((entryNo) => queue.get(entryNo) ?? null),
    parts: [2, 5].map((entryNo) => queue.parts(entryNo).map(({ acknowledged }) => acknowledged)),
    cursors: ['main', 'other'].map((source) => progress.cursorOf('boatlog', source) ?? null),
    settings: progress.digestOf('settings', 'settings'),
    alerts: [1, 2, 3, 4, 5, 6, 7].map((n) => progress.digestOf('system_alerts', `alert ${n}`) ?? null),
    monthBytes: queue.monthBytes?.(AT_MS) ?? 0,
    history: queue.history(10).map(({ exportId }) => exportId),
    losses: queue.losses(),
    slots: slots.claimed(),
  };
}

function toSql(path: string, wanted: number | undefined): string {
  const db = new DatabaseSync(path);
  for (const [index, table] of ['browser_documents', 'wire_months'].entries())
    if (wanted !== undefined && wanted < index + 2)
      db.exec(`DROP TABLE ${table}; PRAGMA user_version = ${wanted}`);
  const lines: string[] = [];
  const toLiteral = (value: unknown): string =>
    value === null ? 'NULL' : typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
  const schema = db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY rowid")
    .all();
  for (const { sql } of schema) lines.push(`${String(sql)};`);
  const tables = schema.filter(({ type }) => type === 'table').map(({ name }) => String(name));
  for (const name of [...tables, 'sqlite_sequence']) {
    if (name === 'sqlite_sequence') lines.push('DELETE FROM sqlite_sequence;');
    for (const row of db.prepare(`SELECT * FROM ${name}`).all())
      lines.push(`INSERT INTO ${name} VALUES (${Object.values(row).map(toLiteral).join(', ')});`);
  }
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  lines.push(`PRAGMA user_version = ${version};`);
  db.close();
  return lines.join('\n');
}

async function main(checkout: string, version: number | undefined): Promise<void> {
  const load = async (path: string): Promise<Record<string, (...given: unknown[]) => unknown>> =>
    // The modules of another checkout have their own types.
    (await import(pathToFileURL(join(checkout, 'packages/boat/src', path)).href)) as never;
  const { openLedgerDatabase } = await load('platform/sqlite.ts');
  const { openLedger } = await load('ledger/ledger.ts');
  if (openLedgerDatabase === undefined || openLedger === undefined)
    throw new Error(`no ledger in ${checkout}`);
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-old-ledger-'));
  try {
    const path = join(folder, 'exports.db');
    const database = openLedgerDatabase(path) as { close(): void };
    const ledger = openLedger(database, () => '00112233445566ff') as EarlierLedger;
    fill(ledger);
    const observed = {
      ...observe(ledger),
      ...(version !== undefined && version < 3 ? { monthBytes: 0 } : {}),
    };
    database.close();
    process.stdout.write(`-- ${JSON.stringify(observed)}\n${toSql(path, version)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const [, , checkout = '.', version] = process.argv;
await main(checkout, version === undefined ? undefined : Number(version));
