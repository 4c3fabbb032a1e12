import { type Boat, type Config, isExportError, startBoat, toSourcePaths } from '@d3kos/boat';
import { act } from './acts.ts';
import type { Alive, Deck } from './deck.ts';
import { isCardUnfit, noteDays, startIncident } from './incidents.ts';
import type { BootPlan } from './plan-boots.ts';
import { type Power, PowerLost } from './world-power.ts';

/** Starts the machine and the export manager in it, with everything that happens during this time of power. */
export function bootBoat(deck: Deck, config: Config, plan: BootPlan): Power {
  const { clock, machine, oracle, trace } = deck;
  deck.counts.boots += 1;
  const { medium } = machine;
  const bootNumber = deck.counts.boots;
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
      deck.steps?.push({ boot: bootNumber, number, op, pages: 0 });
      return !deck.isCalm && number === plan.cutAtStep;
    },
    aftermath: plan.aftermath,
  });
  const { power, world } = booted;
  const died = (error: unknown): void => {
    if (!power.isOn()) return;
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    trace.add(`the export manager ended: ${isExportError(error) ? error.code : String(error)}`);
    deck.counts.deaths += 1;
    deck.hasDied = true;
    if (!isExportError(error) || !isCardUnfit(deck)) oracle.violate(`the export manager ended: ${told}`);
    machine.powerCut();
    deck.alive = undefined;
  };
  const start = async (): Promise<void> => {
    const stopping = new AbortController();
    const boat: Boat = await startBoat(
      world,
      config,
      stopping.signal,
      toSourcePaths(config),
      deck.plan.boat.digestsKeptMax,
    );
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
    deck.alive = alive;
    running.catch((error: unknown) => {
      if (!alive.isStopping) died(error);
    });
  };
  start().catch(died);
  const synchronize = (): void => {
    if (!power.isOn()) return;
    booted.clock.setWall(clock.wall() + deck.wrongClockMs);
    noteDays(deck);
    medium.put('/run/systemd/timesync/synchronized', '');
    trace.add('the clock is set');
  };
  deck.synchronize = synchronize;
  clock.at(clock.now() + plan.synchronizedAfterMs, () => {
    if (power.isOn() && deck.network.link() === 'up') synchronize();
  });
  for (const { atMs, incident } of plan.incidents)
    clock.at(clock.now() + atMs, () => {
      if (power.isOn() && !deck.isCalm) startIncident(deck, incident);
    });
  for (const { afterMs, act: planned } of plan.acts)
    clock.at(clock.now() + afterMs, () => {
      if (power.isOn() && !deck.isCalm) act(deck, planned);
    });
  return power;
}
