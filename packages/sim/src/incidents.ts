import type { Tier } from '@d3kos/protocol';
import { noteDays } from './days-requested.ts';
import type { Outage } from './oracle/reads.ts';
import { BOATLOG_FOLDER } from './places.ts';
import type { Incident } from './plan-incidents.ts';
import type { Simulation } from './simulation.ts';

/** Time from when the link comes up until a time server answers. */
const TIME_SERVER_MS = 2_000;

/** Starts an incident and ends it when its duration is over. */
export function startIncident(sim: Simulation, incident: Incident): void {
  sim.trace.add({ kind: 'incident_began', incident });
  const end = begin(sim, incident);
  if (end === undefined || !('forMs' in incident)) return;
  const ending = (): void => {
    if (!sim.endings.delete(ending)) return;
    sim.trace.add({ kind: 'incident_ended', incident: incident.kind });
    end();
  };
  sim.endings.add(ending);
  sim.clock.at(sim.clock.now() + incident.forMs, ending);
}

type End = (() => void) | undefined;
type IncidentOf<K extends Incident['kind']> = Extract<Incident, { readonly kind: K }>;
type Beginnings = { readonly [K in Incident['kind']]: (sim: Simulation, incident: IncidentOf<K>) => End };

/** For each kind of incident, a function that starts it and returns a function that ends it. */
const BEGINNINGS: Beginnings = {
  link: (sim, { state }) => {
    sim.network.setLink(state);
    if (state === 'up')
      sim.clock.at(sim.clock.now() + TIME_SERVER_MS, () => {
        if (sim.network.link() === 'up') sim.synchronize();
      });
    return undefined;
  },
  faults: (sim, { probabilities }) => {
    sim.faults = probabilities;
    applyFaults(sim);
    return undefined;
  },
  'link-drops': ({ network, plan }, { afterBytes }) => {
    network.carriedBytesMax = afterBytes;
    return () => {
      network.carriedBytesMax = plan.boat.carriedBytesMax ?? Number.POSITIVE_INFINITY;
    };
  },
  'proxy-refuses': ({ network }, proxy) => {
    network.proxy = proxy;
    return () => {
      network.proxy = undefined;
    };
  },
  metered: ({ network }) => {
    network.isMetered = true;
    return () => {
      network.isMetered = false;
    };
  },
  'central-down': (sim) => stopCentral(sim),
  'central-restart': (sim) => {
    sim.network.breakConnections();
    return stopCentral(sim);
  },
  'central-backup': (sim) => {
    void sim.central.backUp().then((restore) => {
      sim.restoreCentral = restore;
    });
    return undefined;
  },
  'central-restored': (sim) => {
    const { restoreCentral } = sim;
    if (restoreCentral === undefined) return undefined;
    sim.network.breakConnections();
    const start = stopCentral(sim);
    void restoreFromBackup(sim, restoreCentral);
    return start;
  },
  'central-refuses': ({ central }, { status, retryAfterSeconds, alsoHealth }) =>
    central.enterMode({ kind: 'refuses', status, retryAfterSeconds, alsoHealth }),
  'central-rejects': ({ central }) => central.enterMode({ kind: 'rejects' }),
  'central-takes-less': ({ central }, { bodySizeMaxBytes }) =>
    central.enterMode({ kind: 'takes-less', bodySizeMaxBytes }),
  'card-full': ({ machine: { medium }, plan }, { leftBytes }) => {
    medium.capacityBytes = plan.boat.cardBytes - medium.freeBytes + leftBytes;
    return () => {
      medium.capacityBytes = plan.boat.cardBytes;
    };
  },
  'ledger-full': ({ machine: { databases } }) => {
    databases.isFull = true;
    return () => {
      databases.isFull = false;
    };
  },
  'card-read-only': ({ machine: { medium, databases } }) => {
    medium.isReadOnly = true;
    databases.isReadOnly = true;
    return () => {
      medium.isReadOnly = false;
      databases.isReadOnly = false;
    };
  },
  'token-revoked': (sim) => {
    const { central, plan, tokens } = sim;
    void central.revoke(plan.boat.installationId);
    return () =>
      void central.enroll(plan.boat.installationId).then((token) => {
        tokens.push(token);
        for (const boat of [sim, sim.copy]) boat?.sources.setToken(token);
      });
  },
  tier: (sim, { tier }) => {
    setTier(sim, tier);
    return () => setTier(sim, 2);
  },
  'clock-wrong': (sim, { aheadMs }) => {
    setWrongClock(sim, aheadMs);
    return () => setWrongClock(sim, 0);
  },
  'boatlog-unreadable': (sim) => {
    if (sim.outages.some(({ kind, untilMs }) => kind === 'unreadable' && untilMs === Infinity))
      return undefined;
    const endOutage = noteOutage(sim, { kind: 'unreadable', path: BOATLOG_FOLDER });
    sim.sources.makeBoatlogUnreadable();
    return () => {
      endOutage();
      sim.sources.makeBoatlogReadable();
    };
  },
  'source-hangs': (sim, { path }) => {
    const { machine, trace } = sim;
    const { medium } = machine;
    // Only one device hangs at a time.
    if (medium.hang !== undefined) return undefined;
    const endOutage = noteOutage(sim, { kind: 'hangs', path });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    medium.hang = { path, ended, onWait: (read) => trace.add({ kind: 'source_hung', path: read }) };
    return () => {
      endOutage();
      medium.hang = undefined;
      resolve();
    };
  },
  'source-locked': (sim, { path, afterStatements }) => {
    const { databases } = sim.machine;
    // Only one source is locked at a time.
    if (databases.sourceLock !== undefined) return undefined;
    const endOutage = noteOutage(sim, { kind: 'locked', path });
    databases.sourceLock = { path, leftStatements: afterStatements };
    return () => {
      endOutage();
      databases.sourceLock = undefined;
    };
  },
};

