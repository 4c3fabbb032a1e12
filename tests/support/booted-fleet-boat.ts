import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBoat } from '../../packages/sim/src/fixture/index.ts';
import { INSTALLATION } from './boat-in-process.ts';
import type { Machine } from './booted-machine.ts';
import { runHost } from './booted-root.ts';
import { until } from './until.ts';

/** The packaged exporter, which runs as a boat at the other end of the cable. */
export interface FleetBoat {
  /** Runs a `d3kos-export` command and returns its JSON output. */
  boat(...args: readonly string[]): Promise<Record<string, unknown>>;
  /** Returns the number of undelivered exports. */
  countWaiting(): Promise<number>;
}

/**
 * Starts the exporter from the package unpacked below `folder`. It sends to `url` and trusts the certificate authority in the
 * file `ca`.
 */
export async function startFleetBoat(
  machine: Machine,
  setup: { readonly deb: string; readonly folder: string; readonly url: string; readonly ca: string },
): Promise<FleetBoat> {
  const { deb, folder, url, ca } = setup;
  mkdirSync(folder);
  await runHost('dpkg-deb', '--extract', deb, folder);
  const root = join(folder, 'boat');
  writeBoat(root, { generation: 'gen3', rows: 200, seed: 1, installationId: INSTALLATION, tier: 2 });
  writeFileSync(join(root, 'config', 'export.json'), '{"signalk_url": "off"}');
  const library = join(folder, 'usr', 'lib', 'd3kos-export');
  const program = [join(library, 'bin', 'node'), join(library, 'd3kos-export.mjs')] as const;
  const environment = { D3KOS_ROOT: root, CENTRAL_API_URL: url, NODE_EXTRA_CA_CERTS: ca };
  machine.onShore(program[0], [program[1], 'serve'], environment).stdout?.resume();
  const boat: FleetBoat['boat'] = async (...args) => {
    const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    // Every command prints one JSON object with --json.
    return JSON.parse(await machine.runOnShore('env', ...settings, ...program, ...args, '--json')) as Record<
      string,
      unknown
    >;
  };
  await until('the boat answers', () =>
    boat('status').then(
      () => true,
      () => false,
    ),
  );
  return {
    boat,
    async countWaiting() {
      const counts = JSON.parse(
        await machine.runOnShore('curl', '-sf', 'http://127.0.0.1:8094/export/queue/status'),
      ) as Record<'pending_count' | 'uploading_count', number>;
      return counts.pending_count + counts.uploading_count;
    },
  };
}
