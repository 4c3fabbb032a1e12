import type { Store } from '@d3kos/central';
import { assembleSimulation } from './assemble-simulation.ts';
import { CARD_FOLDERS } from './card-image.ts';
import { createSimMachine } from './machine.ts';
import { createSimNetwork } from './network.ts';
import type { SimRandom } from './random.ts';
import type { Simulation } from './simulation.ts';
import { createTrace } from './trace.ts';

/**
 * While this boat is off, creates a second boat whose card is a copy of this one's. Both have the same identity, and neither can
 * detect the other. Returns undefined while the boatlog is unreadable, because that incident must end on the card on which it
 * began.
 */
export function copyBoat(sim: Simulation, store: Store, random: SimRandom): Simulation | undefined {
  const { plan, clock, machine, central, tokens } = sim;
  // The history of the card's exports also explains their state on the copy.
  const trace = createTrace(clock.now, sim.trace.events);
  const network = createSimNetwork({ clock, random: random.fork('network'), trace });
  const copied = createSimMachine({
    name: 'second boat',
    clock,
    random: random.fork('boat'),
    network,
    trace,
    diskLatencyMaxMs: plan.boat.diskLatencyMaxMs,
  });
  const sources = sim.sources.copyTo(copied, random.fork('sources'));
  if (sources === undefined) {
    copied.close();
    return undefined;
  }
  copied.medium.fsync = machine.medium.fsync;
  copied.medium.capacityBytes = plan.boat.cardBytes;
  for (const folder of CARD_FOLDERS) machine.medium.takeImage(folder)(copied.medium);
  machine.databases.takeImage()(copied.databases);
  // The owner's actions on the second boat are part of its boots' plans.
  const ownPlan = { ...plan, boots: plan.copy?.boots ?? [], actions: [], incidents: [], card: undefined };
  const copy = assembleSimulation({
    store,
    plan: { ...ownPlan, copy: undefined },
    clock,
    trace,
    network,
    machine: copied,
    central,
    sources,
    tokens,
    steps: undefined,
  });
  sources.setTier(2);
  for (const day of sim.daysRequested) copy.daysRequested.add(day);
  sim.oracle.expectCopy(copy.oracle);
  for (const { trace: own } of [sim, copy]) own.add({ kind: 'card_copied' });
  return copy;
}
