import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Boat, createWorld, parseConfig, startBoat, toSpoolPaths, type World } from '@d3kos/boat';
import type { Tier } from '@d3kos/protocol';
import { type BoatGeneration, toBoatPlaces, writeBoat } from '../../packages/sim/src/fixture/index.ts';

export const INSTALLATION = '0123456789abcdef';
/** A token in the format that central issues. The scripted centrals ignore it. */
export const TOKEN = 'device-token-of-the-tests-0123456789';

/** The boats running in this process, by folder. If a failed test left a boat running, the test file would never end. */
const RUNNING = new Map<string, Set<RunningBoat>>();

/** Runs `work` with a new folder. Afterwards, even if `work` fails, stops the boats that run in the folder and removes it. */
export async function inTemporaryFolder<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `d3kos-${name}-`));
  try {
    return await work(folder);
  } finally {
    for (const boat of RUNNING.get(folder) ?? []) await boat.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface BoatOptions {
  readonly root: string;
  readonly centralUrl: string;
  readonly tier?: Tier;
  readonly rows?: number;
  readonly generation?: BoatGeneration;
  readonly partSizeBytes?: number;
  readonly world?: Partial<World>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Writes a sample boat at `root`, enrolled with the given token. */
export function prepareBoat(
  options: Pick<BoatOptions, 'root' | 'tier' | 'rows' | 'generation'>,
  token = TOKEN,
): void {
  writeBoat(options.root, {
    generation: options.generation ?? 'gen3',
    rows: options.rows ?? 20,
    seed: 1,
    installationId: INSTALLATION,
    tier: options.tier ?? 2,
  });
  writeFileSync(join(options.root, 'config', 'export-credentials.json'), JSON.stringify({ token }), {
    mode: 0o600,
  });
}

export interface RunningBoat {
  readonly boat: Boat;
  readonly log: readonly string[];
  readonly paths: ReturnType<typeof toSpoolPaths>;
  request(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly json: Record<string, unknown> }>;
  stop(): Promise<void>;
}

/**
 * One real world for all boats of a test file, because each world adds a listener to stderr. It triggers no garbage collection,
 * which would pause the test's servers in the same process. It does not report the temporary folder's medium, because some
 * machines keep that folder in memory.
 */
const { collectGarbage: _, storageMedium: __, ...realWorld } = createWorld({});

/** Starts the real export manager in this process, so that a test can read its ledger. */
export async function startBoatInProcess(options: BoatOptions): Promise<RunningBoat> {
  const stopping = new AbortController();
  const log: string[] = [];
  const world: World = {
    ...realWorld,
    log: { write: (level, message) => log.push(`${level} ${message}`) },
    ...options.world,
  };
  const environment = {
    D3KOS_ROOT: options.root,
    CENTRAL_API_URL: options.centralUrl,
    // No service listens there, so the tier comes from license.json.
    TIER_API_URL: 'http://127.0.0.1:9',
    EXPORT_SIGNALK_URL: 'off',
    ...(options.partSizeBytes === undefined ? {} : { EXPORT_PART_SIZE_BYTES: String(options.partSizeBytes) }),
    ...options.environment,
  };
  const { config } = parseConfig(environment, undefined);
  const boat = await startBoat(world, config, stopping.signal, toBoatPlaces(options.root));
  const running = boat.run().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  const started: RunningBoat = {
    boat,
    log,
    paths: toSpoolPaths(options.root),
    request: async (method, path, body) => {
      const response = await boat.app.fetch(
        new Request(`http://localhost:8094${path}`, {
          method,
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      );
      return { status: response.status, json: (await response.json()) as Record<string, unknown> };
    },
    stop: async () => {
      RUNNING.get(options.root)?.delete(started);
      stopping.abort(new Error('the test is done'));
      await running;
      boat.close();
    },
  };
  RUNNING.set(options.root, (RUNNING.get(options.root) ?? new Set()).add(started));
  return started;
}
