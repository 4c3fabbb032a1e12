import type { Tier } from '@d3kos/protocol';
import type { Simulation } from './simulation.ts';
import type { Incident } from './plan-incidents.ts';
import { DAY_MS } from './plan-times.ts';

/** How long after a link is up a time server has answered. */
const TIME_SERVER_MS = 2_000;

/** How long a request that was permitted just before the tier fell to 0 may take to begin. */
const TIER_GRACE_MS = 3_000;

/** Lets an incident happen, and end in its time. */
export function startIncident(sim: Simulation, incident: Incident): void {
  const { kind, ...facts } = incident;
  sim.trace.add(`incident ${kind} ${JSON.stringify(facts)}`);
  const end = begin(sim, incident);
  if (end === undefined || !('forMs' in incident)) return;
  const ending = (): void => {
    if (!sim.endings.delete(ending)) return;
    sim.trace.add(`end of ${kind}`);
    end();
  };
  sim.endings.add(ending);
  sim.clock.at(sim.clock.now() + incident.forMs, ending);
}

/** Begins it, and gives what ends it. */
function begin(sim: Simulation, incident: Incident): (() => void) | undefined {
  const { clock, network, central, machine, sources } = sim;
  switch (incident.kind) {
    case 'link':
      network.setLink(incident.state);
      if (incident.state === 'up')
        clock.at(clock.now() + TIME_SERVER_MS, () => {
          if (network.link() === 'up') sim.synchronize();
        });
      return undefined;
    case 'faults':
      sim.faults = incident.probabilities;
      applyFaults(sim);
      return undefined;
    case 'link-drops':
      network.carriedBytesMax = incident.afterBytes;
      return () => {
        network.carriedBytesMax = sim.plan.boat.carriedBytesMax ?? Number.POSITIVE_INFINITY;
      };
    case 'metered':
      network.isMetered = true;
      return () => {
        network.isMetered = false;
      };
    case 'central-down':
    case 'central-restart':
      sim.centralIsDown = true;
      if (incident.kind === 'central-restart') network.breakConnections();
      applyFaults(sim);
      return () => {
        sim.centralIsDown = false;
        applyFaults(sim);
      };
    case 'central-refuses':
      central.setMode({
        kind: 'refuses',
        status: incident.status,
        retryAfterSeconds: incident.retryAfterSeconds,
        alsoHealth: incident.alsoHealth,
      });
      return () => central.setMode({ kind: 'normal' });
    case 'central-rejects':
      central.setMode({ kind: 'rejects' });
      return () => central.setMode({ kind: 'normal' });
    case 'central-takes-less':
      central.setMode({
        kind: 'takes-less',
        bodySizeMaxBytes: incident.bodySizeMaxBytes,
      });
      return () => central.setMode({ kind: 'normal' });
    case 'card-full': {
      const { medium } = machine;
      medium.capacityBytes = sim.plan.boat.cardBytes - medium.freeBytes + incident.leftBytes;
      return () => {
        medium.capacityBytes = sim.plan.boat.cardBytes;
      };
    }
    case 'ledger-full':
      machine.databases.isFull = true;
      return () => {
        machine.databases.isFull = false;
      };
    case 'card-read-only':
      setReadOnly(sim, true);
      return () => setReadOnly(sim, false);
    case 'token-revoked':
      void central.revoke(sim.plan.boat.installationId);
      return () =>
        void central.enroll(sim.plan.boat.installationId).then((token) => {
          sim.tokens.push(token);
          sources.setToken(token);
        });
    case 'tier':
      setTier(sim, incident.tier);
      return () => setTier(sim, 2);
    case 'clock-wrong':
      setWrongClock(sim, incident.aheadMs);
      return () => setWrongClock(sim, 0);
    case 'boatlog-unreadable':
      sources.setBoatlogReadable(false);
      return () => sources.setBoatlogReadable(true);
  }
}

function setReadOnly({ machine }: Simulation, isReadOnly: boolean): void {
  machine.medium.isReadOnly = isReadOnly;
  machine.databases.isReadOnly = isReadOnly;
}

/** True while the card refuses writes: it is full, or read-only. */
export function isCardUnfit({ machine, plan }: Simulation): boolean {
  const { medium, databases } = machine;
  return (
    medium.capacityBytes !== plan.boat.cardBytes ||
    medium.isReadOnly ||
    databases.isFull ||
    databases.isReadOnly
  );
}

function applyFaults(sim: Simulation): void {
  sim.network.faults = sim.centralIsDown ? { connection_refused: 1 } : sim.faults;
}

function setWrongClock(sim: Simulation, aheadMs: number): void {
  sim.wrongClockMs = aheadMs;
  sim.alive?.boot.clock.setWall(sim.clock.wall() + aheadMs);
  noteDays(sim);
}

/**
 * Notes the days for which a daily export may be claimed now: while exports are asked for, the day the boat's clock shows
 * in its zone, and the day before, whose slot is owed until its hour. Called when one is asked for, when one is answered,
 * and when the clock is set between.
 */
export function noteDays({ alive, dayFormat, daysAsked }: Simulation): void {
  if (alive === undefined || alive.exportsUnderWay === 0) return;
  const day = dayFormat.format(alive.boot.clock.wall());
  // Days of the calendar: where clocks change a day is not 24 hours.
  const dayBefore = new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, day.length);
  for (const asked of [day, dayBefore]) daysAsked.add(asked);
}

/** At tier 0 not one connection is opened, from the moment on at which no permission given before can still be used. */
function setTier(sim: Simulation, tier: Tier): void {
  const { clock, network, oracle, sources } = sim;
  sim.endTierZero();
  sim.endTierZero = () => undefined;
  sim.tier = tier;
  sources.setTier(tier);
  if (tier !== 0) return;
  let before: number | undefined;
  const stop = clock.at(clock.now() + TIER_GRACE_MS, () => {
    before = network.traffic().attempts;
  });
  sim.endTierZero = () => {
    stop();
    const opened = before === undefined ? 0 : network.traffic().attempts - before;
    if (opened > 0) oracle.violate(`${opened} connections at tier 0`);
  };
}
