import { type Boat, type Config, isExportError, startBoat } from '@d3kos/boat';
import { performAction } from './actions.ts';
import type { Alive, Simulation } from './simulation.ts';
import { isCardUnfit, noteDays, startIncident } from './incidents.ts';
import type { BootPlan } from './plan-boots.ts';
import { type Power, PowerLost } from './power.ts';

/** Starts the machine and the export manager in it, with everything that happens during this time of power. */
export function bootBoat(sim: Simulation, config: Config, plan: BootPlan): Power {
  const { clock, machine, oracle, trace } = sim;
  sim.counts.boots += 1;
  const { medium } = machine;
  const bootNumber = sim.counts.boots;
  // What is in memory is of one boot, and so is a file system that the kernel has made read-only.
  medium.put('/proc/uptime', '12.3 40.1\n');
  medium.put('/proc/meminfo', 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n');
  medium.put('/proc/sys/kernel/random/boot_id', `boot-${bootNumber}\n`);
  if (medium.get('/run/systemd/timesync/synchronized') !== undefined)
    medium.delete('/run/systemd/timesync/synchronized');
  medium.makeDirectory('/sys');
  const booted = machine.boot({
    wallMs: Math.max(0, clock.wall() - plan.clockBehindMs),
    plan: ({ number, op }) => {
      sim.steps?.push({ boot: bootNumber, number, op, pages: 0 });
      return !sim.isCalm && number === plan.cutAtStep;
    },
    aftermath: plan.aftermath,
  });
  const { power, world } = booted;
  const died = (error: unknown): void => {
    if (!power.isOn()) return;
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    trace.add(`the export manager ended: ${isExportError(error) ? error.code : String(error)}`);
    sim.counts.deaths += 1;
    sim.hasDied = true;
    if (!isExportError(error) || !isCardUnfit(sim)) oracle.violate(`the export manager ended: ${told}`);
    machine.powerCut();
    sim.alive = undefined;
  };
  const start = async (): Promise<void> => {
    const stopping = new AbortController();
    const boat: Boat = await startBoat(world, config, stopping.signal);
    if (!power.isOn()) return;
    await clock.outside('checking', oracle.check(boat, `after boot ${bootNumber}`));
    if (!power.isOn()) return;
    const running = boat.run();
    const alive: Alive = {
      boat,
      boot: booted,
      exportsUnderWay: 0,
      isStopping: false,
      stop: async () => {
        alive.isStopping = true;
        trace.add('the export manager is told to stop');
        stopping.abort(new Error('stopped'));
        await Promise.race([running.catch(() => undefined), power.lost]);
        try {
          if (power.isOn()) boat.close();
        } catch (error) {
          if (!(error instanceof PowerLost)) throw error;
        }
      },
    };
    sim.alive = alive;
    running.catch((error: unknown) => {
      if (!alive.isStopping) died(error);
    });
  };
  start().catch(died);
  const synchronize = (): void => {
    if (!power.isOn()) return;
    booted.clock.setWall(clock.wall() + sim.wrongClockMs);
    noteDays(sim);
    medium.put('/run/systemd/timesync/synchronized', '');
    trace.add('the clock is set');
  };
  sim.synchronize = synchronize;
  clock.at(clock.now() + plan.synchronizedAfterMs, () => {
    if (power.isOn() && sim.network.link() === 'up') synchronize();
  });
  for (const { atMs, incident } of plan.incidents)
    clock.at(clock.now() + atMs, () => {
      if (power.isOn() && !sim.isCalm) startIncident(sim, incident);
    });
  for (const { afterMs, action: planned } of plan.actions)
    clock.at(clock.now() + afterMs, () => {
      if (power.isOn() && !sim.isCalm) performAction(sim, planned);
    });
  return power;
}
