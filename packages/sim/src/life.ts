import { type Boat, type Config, parseConfig } from '@d3kos/boat';
import { performAction } from './actions.ts';
import { bootBoat } from './boot-boat.ts';
import type { Simulation } from './simulation.ts';
import { startIncident } from './incidents.ts';
import { isImportOpen } from './oracle.ts';
import { checkAttempts, checkSecrets, checkViews } from './oracle-traces.ts';
import { CALM_BOOT } from './plan-boots.ts';
import { DAY_MS } from './plan-times.ts';
import { CENTRAL, ROOT } from './places.ts';

/** How long a daemon that ended by itself stays away. The supervisor's back-off, so that a full card costs few restarts. */
const RESTART_MS = 5 * 60_000;

/** How long after a change the JSON views say it: they wait for a free card half a minute at most. */
const VIEWS_MS = 60_000;

/** How often is looked whether something still waits: the ledger is asked each time. */
const DRAIN_LOOK_MS = 10_000;

/** The whole life of one boat: the days of trouble, the calm day, the last look. */
export async function live(sim: Simulation): Promise<void> {
  const { clock, plan, oracle, machine } = sim;
  const configText = JSON.stringify({
    central_api_url: CENTRAL,
    part_size_bytes: plan.boat.partSizeBytes,
    reserve_bytes: plan.boat.reserveBytes,
    timezone: plan.boat.timeZone,
  });
  const { config: parsed } = parseConfig({ D3KOS_ROOT: ROOT }, configText);
  // A budget so small that some kilobytes use it up: none that the configuration would take.
  const config: Config = {
    ...parsed,
    meteredSizeMaxBytes: plan.boat.meteredSizeMaxBytes,
    monthlyBudgetBytes: plan.boat.monthlyBudgetBytes,
  };
  const token = await sim.central.enroll(plan.boat.installationId);
  sim.tokens.push(token);
  sim.sources.setToken(token);
  const endMs = plan.days * DAY_MS;
  for (const { atMs, incident } of plan.incidents)
    clock.at(atMs, () => {
      if (!sim.isCalm) startIncident(sim, incident);
    });

  for (const { afterMs, action: planned } of plan.actions)
    clock.at(afterMs, () => {
      if (machine.isOn() && !sim.isCalm) performAction(sim, planned);
    });

  let isOver = false;
  const troubled = trouble(sim, config, endMs).finally(() => {
    isOver = true;
  });
  troubled.catch(() => undefined);
  await clock.run(() => isOver);
  await troubled;

  makeCalm(sim);
  // What the import of an old queue postponed it does at the next start.
  if (plan.isRestartedForCalm || sim.alive === undefined || isImportOpen(sim.alive.boat)) {
    machine.powerCut();
    sim.alive = undefined;
    bootBoat(sim, config, CALM_BOOT);
    await clock.run(() => sim.alive !== undefined || !machine.isOn(), clock.now() + DAY_MS);
  }
  const boat = (sim.alive as Simulation['alive'])?.boat;
  if (boat === undefined) {
    oracle.violate('the boat does not start on a calm day');
    return;
  }
  performAction(sim, { kind: 'export', type: 'incremental' });
  await drain(sim, boat);
  performAction(sim, { kind: 'export', type: 'incremental' });
  await drain(sim, boat);
  if (sim.alive === undefined) return;
  await oracle.checkDrained(boat, false, sim.daysAsked);
  checkViews(machine.medium, boat, oracle.violate);
  for (const entry of boat.ledger.queue.list('failed'))
    if (machine.medium.get(entry.exportFile) !== undefined) boat.manager.retry(entry.queueId);
  await drain(sim, boat);
  if (sim.alive === undefined) return;
  await oracle.checkDrained(boat, true, sim.daysAsked);
  // An export that was cut another way may be refused for it; the oracle looks at those one by one.
  const isCutAgain = sim.trace.lines.some((line) => line.includes(' is cut to '));
  for (const [status, count] of sim.central.importStatuses)
    if ((status === 409 && !isCutAgain) || status === 400 || status === 415)
      oracle.violate(`central answered ${count} imports with ${status}`);
  checkSecrets(machine, sim.tokens, sim.trace.lines, oracle.violate);
  checkAttempts(sim.trace.lines, oracle.violate);
}

/** Lets time pass until nothing waits, at the longest a day, and then the views their time. */
async function drain(sim: Simulation, boat: Boat): Promise<void> {
  const { clock } = sim;
  const untilMs = clock.now() + DAY_MS;
  const waits = (): boolean => {
    const { pending, uploading } = boat.ledger.queue.counts();
    return sim.alive?.exportsUnderWay !== 0 || pending + uploading > 0;
  };
  do {
    // Whatever the owner's budget says: "send now".
    if (sim.plan.boat.monthlyBudgetBytes !== undefined) boat.manager.process();
    await clock.advance(DRAIN_LOOK_MS);
  } while (sim.alive !== undefined && waits() && clock.now() < untilMs);
  await clock.advance(VIEWS_MS);
}

/** Switches the boat on and off by the plan until `endMs`. */
async function trouble(sim: Simulation, config: Config, endMs: number): Promise<void> {
  const { clock, machine, plan } = sim;
  for (let index = 0; clock.now() < endMs; index += 1) {
    const boot = plan.boots[index] ?? { ...CALM_BOOT, onMs: endMs };
    const power = bootBoat(sim, config, boot);
    const leftMs = endMs - clock.now();
    const waiting = new AbortController();
    await Promise.race([
      power.lost,
      clock.sleep(Math.min(boot.onMs, leftMs), waiting.signal).catch(() => undefined),
    ]);
    waiting.abort();
    if (clock.now() >= endMs) return;
    if (power.isOn() && boot.ending === 'stop' && sim.alive !== undefined) {
      await sim.alive.stop();
      if (power.isOn()) sim.counts.stops += 1;
    } else if (!sim.hasDied) sim.counts.cuts += 1;
    machine.powerCut();
    sim.alive = undefined;
    const offMs = sim.hasDied ? RESTART_MS : boot.offMs;
    sim.hasDied = false;
    await clock.sleep(Math.min(offMs, endMs - clock.now()));
  }
}

/** From now on nothing goes wrong. */
function makeCalm(sim: Simulation): void {
  sim.isCalm = true;
  sim.trace.add('calm');
  for (const end of [...sim.endings]) end();
  sim.faults = {};
  sim.network.faults = {};
  sim.network.bytesPerSecond = 1_000_000;
  sim.network.setLink('up');
  sim.synchronize();
}