function begin(sim: Simulation, incident: Incident): End {
  // The table has one function for each kind, and the one selected here accepts the incident's kind.
  const start = BEGINNINGS[incident.kind] as (sim: Simulation, incident: Incident) => End;
  return start(sim, incident);
}

/** Records that a source cannot be read from now on. Returns the function that records the end. */
function noteOutage({ clock, outages }: Simulation, source: Pick<Outage, 'kind' | 'path'>): () => void {
  const outage = { ...source, fromMs: clock.now(), untilMs: Infinity };
  outages.push(outage);
  return () => {
    outage.untilMs = Math.min(outage.untilMs, clock.now());
  };
}

/** Restores central's database. The backup may lack the latest device token, so the operator enrols the boat again. */
async function restoreFromBackup(sim: Simulation, restoreCentral: () => Promise<void>): Promise<void> {
  const { oracle, central, plan, tokens, sources, trace } = sim;
  await oracle.noteRestoration(restoreCentral);
  const token = await central.enroll(plan.boat.installationId);
  tokens.push(token);
  sources.setToken(token);
  trace.add({ kind: 'central_restored' });
}

/** Central refuses connections until the returned function is called. */
function stopCentral(sim: Simulation): () => void {
  sim.isCentralDown = true;
  applyFaults(sim);
  return () => {
    sim.isCentralDown = false;
    applyFaults(sim);
  };
}

function applyFaults(sim: Simulation): void {
  sim.network.faults = sim.isCentralDown ? { connection_refused: 1 } : sim.faults;
}

function setWrongClock(sim: Simulation, aheadMs: number): void {
  sim.wrongClockMs = aheadMs;
  sim.running?.boot.clock.setWall(sim.clock.wall() + aheadMs);
  noteDays(sim);
}

function setTier(sim: Simulation, tier: Tier): void {
  sim.tierZero.end();
  sim.tier = tier;
  sim.sources.setTier(tier);
  if (tier === 0) sim.tierZero.begin();
}

/** Returns true while the card refuses writes because it is full or read-only. */
export function isCardUnfit({ machine, plan }: Simulation): boolean {
  const { medium, databases } = machine;
  return (
    medium.capacityBytes !== plan.boat.cardBytes ||
    medium.isReadOnly ||
    databases.isFull ||
    databases.isReadOnly
  );
}
