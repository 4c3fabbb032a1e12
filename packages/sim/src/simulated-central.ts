import assert from 'node:assert/strict';
import {
  acceptBundleKey,
  createApp,
  createInlinePreparer,
  DEFAULT_IMPORT_LIMITS,
  enroll,
  createPasswordHasher,
  importBundle,
  isCentralFailure,
  migrate,
  revoke,
  SILENT_LOG,
  type Store,
} from '@d3kos/central';
import { BundleStartSchema, HEALTH_PATH, IMPORT_PATH, parseIdempotencyKey } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { openPgliteStore } from '../../central/src/platform/testing/pglite.ts';
import type { VirtualClock } from './clock.ts';
import type { Server } from './network-exchange.ts';
import type { ImportAnswers } from './oracle/evidence.ts';
import type { SimRandom } from './random.ts';

/** Central's database, in memory. Each run empties it first, so one database serves all runs of a process. */
export interface CentralDatabase {
  readonly store: Store;
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** Creates a database with central's schema. This takes about one second. */
export async function openCentralDatabase(): Promise<CentralDatabase> {
  const store = await openPgliteStore();
  await migrate(store, 0);
  // Some steps of the schema insert rows.
  const fresh = await takeBackup(store);
  return {
    store,
    empty: () => restoreBackup(store, fresh),
    close: () => store.close(),
  };
}

/** Returns the names of the tables that contain data from boats and operators. */
async function listTables(store: Store): Promise<readonly string[]> {
  const rows = await store.query(
    `select table_name::text as name from information_schema.tables
     where table_schema = 'public' and table_name <> 'schema_migrations' order by 1`,
  );
  return rows.map(({ name }) => String(name));
}

/** A copy of every table's rows, like the output of `pg_dump --data-only`. */
type Backup = readonly (readonly [table: string, rows: string])[];

async function takeBackup(store: Store): Promise<Backup> {
  const tables = await listTables(store);
  return store.transaction((tx) =>
    Promise.all(
      tables.map(async (table) => {
        const [row] = await tx.query(`select coalesce(json_agg(t)::text, '[]') as rows from ${table} t`);
        return [table, String(row?.['rows'])] as const;
      }),
    ),
  );
}

/** Replaces every table's rows with those of the backup. */
async function restoreBackup(store: Store, backup: Backup): Promise<void> {
  await store.transaction(async (tx) => {
    // For small tables, DELETE takes a tenth of the time that TRUNCATE takes, because TRUNCATE creates new files.
    await tx.script(backup.map(([table]) => `delete from ${table};`).join('\n'));
    for (const [table, rows] of backup)
      if (rows !== '[]')
        await tx.query(
          `insert into ${table} select * from json_populate_recordset(null::${table}, $1::text::json)`,
          [rows],
        );
  });
}

/** Central's behaviour during an incident. */
export type CentralMode =
  | { readonly kind: 'normal' }
  /** It answers every import with an error. With `alsoHealth` it also answers the health probe with an error. */
  | {
      readonly kind: 'refuses';
      readonly status: number;
      readonly retryAfterSeconds: number | undefined;
      readonly alsoHealth: boolean;
    }
  /** It rejects every import permanently. */
  | { readonly kind: 'rejects' }
  | { readonly kind: 'takes-less'; readonly bodySizeMaxBytes: number };

/** Central with its real handlers and real SQL. Modes simulate a failing server. */
export interface SimulatedCentral {
  readonly handler: Server['handler'];
  readonly importAnswers: ImportAnswers;
  /** Enters a mode. The returned function ends the mode. */
  enterMode(mode: CentralMode): () => void;
  /** Imports a USB drive's content, and returns a summary for the trace. */
  importBundle(bytes: Uint8Array): Promise<string>;
  /** Issues another device token for the installation. */
  enroll(installationId: string): Promise<string>;
  /** Revokes all of the installation's tokens. */
  revoke(installationId: string): Promise<void>;
  /** Copies the database. Returns a function that restores the copy, so that central has lost everything that came later. */
  backUp(): Promise<() => Promise<void>>;
}

export function createSimulatedCentral(
  store: Store,
  clock: VirtualClock,
  random: SimRandom,
): SimulatedCentral {
  const createHandlers = (limits?: { readonly bodySizeMaxBytes: number }) =>
    createApp({
      store,
      wall: clock.wall,
      monotonic: clock.monotonic,
      preparer: createInlinePreparer(clock.monotonic),
      randomHex: random.hex,
      passwords: createPasswordHasher(random.hex),
      readPageFile: () => Promise.resolve(undefined),
      log: SILENT_LOG,
      ...(limits === undefined ? {} : { limits }),
    });
  const normal = createHandlers();
  const imports = createImportRecord();
  const bundles = createBundleReader(store, clock, random);
  const world = () => ({ store, wallMs: clock.wall(), randomHex: random.hex });
  let mode: CentralMode = { kind: 'normal' };
  let handlers = normal;

  const handle = async (request: Request): Promise<Response> => {
    const answer = await handlers.fetch(request);
    if (isImport(request)) imports.noteAnswer(request, answer.status);
    return answer;
  };
  return {
    importAnswers: imports,
    enterMode: (next) => {
      mode = next;
      if (next.kind === 'takes-less') handlers = createHandlers(next);
      return () => {
        mode = { kind: 'normal' };
        handlers = normal;
      };
    },
    handler: async (request) => {
      if (mode.kind === 'rejects' && isImport(request)) {
        imports.noteRejection(request);
        return toRefusal(422, 'NEVER', {});
      }
      const isHealthServed = mode.kind === 'refuses' && isHealth(request) && !mode.alsoHealth;
      if (mode.kind !== 'refuses' || isHealthServed) return handle(request);
      const { status, retryAfterSeconds } = mode;
      return toRefusal(
        status,
        'UNAVAILABLE',
        retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) },
      );
    },
    importBundle: (bytes) => clock.outside('import a bundle', bundles(bytes)),
    enroll: async (installationId) =>
      (await clock.outside('enroll', enroll(world(), { installationId, tier: 2 }))).token,
    backUp: async () => {
      const backup = await clock.outside('back up', takeBackup(store));
      return () => clock.outside('restore', restoreBackup(store, backup));
    },
    revoke: async (installationId) => {
      await clock.outside('revoke', revoke(world(), installationId, 'tokens'));
    },
  };
}

