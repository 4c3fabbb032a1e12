import type { NetworkInterfaceInfo } from 'node:os';
import type { Clock, MonotonicMs, Transport } from '@d3kos/boat';
import { createClock } from '../../packages/boat/src/platform/clock.ts';
import { createNetwork } from '../../packages/boat/src/platform/network.ts';
import { resetOnNetworkChange } from '../../packages/boat/src/platform/reset-on-network-change.ts';
import { createTransport, type TransportOptions } from '../../packages/boat/src/platform/transport.ts';
import { addRecords } from '../../packages/sim/src/fixture/index.ts';
import { prepareBoat, type RunningBoat, startBoatInProcess } from './boat-in-process.ts';
import { until } from './until.ts';

/** Interval at which a boat under test compares its network interfaces. */
const LOOK_EVERY_MS = 20;

export interface LinkedBoatOptions {
  readonly root: string;
  readonly centralUrl: string;
  readonly token?: string;
  readonly rows?: number;
  readonly partSizeBytes?: number;
  /** Timeouts of the real transport, shorter than on a boat. */
  readonly limits?: TransportOptions;
  /** Factor by which the boat's clock runs faster than this machine's clock. The transport uses real time. */
  readonly clockSpeed?: number;
}

/** A real boat in this process, with the real transport and network comparison, on interfaces that a test can change. */
export interface LinkedBoat extends RunningBoat {
  /** Start time of each exchange, by the boat's clock. */
  readonly exchangesMs: readonly number[];
  /** Gives the machine a different address. */
  changeNetwork(): void;
  /** Adds records and creates an incremental export of them. Returns the export's id. */
  exportNews(): Promise<string>;
  exportAll(): Promise<string>;
  /** Resolves once the destination is in this state. */
  untilState(state: string): Promise<void>;
  untilDelivered(exports: number): Promise<void>;
}

export async function startLinkedBoat(options: LinkedBoatOptions): Promise<LinkedBoat> {
  const { root, rows = 20, limits = {} } = options;
  prepareBoat({ root, rows }, options.token);
  let address = 1;
  const look = (): NodeJS.Dict<NetworkInterfaceInfo[]> => ({
    wlan0: [
      {
        address: `10.0.0.${address}`,
        cidr: `10.0.0.${address}/24`,
        netmask: '255.255.255.0',
        family: 'IPv4',
        mac: '02:00:00:00:00:01',
        internal: false,
      },
    ],
  });
  const clock = toFasterClock(createClock(), options.clockSpeed ?? 1);
  const http = createTransport({ connectTimeoutMs: 1_000, silenceMs: 1_000, ...limits });
  const send = resetOnNetworkChange(http, () => String(address));
  const exchangesMs: number[] = [];
  const transport: Transport = (request, signal) => {
    // Requests to the tier API do not count.
    if (request.url.startsWith(options.centralUrl)) exchangesMs.push(clock.monotonic());
    return send(request, signal);
  };
  const running = await startBoatInProcess({
    ...options,
    world: { clock, transport, network: createNetwork({ look, everyMs: LOOK_EVERY_MS }) },
  });
  const generate = async (type: 'full' | 'incremental'): Promise<string> => {
    const { status, json } = await running.request('POST', '/export/generate', { type });
    if (status !== 200 || json['queued'] !== true)
      throw new Error(`No export was queued: ${JSON.stringify(json)}`);
    return String(json['export_id']);
  };
  return {
    ...running,
    exchangesMs,
    changeNetwork: () => {
      address += 1;
    },
    exportNews: () => {
      addRecords(root, { rows: 3, seed: 5 });
      return generate('incremental');
    },
    exportAll: () => generate('full'),
    untilState: (state) =>
      until(`the state ${state}`, () =>
        running.boat.manager.status().then((now) => now.destination.state === state),
      ),
    untilDelivered: async (exports) => {
      const isDone = (): boolean => running.boat.ledger.queue.counts().completed === exports;
      // Each exchange counts as progress, because a large export may take longer than a single wait.
      while (!isDone()) {
        const seen = exchangesMs.length;
        await until(`${exports} deliveries`, () => isDone() || exchangesMs.length > seen);
      }
    },
    stop: async () => {
      await running.stop();
      http.close();
    },
  };
}

function toFasterClock(clock: Clock, times: number): Clock {
  return {
    ...clock,
    // A multiple of monotonic time is monotonic.
    monotonic: () => (clock.monotonic() * times) as MonotonicMs,
    sleep: (delayMs, signal) => clock.sleep(delayMs / times, signal),
  };
}
