import type { Network, Transport } from '../../boat/src/platform/ports.ts';
import type { MachineClock, VirtualClock } from './clock.ts';
import type { NetworkConditions } from './network-conditions.ts';
import { createServerSide, type Exchange, runExchange, type Server } from './network-exchange.ts';
import type { LinkState } from './network-faults.ts';
import type { SimRandom } from './random.ts';
import type { Trace } from './trace.ts';
import { never, type Power } from './power.ts';

/** Counts of bytes and connections between the boat and the internet. Exchanges with servers on the boat are not included. */
export interface Traffic {
  /** Number of exchanges that began with a name lookup or a connection. Must not increase at tier 0. */
  readonly attempts: number;
  readonly connections: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export interface SimNetworkOptions {
  readonly clock: VirtualClock;
  readonly random: SimRandom;
  readonly trace: Trace;
}

/** The network between one boat and the servers. It outlives the boat's boots. */
export interface SimNetwork extends NetworkConditions {
  /** Adds a server at an origin (`https://central.example`). Network faults do not affect servers on the boat itself. */
  serve(origin: string, where: Server['where'], handler: Server['handler']): void;
  /** Returns the boat's side of the network for one boot. */
  boot(clock: MachineClock, power: Power): { readonly transport: Transport; readonly network: Network };
  setLink(state: LinkState): void;
  link(): LinkState;
  /** Breaks every open connection, as a server restart does. */
  breakConnections(): void;
  traffic(): Traffic;
}

/** Creates a network. It has no faults until a scenario sets some. */
export function createSimNetwork({ clock, random, trace }: SimNetworkOptions): SimNetwork {
  const servers = new Map<string, Server>();
  const linkListeners = new Set<() => void>();
  const traffic = { attempts: 0, connections: 0, sentBytes: 0, receivedBytes: 0 };
  const request = createServerSide(clock);
  let link: LinkState = 'up';
  let breaks = 0;
  let exchanges = 0;

  const network: SimNetwork = {
    faults: {},
    isMetered: false,
    bytesPerSecond: 1_000_000,
    carriedBytesMax: Number.POSITIVE_INFINITY,
    proxy: undefined,
    latencyMaxMs: 200,
    certificates: { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY },
    serve: (origin, where, handler) => {
      servers.set(origin, { origin, where, handler });
    },
    setLink: (state) => {
      if (state === link) return;
      link = state;
      breaks += 1;
      trace.add({ kind: 'link_changed', state });
      for (const wake of [...linkListeners]) wake();
    },
    link: () => link,
    breakConnections: () => {
      breaks += 1;
      trace.add({ kind: 'connections_broken' });
    },
    traffic: () => ({ ...traffic }),
    boot: (machineClock, power) => ({
      transport: async (sent, signal) => {
        if (!power.isOn()) return never();
        exchanges += 1;
        const breaksBefore = breaks;
        const exchange: Exchange = {
          number: exchanges,
          server: servers.get(new URL(sent.url).origin),
          request: sent,
          signal,
          clock: machineClock,
          random: random.fork(`exchange ${exchanges}`),
          traffic,
          conditions: network,
          link,
          isBroken: () => breaks !== breaksBefore,
          send: request,
          sendLater: (delayMs, send) => void clock.at(clock.now() + delayMs, send),
        };
        return runExchange(exchange, trace, power);
      },
      network: {
        isMetered: async () => network.isMetered,
        changed: (signal) => waitForChange(linkListeners, signal, power),
      },
    }),
  };
  return network;
}

/** Resolves when the link changes next. Rejects when aborted. Without power the promise never settles. */
function waitForChange(listeners: Set<() => void>, signal: AbortSignal, power: Power): Promise<void> {
  return new Promise((resolve, reject) => {
    if (!power.isOn()) return;
    if (signal.aborted) return reject(signal.reason);
    const end = (): void => {
      listeners.delete(wake);
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      end();
      if (power.isOn()) reject(signal.reason);
    };
    const wake = (): void => {
      end();
      if (power.isOn()) resolve();
    };
    listeners.add(wake);
    signal.addEventListener('abort', abort, { once: true });
  });
}
