import { type Boat, type Config, parseConfig } from '@d3kos/boat';
import { performAction } from './actions.ts';
import { bootBoat } from './boot-boat.ts';
import { takeCardImage } from './card-image.ts';
import { startIncident } from './incidents.ts';
import { toLedgerFacts } from './oracle/ledger-facts.ts';
import { CALM_BOOT } from './plan-boots.ts';
import { DAY_MS } from './plan-times.ts';
import { CENTRAL, ROOT } from './places.ts';
import type { RunningBoat, Simulation } from './simulation.ts';

/**
 * Pause before restarting a daemon that exited on its own. It is longer than the supervisor's pause, so that a full card causes
 * few restarts.
 */
const RESTART_MS = 5 * 60_000;

/** Time from a change until the JSON views show it. The views are written once the card is idle, after at most 30 s. */
const VIEWS_MS = 60_000;

/** Interval at which the ledger is checked for waiting exports. */
const DRAIN_POLL_MS = 10_000;

/** Runs a boat's complete life: the days with faults, the calm day and the final checks. */
export async function live(sim: Simulation): Promise<void> {
  const config = toConfig(sim);
  const token = await sim.central.enroll(sim.plan.boat.installationId);
  sim.tokens.push(token);
  sim.sources.setToken(token);
  await liveThroughTrouble(sim, config);
  const sims = sim.copy === undefined ? [sim] : [sim, sim.copy];
  for (const each of sims) beginCalm(each);
  const boats: (readonly [Simulation, Boat])[] = [];
  for (const each of sims) {
    const boat = await recoverForCalm(each, config);
    if (boat === undefined) return each.oracle.violate('the boat does not start on the calm day');
    boats.push([each, boat]);
  }
  if (boats.length > 1) await exportInTurns(boats);
  for (const [each, boat] of boats) await liveThroughCalm(each, boat);
  if (sim.copy !== undefined) await sim.oracle.checkWarned();
}

/**
 * Number of exports from each of two boats with one identity. The first may be refused, in which case the second is in a new
 * ledger.
 */
const TURNS = 3;

/** Lets two boats with one identity export new records alternately. */
async function exportInTurns(boats: readonly (readonly [Simulation, Boat])[]): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1)
    for (const [sim, boat] of boats) {
      performAction(sim, { kind: 'rows', source: 'boatlog', count: 1 });
      performAction(sim, { kind: 'export', type: 'incremental' });
      await drain(sim, boat);
    }
}

function toConfig({ plan: { boat } }: Simulation): Config {
  const configText = JSON.stringify({
    central_api_url: CENTRAL,
    part_size_bytes: boat.partSizeBytes,
    reserve_bytes: boat.reserveBytes,
    timezone: boat.timeZone,
    signalk_url: 'off',
  });
  const { config } = parseConfig({ D3KOS_ROOT: ROOT }, configText);
  // Limits of a few kilobytes, so that a run can use them up. The configuration file does not accept such small limits.
  return {
    ...config,
    meteredSizeMaxBytes: boat.meteredSizeMaxBytes,
    monthlyBudgetBytes: boat.monthlyBudgetBytes,
  };
}

/** Runs the plan's days, with its boots, actions and incidents. */
async function liveThroughTrouble(sim: Simulation, config: Config): Promise<void> {
  const { clock, plan, machine } = sim;
  for (const { atMs, incident } of plan.incidents)
    clock.at(atMs, () => {
      if (!sim.isCalm) startIncident(sim, incident);
    });
  for (const { afterMs, action } of plan.actions)
    clock.at(afterMs, () => {
      if (machine.isOn() && !sim.isCalm) performAction(sim, action);
    });
  let isOver = false;
  const boots = runBothBoats(sim, config, plan.days * DAY_MS).finally(() => {
    isOver = true;
  });
  // The `await` below throws a failure. Until then Node must not report it as unhandled.
  boots.catch(() => undefined);
  await clock.run(() => isOver);
  await boots;
}

/** Runs the boat, and also the second one once the card has been copied. */
async function runBothBoats(sim: Simulation, config: Config, endMs: number): Promise<void> {
  let second: Promise<void> | undefined;
  await runBoots(sim, config, endMs, () => {
    sim.copy = sim.makeCopy();
    second = sim.copy === undefined ? undefined : runBoots(sim.copy, config, endMs);
    second?.catch(() => undefined);
  });
  await second;
}

