import {
  createApp,
  DEFAULT_IMPORT_LIMITS,
  enroll,
  importBundle,
  isCentralFailure,
  migrate,
  revoke,
  SILENT_LOG,
  type Store,
  toPgliteStore,
} from '@d3kos/central';
import { CATEGORIES, HEALTH_PATH, IMPORT_PATH } from '@d3kos/protocol';
import { PGlite } from '@electric-sql/pglite';
import type { VirtualClock } from './clock.ts';
import type { Handler } from './network.ts';
import type { SimRandom } from './random.ts';

/** Central's database, in memory. Every run empties it first, so one serves all runs of a process. */
export interface CentralDatabase {
  readonly store: Store;
  empty(): Promise<void>;
  close(): Promise<void>;
}

/** A new database with central's own schema. Takes about a second. */
export async function openCentralDatabase(): Promise<CentralDatabase> {
  const store = toPgliteStore(await PGlite.create());
  await migrate(store, 0);
  const tables = [
    'installations',
    'device_tokens',
    'imports',
    'rejected_records',
    ...CATEGORIES.map((category) => `records_${category}`),
  ];
  return {
    store,
    // Deleting from small tables takes a tenth of the time of TRUNCATE, which makes new files.
    empty: () => store.script(tables.map((table) => `delete from ${table};`).join('\n')),
    close: () => store.close(),
  };
}

/** How central behaves for a while. */
export type CentralMode =
  | { readonly kind: 'normal' }
  | {
      readonly kind: 'refuses';
      readonly status: number;
      readonly retryAfterSeconds: number | undefined;
      readonly alsoHealth: boolean;
    }
  /** Answers that it will never take what it is sent. */
  | { readonly kind: 'rejects' }
  | { readonly kind: 'takes-less'; readonly bodySizeMaxBytes: number };

/** Central: its real handlers on its real SQL, and what a failing server puts before them. */
export interface SimulatedCentral {
  readonly handler: Handler;
  setMode(mode: CentralMode): void;
  /** How often the real handler answered an import with each status. */
  readonly importStatuses: ReadonlyMap<number, number>;
  /** Imports what a stick holds, and gives what a person is told of it. */
  importBundle(bytes: Uint8Array): Promise<string>;
  /** A further device token of the installation. */
  enroll(installationId: string): Promise<string>;
  /** From now on none of its tokens is good. */
  revoke(installationId: string): Promise<void>;
}

export function createSimulatedCentral(
  store: Store,
  clock: VirtualClock,
  random: SimRandom,
): SimulatedCentral {
  const appOf = (bodySizeMaxBytes?: number) =>
    createApp({
      store,
      wall: clock.wall,
      randomHex: random.hex,
      log: SILENT_LOG,
      ...(bodySizeMaxBytes === undefined ? {} : { limits: { bodySizeMaxBytes } }),
    });
  const app = appOf();
  let small = app;
  let mode: CentralMode = { kind: 'normal' };
  const importStatuses = new Map<number, number>();
  const outside = <T>(label: string, work: Promise<T>) => clock.outside(label, work);
  const world = () => ({ store, wallMs: clock.wall(), randomHex: random.hex });

  let lastStick: Promise<unknown> = Promise.resolve();
  /** One stick after another, so that two runs of a seed read them in one order. */
  const readStick = (bytes: Uint8Array): Promise<string> => {
    const turn = lastStick.then(async () => {
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
          'stick.bundle',
        );
        return `${report.parts} parts, ${report.stored} stored, ${report.repeated} repeated, ${report.refused_count} refused, ${report.damaged_count} damaged`;
      } catch (error) {
        if (isCentralFailure(error)) return error.code;
        throw error;
      }
    });
    lastStick = turn.catch(() => undefined);
    return turn;
  };
  const real = async (request: Request): Promise<Response> => {
    const isImport = new URL(request.url).pathname === IMPORT_PATH;
    const answer = await (mode.kind === 'takes-less' ? small : app).fetch(request);
    if (isImport) importStatuses.set(answer.status, (importStatuses.get(answer.status) ?? 0) + 1);
    return answer;
  };
  return {
    importStatuses,
    setMode: (next) => {
      mode = next;
      if (next.kind === 'takes-less') small = appOf(next.bodySizeMaxBytes);
    },
    handler: async (request) => {
      const { pathname } = new URL(request.url);
      switch (mode.kind) {
        case 'refuses':
          if (pathname === HEALTH_PATH && !mode.alsoHealth) return real(request);
          return refusal(
            mode.status,
            'UNAVAILABLE',
            mode.retryAfterSeconds === undefined ? {} : { 'retry-after': String(mode.retryAfterSeconds) },
          );
        case 'rejects':
          return pathname === IMPORT_PATH ? refusal(422, 'NEVER', {}) : real(request);
        case 'normal':
        case 'takes-less':
          return real(request);
      }
    },
    importBundle: (bytes) => outside('import a bundle', readStick(bytes)),
    enroll: async (installationId) =>
      (await outside('enroll', enroll(world(), { installationId, tier: 2 }))).token,
    revoke: async (installationId) => {
      await outside('revoke', revoke(world(), installationId, 'tokens'));
    },
  };
}

function refusal(status: number, errorCode: string, headers: Readonly<Record<string, string>>): Response {
  return Response.json(
    {
      status: 'error',
      error_code: errorCode,
      message: 'the simulated central refuses',
    },
    { status, headers },
  );
}
