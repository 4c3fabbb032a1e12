import { type Boat, type Config, isExportError, startBoat } from '@d3kos/boat';
import type { DeliveryEvent } from '../../boat/src/deliver/delivery-event.ts';
import { performAction } from './actions.ts';
import { noteDays } from './days-requested.ts';
import { isCardUnfit, startIncident } from './incidents.ts';
import type { Boot } from './machine.ts';
import { toLedgerFacts } from './oracle/ledger-facts.ts';
import type { BootPlan } from './plan-boots.ts';
import { type Power, PowerLost } from './power.ts';
import type { RunningBoat, Simulation } from './simulation.ts';

const SYNCHRONIZED_FILE = '/run/systemd/timesync/synchronized';

/** Starts the machine and its export manager, and schedules this boot's plan. */
export function bootBoat(sim: Simulation, config: Config, plan: BootPlan): Power {
  const { clock, machine } = sim;
  sim.counts.boots += 1;
  const bootNumber = sim.counts.boots;
  writeSystemFiles(sim, bootNumber);
  const boot = machine.boot({
    wallMs: Math.max(0, clock.wall() - plan.clockBehindMs),
    plan: ({ number, op }) => {
      sim.steps?.push({ boot: bootNumber, number, op, pages: 0 });
      return !sim.isCalm && number === plan.cutAtStep;
    },
    aftermath: plan.aftermath,
  });
  startManager(sim, config, boot, bootNumber).catch((error: unknown) => endManager(sim, boot, error));
  sim.synchronize = () => synchronize(sim, boot);
  const { power } = boot;
  clock.at(clock.now() + plan.synchronizedAfterMs, () => {
    if (power.isOn() && sim.network.link() === 'up') synchronize(sim, boot);
  });
  for (const { atMs, incident } of plan.incidents)
    clock.at(clock.now() + atMs, () => {
      if (power.isOn() && !sim.isCalm) startIncident(sim, incident);
    });
  for (const { afterMs, action } of plan.actions)
    clock.at(clock.now() + afterMs, () => {
      if (power.isOn() && !sim.isCalm) performAction(sim, action);
    });
  return power;
}

/** Files that the kernel and systemd keep in memory. Each boot creates new ones. */
function writeSystemFiles({ machine: { medium } }: Simulation, bootNumber: number): void {
  medium.put('/proc/uptime', '12.3 40.1\n');
  medium.put('/proc/meminfo', 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n');
  medium.put('/proc/sys/kernel/random/boot_id', `boot-${bootNumber}\n`);
  if (medium.get(SYNCHRONIZED_FILE) !== undefined) medium.delete(SYNCHRONIZED_FILE);
  medium.makeDirectory('/sys');
}

/** Removes real paths from an event, because they differ between two runs of a seed. An event is plain data. */
function withoutRealPaths(event: DeliveryEvent, realRoot: string): DeliveryEvent {
  return JSON.parse(JSON.stringify(event).replaceAll(realRoot, '/')) as DeliveryEvent;
}

/** Starts the export manager, checks its state after recovery, and runs it. Rejects if it cannot start. */
async function startManager(sim: Simulation, config: Config, boot: Boot, bootNumber: number): Promise<void> {
  const { power, world } = boot;
  const stopping = new AbortController();
  const boat: Boat = await startBoat(world, config, stopping.signal);
  if (!power.isOn()) return;
  const realRoot = sim.machine.databases.realPath('/');
  boat.delivery.subscribe((event) => {
    if (power.isOn()) sim.trace.add({ kind: 'delivery', event: withoutRealPaths(event, realRoot) });
  });
  noteLegacyImport(sim, boat);
  await sim.clock.outside('checking', sim.oracle.checkStart(boat, bootNumber));
  if (!power.isOn()) return;
  const ended = boat.run();
  const running: RunningBoat = {
    boat,
    boot,
    exportsUnderWay: 0,
    isStopping: false,
    stop: async () => {
      running.isStopping = true;
      sim.trace.add({ kind: 'stop_requested' });
      stopping.abort(new Error('stopped'));
      await Promise.race([ended.catch(() => undefined), power.lost]);
      try {
        if (power.isOn()) boat.close();
      } catch (error) {
        if (!(error instanceof PowerLost)) throw error;
      }
    },
  };
  sim.running = running;
  ended.catch((error: unknown) => {
    if (!running.isStopping) endManager(sim, boot, error);
  });
}

/** Counts the start that imports the legacy queue towards coverage. */
function noteLegacyImport({ plan, trace }: Simulation, boat: Boat): void {
  if (plan.boat.legacyQueue === undefined || toLedgerFacts(boat).isLegacyImportOpen()) return;
  if (trace.events.some(({ kind }) => kind === 'legacy_queue_imported')) return;
  trace.add({ kind: 'legacy_queue_imported' });
}

/**
 * Handles an export manager that exited on its own. The only allowed reason is an unusable card. The supervisor restarts it in
 * a new boot.
 */
function endManager(sim: Simulation, { power }: Boot, error: unknown): void {
  if (!power.isOn()) return;
  const code = isExportError(error) ? error.code : undefined;
  // An expected failure's message contains the path of this run's real database, but both runs must produce the same trace.
  sim.trace.add({ kind: 'manager_ended', reason: code ?? String(error) });
  sim.counts.deaths += 1;
  sim.hasManagerEnded = true;
  if (code === undefined || !isCardUnfit(sim)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    sim.oracle.violate(`the export manager ended: ${text}`);
  }
  sim.machine.powerCut();
  sim.running = undefined;
}

/** Sets the boat's clock to the correct time, as a time server does, or to the wrong time set by a current incident. */
function synchronize(sim: Simulation, { power, clock }: Boot): void {
  if (!power.isOn()) return;
  clock.setWall(sim.clock.wall() + sim.wrongClockMs);
  noteDays(sim);
  sim.machine.medium.put(SYNCHRONIZED_FILE, '');
  sim.trace.add({ kind: 'clock_set' });
}