interface ImportRecord extends ImportAnswers {
  noteAnswer(request: Request, status: number): void;
  noteRejection(request: Request): void;
}

/** Records central's answers to imports by export. The idempotency key contains the export ID. */
function createImportRecord(): ImportRecord {
  const counts = new Map<number, number>();
  const statuses = new Map<string, Set<number>>();
  const rejected = new Set<string>();
  const exportIdOf = (request: Request): string =>
    parseIdempotencyKey(request.headers.get('idempotency-key') ?? '')?.exportId ?? '';
  return {
    counts,
    hasAnswered: (exportId, status) => statuses.get(exportId)?.has(status) === true,
    hasRejected: (exportId) => rejected.has(exportId),
    noteAnswer: (request, status) => {
      const exportId = exportIdOf(request);
      counts.set(status, (counts.get(status) ?? 0) + 1);
      statuses.set(exportId, (statuses.get(exportId) ?? new Set<number>()).add(status));
    },
    noteRejection: (request) => void rejected.add(exportIdOf(request)),
  };
}

const bundleStart = Compile(BundleStartSchema);

/** Reads bundles one after another, so that two runs of a seed import them in the same order. */
function createBundleReader(
  store: Store,
  clock: VirtualClock,
  random: SimRandom,
): (bytes: Uint8Array) => Promise<string> {
  let last: Promise<unknown> = Promise.resolve();
  /**
   * Acts as the operator who compares the key with the one on board and accepts it, if central has never heard from the boat or
   * the card is new.
   */
  const acceptKey = async (bytes: Uint8Array): Promise<void> => {
    const first = Buffer.from(bytes).toString('latin1').split('\n', 1)[0] ?? '';
    const start: unknown = JSON.parse(first);
    assert.ok(bundleStart.Check(start) && start.key !== undefined);
    await acceptBundleKey({ store, wallMs: clock.wall() }, start.installation_id, start.key);
  };
  const read = async (bytes: Uint8Array): Promise<string> => {
    try {
      const report = await importBundle(
        {
          store,
          wall: clock.wall,
          randomHex: random.hex,
          openFile: async () => ({
            read: async (offset, length) => bytes.subarray(offset, offset + length),
            close: async () => undefined,
          }),
          bodySizeMaxBytes: DEFAULT_IMPORT_LIMITS.bodySizeMaxBytes,
        },
        'offline.bundle',
        'signed',
      );
      return `${report.parts} parts, ${report.stored} stored, ${report.repeated} repeated, ${report.refused_count} refused, ${report.damaged_count} damaged`;
    } catch (error) {
      if (isCentralFailure(error, 'BUNDLE_KEY_UNKNOWN')) {
        await acceptKey(bytes);
        return read(bytes);
      }
      if (isCentralFailure(error)) return error.code;
      throw error;
    }
  };
  return (bytes) => {
    const summary = last.then(() => read(bytes));
    last = summary.catch(() => undefined);
    return summary;
  };
}

function isImport(request: Request): boolean {
  return new URL(request.url).pathname === IMPORT_PATH;
}

function isHealth(request: Request): boolean {
  return new URL(request.url).pathname === HEALTH_PATH;
}

function toRefusal(status: number, errorCode: string, headers: Readonly<Record<string, string>>): Response {
  return Response.json(
    { status: 'error', error_code: errorCode, message: 'the simulated central refuses' },
    { status, headers },
  );
}
