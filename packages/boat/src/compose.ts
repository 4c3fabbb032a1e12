import { createClockSyncQuery } from './platform/clock-synchronized.ts';
import { createClock } from './platform/clock.ts';
import { createCompressor } from './platform/compressor.ts';
import { createDisk } from './platform/disk.ts';
import { createGarbageCollector } from './platform/garbage.ts';
import { createLog } from './platform/log.ts';
import { createMeteredQuery, createNetwork, readNetworkFingerprint } from './platform/network.ts';
import type { World } from './platform/ports.ts';
import { createRandom } from './platform/random.ts';
import { resetOnNetworkChange } from './platform/reset-on-network-change.ts';
import { createDatabases } from './platform/sqlite.ts';
import { createStorageMediumQuery } from './platform/storage-medium.ts';
import { createTransport } from './platform/transport.ts';

/** Creates the ports for this machine, such as its clock, disk, network and journal. */
export function createWorld(environment: Readonly<Record<string, string | undefined>>): World {
  return {
    clock: { ...createClock(), isSynchronized: createClockSyncQuery() },
    random: createRandom(),
    disk: createDisk(),
    databases: createDatabases(),
    transport: resetOnNetworkChange(createTransport(), readNetworkFingerprint),
    network: { ...createNetwork(), isMetered: createMeteredQuery() },
    compressor: createCompressor(),
    log: createLog({ journald: environment['JOURNAL_STREAM'] !== undefined, level: 'info' }),
    storageMedium: createStorageMediumQuery(),
    collectGarbage: createGarbageCollector(),
  };
}
