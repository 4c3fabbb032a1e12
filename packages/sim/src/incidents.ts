import type { Tier } from '@d3kos/protocol';
import type { Deck } from './deck.ts';
import type { Incident } from './plan-incidents.ts';
import { DAY_MS } from './plan-times.ts';

/** How long after a link is up a time server has answered. */
const TIME_SERVER_MS = 2_000;

/** How long a request that was permitted just before the tier fell to 0 may take to begin. */
const TIER_GRACE_MS = 3_000;

/** Lets an incident happen, and end in its time. */
export function startIncident(deck: Deck, incident: Incident): void {
  const { kind, ...facts } = incident;
  deck.trace.add(`incident ${kind} ${JSON.stringify(facts)}`);
  const end = begin(deck, incident);
  if (end === undefined || !('forMs' in incident)) return;
  const ending = (): void => {
    if (!deck.endings.delete(ending)) return;
    deck.trace.add(`end of ${kind}`);
    end();
  };
  deck.endings.add(ending);
  deck.clock.at(deck.clock.now() + incident.forMs, ending);
}

/** Begins it, and gives what ends it. */
function begin(deck: Deck, incident: Incident): (() => void) | undefined {
  const { clock, network, shore, machine, sources } = deck;
  switch (incident.kind) {
    case 'link':
      network.setLink(incident.state);
      if (incident.state === 'up')
        clock.at(clock.now() + TIME_SERVER_MS, () => {
          if (network.link() === 'up') deck.synchronize();
        });
      return undefined;
    case 'faults':
      deck.faults = incident.chances;
      applyFaults(deck);
      return undefined;
    case 'link-drops':
      network.carriedBytesMax = incident.afterBytes;
      return () => {
        network.carriedBytesMax = deck.plan.boat.carriedBytesMax ?? Number.POSITIVE_INFINITY;
      };
    case 'metered':
      network.isMetered = true;
      return () => {
        network.isMetered = false;
      };
    case 'central-down':
    case 'central-restart':
      deck.centralIsDown = true;
      if (incident.kind === 'central-restart') network.breakConnections();
      applyFaults(deck);
      return () => {
        deck.centralIsDown = false;
        applyFaults(deck);
      };
    case 'central-refuses':
      shore.setMode({
        kind: 'refuses',
        status: incident.status,
        retryAfterSeconds: incident.retryAfterSeconds,
        alsoHealth: incident.alsoHealth,
      });
      return () => shore.setMode({ kind: 'normal' });
    case 'central-rejects':
      shore.setMode({ kind: 'rejects' });
      return () => shore.setMode({ kind: 'normal' });
    case 'central-takes-less':
      shore.setMode({
        kind: 'takes-less',
        bodySizeMaxBytes: incident.bodySizeMaxBytes,
      });
      return () => shore.setMode({ kind: 'normal' });
    case 'card-full': {
      const { medium } = machine;
      medium.capacityBytes = deck.plan.boat.cardBytes - medium.freeBytes + incident.leftBytes;
      return () => {
        medium.capacityBytes = deck.plan.boat.cardBytes;
      };
    }
    case 'ledger-full':
      machine.databases.isFull = true;
      return () => {
        machine.databases.isFull = false;
      };
    case 'card-read-only':
      setReadOnly(deck, true);
      return () => setReadOnly(deck, false);
    case 'token-revoked':
      void shore.revoke(deck.plan.boat.installationId);
      return () =>
        void shore.enroll(deck.plan.boat.installationId).then((token) => {
          deck.tokens.push(token);
          sources.setToken(token);
        });
    case 'tier':
      setTier(deck, incident.tier);
      return () => setTier(deck, 2);
    case 'clock-wrong':
      setWrongClock(deck, incident.aheadMs);
      return () => setWrongClock(deck, 0);
    case 'boatlog-unreadable':
      sources.setBoatlogReadable(false);
      return () => sources.setBoatlogReadable(true);
  }
}

function setReadOnly({ machine }: Deck, isReadOnly: boolean): void {
  machine.medium.isReadOnly = isReadOnly;
  machine.databases.isReadOnly = isReadOnly;
}

/** True while the card refuses writes: it is full, or read-only. */
export function isCardUnfit({ machine, plan }: Deck): boolean {
  const { medium, databases } = machine;
  return (
    medium.capacityBytes !== plan.boat.cardBytes ||
    medium.isReadOnly ||
    databases.isFull ||
    databases.isReadOnly
  );
}

function applyFaults(deck: Deck): void {
  deck.network.faults = deck.centralIsDown ? { connection_refused: 1 } : deck.faults;
}

function setWrongClock(deck: Deck, aheadMs: number): void {
  deck.wrongClockMs = aheadMs;
  deck.alive?.boot.clock.setWall(deck.clock.wall() + aheadMs);
  noteDays(deck);
}

/**
 * Notes the days for which a daily export may be claimed now: while exports are asked for, the day the boat's clock shows
 * in its zone, and the day before, whose slot is owed until its hour. Called when one is asked for, when one is answered,
 * and when the clock is set between.
 */
export function noteDays({ alive, dayFormat, daysAsked }: Deck): void {
  if (alive === undefined || alive.exportsUnderWay === 0) return;
  const day = dayFormat.format(alive.boot.clock.wall());
  // Days of the calendar: where clocks change a day is not 24 hours.
  const dayBefore = new Date(Date.parse(day) - DAY_MS).toISOString().slice(0, day.length);
  for (const asked of [day, dayBefore]) daysAsked.add(asked);
}

/** At tier 0 not one connection is opened, from the moment on at which no permission given before can still be used. */
function setTier(deck: Deck, tier: Tier): void {
  const { clock, network, oracle, sources } = deck;
  deck.endTierZero();
  deck.endTierZero = () => undefined;
  deck.tier = tier;
  sources.setTier(tier);
  if (tier !== 0) return;
  let before: number | undefined;
  const stop = clock.at(clock.now() + TIER_GRACE_MS, () => {
    before = network.traffic().attempts;
  });
  deck.endTierZero = () => {
    stop();
    const opened = before === undefined ? 0 : network.traffic().attempts - before;
    if (opened > 0) oracle.violate(`${opened} connections at tier 0`);
  };
}
