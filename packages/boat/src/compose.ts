import { createClock } from './platform/clock.ts';
import { createCompressor } from './platform/compressor.ts';
import { createDisk } from './platform/disk.ts';
import { createLog } from './platform/log.ts';
import { createNetwork } from './platform/network.ts';
import type { World } from './platform/ports.ts';
import { createRandom } from './platform/random.ts';
import { createDatabases } from './platform/sqlite.ts';
import { createTransport } from './platform/transport.ts';

/** The real world: this machine's clock, card, network and journal. */
export function createWorld(environment: Readonly<Record<string, string | undefined>>): World {
  const clock = createClock();
  const http = createTransport();
  const network = createNetwork();
  return {
    clock,
    random: createRandom(),
    disk: createDisk(),
    databases: createDatabases(),
    transport: http.transport,
    // Sockets are not used again across a change of network (spec: delivery).
    network: { changed: (signal) => network.changed(signal).then(() => http.reset()) },
    compressor: createCompressor(),
    log: createLog({ journald: environment['JOURNAL_STREAM'] !== undefined, level: 'info' }),
  };
}