/** Switches the boat on and off as planned until `endMs`. */
async function runBoots(
  sim: Simulation,
  config: Config,
  endMs: number,
  copyCard: () => void = () => undefined,
): Promise<void> {
  const { clock, machine, plan } = sim;
  let restoreCard: (() => void) | undefined;
  for (let index = 0; clock.now() < endMs; index += 1) {
    const boot = plan.boots[index] ?? { ...CALM_BOOT, onMs: endMs };
    const power = bootBoat(sim, config, boot);
    const waiting = new AbortController();
    await Promise.race([
      power.lost,
      clock.sleep(Math.min(boot.onMs, endMs - clock.now()), waiting.signal).catch(() => undefined),
    ]);
    waiting.abort();
    if (clock.now() >= endMs) return;
    if (power.isOn() && boot.ending === 'stop' && sim.running !== undefined) {
      await sim.running.stop();
      if (power.isOn()) sim.counts.stops += 1;
    } else if (!sim.hasManagerEnded) sim.counts.cuts += 1;
    machine.powerCut();
    sim.running = undefined;
    if (plan.copy?.copiedAfterBoot === index) copyCard();
    if (plan.card?.imagedAfterBoot === index) restoreCard = takeCardImage(sim);
    if (plan.card?.restoredAfterBoot === index) restoreCard?.();
    const offMs = sim.hasManagerEnded ? RESTART_MS : boot.offMs;
    sim.hasManagerEnded = false;
    await clock.sleep(Math.min(offMs, endMs - clock.now()));
  }
}

/** Ends all faults for the rest of the run. */
function beginCalm(sim: Simulation): void {
  sim.isCalm = true;
  sim.trace.add({ kind: 'calm' });
  for (const end of [...sim.endings]) end();
  sim.faults = {};
  sim.network.faults = {};
  sim.network.bytesPerSecond = 1_000_000;
  sim.network.setLink('up');
  sim.synchronize();
}

/** Returns the running boat, restarted if the plan or its state requires it, or undefined if it does not start. */
async function recoverForCalm(sim: Simulation, config: Config): Promise<Boat | undefined> {
  const { clock, machine, plan } = sim;
  const before = currentBoat(sim)?.boat;
  // An unfinished import of a legacy queue resumes only at a start.
  if (plan.isRestartedForCalm || before === undefined || toLedgerFacts(before).isLegacyImportOpen()) {
    machine.powerCut();
    sim.running = undefined;
    bootBoat(sim, config, CALM_BOOT);
    await clock.run(() => sim.running !== undefined || !machine.isOn(), clock.now() + DAY_MS);
  }
  return currentBoat(sim)?.boat;
}

/** Returns the current `sim.running`. The compiler cannot detect that other functions change it. */
function currentBoat(sim: Simulation): RunningBoat | undefined {
  return sim.running;
}

/** Delivers every export, retries failed exports, and checks all promises. */
async function liveThroughCalm(sim: Simulation, boat: Boat): Promise<void> {
  const { oracle, machine, daysRequested } = sim;
  if (oracle.evidence.lost.isAwaited) await learnOfLosses(sim, boat);
  performAction(sim, { kind: 'export', type: 'incremental' });
  await drain(sim, boat);
  performAction(sim, { kind: 'export', type: 'incremental' });
  await drain(sim, boat);
  if (sim.running === undefined) return;
  await oracle.checkDrained(boat, daysRequested);
  oracle.checkViews(boat);
  const { ledgerId } = boat.ledger.facts;
  for (const entry of boat.ledger.queue.list('failed'))
    if (machine.medium.get(entry.exportFile) !== undefined) boat.manager.retry(entry.queueId);
  await drain(sim, boat);
  // A retried export can reveal that the ledger had returned to an older state. The next export is then full, and restores the
  // records that older exports replaced.
  if (boat.ledger.facts.ledgerId !== ledgerId) {
    performAction(sim, { kind: 'export', type: 'incremental' });
    await drain(sim, boat);
  }
  if (currentBoat(sim) === undefined) return;
  await oracle.checkFinished(boat, daysRequested);
}

/**
 * Central reports lost exports in its answer to one export. The boat requeues an export at most once a day (R90), so this exports
 * again a day later for each further restoration of central.
 */
async function learnOfLosses(sim: Simulation, boat: Boat): Promise<void> {
  const { clock, oracle, trace } = sim;
  const restorations = trace.events.filter(({ kind }) => kind === 'central_restored').length;
  for (let time = 0; time < restorations; time += 1) {
    if (time > 0) await clock.advance(DAY_MS);
    performAction(sim, { kind: 'rows', source: 'boatlog', count: 1 });
    performAction(sim, { kind: 'export', type: 'incremental' });
    await drain(sim, boat);
  }
  oracle.expectRestored();
}

/** Lets time pass until no export is waiting, for at most a day, and then until the views are written. */
async function drain(sim: Simulation, boat: Boat): Promise<void> {
  const { clock } = sim;
  const untilMs = clock.now() + DAY_MS;
  const isWaiting = (): boolean =>
    sim.running?.exportsUnderWay !== 0 || toLedgerFacts(boat).waitingCount() > 0;
  do {
    // "Send now" overrides the monthly budget.
    if (sim.plan.boat.monthlyBudgetBytes !== undefined) boat.manager.process();
    await clock.advance(DRAIN_POLL_MS);
  } while (sim.running !== undefined && isWaiting() && clock.now() < untilMs);
  await clock.advance(VIEWS_MS);
}
