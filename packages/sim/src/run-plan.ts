import type { Store } from '@d3kos/central';
import { assembleSimulation } from './assemble-simulation.ts';
import { copyBoat } from './copied-card.ts';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { type Coverage, measureCoverage, sumCoverage } from './coverage.ts';
import type { FsyncMode } from './disk-medium.ts';
import { live } from './life.ts';
import { createSimMachine, type SimMachine } from './machine.ts';
import { createSimNetwork, type SimNetwork } from './network.ts';
import type { Plan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';
import { createSimRandom, type SimRandom } from './random.ts';
import { createSimulatedCentral } from './simulated-central.ts';
import type { Simulation, Step } from './simulation.ts';
import { createBoatSources } from './sources/boat-sources.ts';
import { createTrace, type Trace } from './trace.ts';

/** Age of central's certificates at the beginning of the run. A boat whose clock is months behind rejects them. */
const CERTIFICATE_AGE_MS = 30 * DAY_MS;
const CERTIFICATE_LIFE_MS = 400 * DAY_MS;

/** A deliberate defect of the machine that shows whether the oracle detects it. */
export interface PlantedDefect {
  /** The card reports syncs as done without performing them: either all syncs or only those of directories. */
  readonly fsync?: Exclude<FsyncMode, 'honest'>;
}

export interface RunOptions {
  readonly defect?: PlantedDefect;
  /** With `listed`, the result lists every step at which power could have failed. */
  readonly steps?: 'listed';
}

/** The result of running a plan once. */
export interface RunResult {
  readonly lines: readonly string[];
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly coverage: Coverage;
  /** Empty unless the options request them. */
  readonly steps: readonly Step[];
}

/** Runs a plan with the real boat and the real central on an empty `store`, and reports broken promises. */
export async function runPlan(plan: Plan, store: Store, options: RunOptions = {}): Promise<RunResult> {
  const clock = createVirtualClock(plan.startWallMs);
  const random = createSimRandom(`run ${plan.seed}`);
  const trace = createTrace(clock.now);
  const network = createPlannedNetwork(plan, clock, random, trace);
  const machine = createSimMachine({
    name: 'boat',
    clock,
    random: random.fork('boat'),
    network,
    trace,
    diskLatencyMaxMs: plan.boat.diskLatencyMaxMs,
  });
  machine.medium.fsync = options.defect?.fsync ?? 'honest';
  machine.medium.capacityBytes = plan.boat.cardBytes;
  let copied: SimMachine | undefined;
  try {
    const sim = createSimulation({ plan, store, clock, random, trace, network, machine }, options);
    const { oracle, counts } = sim;
    try {
      await live(sim).finally(() => {
        copied = sim.copy?.machine;
      });
    } catch (error) {
      // The run ends here. The trace shows what led to the error.
      oracle.violate(`the run stopped: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const coverage = measureCoverage(trace.events, plan);
    const { copy } = sim;
    return {
      lines: [...trace.lines, ...(copy?.trace.lines ?? [])],
      violations: [
        ...oracle.violations,
        ...(copy?.oracle.violations ?? []).map((text) => `the second boat: ${text}`),
      ],
      counts: {
        ...counts,
        ...oracle.counts,
        exchanges: network.traffic().attempts,
        ...sumCoverage(coverage),
      },
      coverage,
      steps: sim.steps ?? [],
    };
  } finally {
    machine.close();
    copied?.close();
  }
}

function createPlannedNetwork(
  { boat, startWallMs }: Plan,
  clock: VirtualClock,
  random: SimRandom,
  trace: Trace,
): SimNetwork {
  const network = createSimNetwork({ clock, random: random.fork('network'), trace });
  network.bytesPerSecond = boat.bytesPerSecond;
  network.latencyMaxMs = boat.latencyMaxMs;
  network.carriedBytesMax = boat.carriedBytesMax ?? Number.POSITIVE_INFINITY;
  network.certificates = {
    fromMs: startWallMs - CERTIFICATE_AGE_MS,
    untilMs: startWallMs + CERTIFICATE_LIFE_MS,
  };
  return network;
}

/** Creates the simulation of the first boat. */
function createSimulation(parts: RunParts, options: RunOptions): Simulation {
  const { store, random, plan, clock, machine } = parts;
  const sim = assembleSimulation({
    ...parts,
    central: createSimulatedCentral(store, clock, random.fork('central')),
    sources: createBoatSources(machine, plan.boat, random.fork('sources'), clock.wall),
    tokens: [],
    steps: options.steps === 'listed' ? [] : undefined,
  });
  if (sim.steps !== undefined) countPages(machine, sim.steps);
  sim.makeCopy = () => copyBoat(sim, store, random.fork('copy'));
  return sim;
}

interface RunParts extends Pick<Simulation, 'plan' | 'clock' | 'trace' | 'network' | 'machine'> {
  readonly store: Store;
  readonly random: SimRandom;
}

/** Records how many pages SQLite wrote in each step. */
function countPages({ databases }: SimMachine, steps: readonly Step[]): void {
  databases.onPages = (count) => {
    const step = steps.at(-1);
    if (step !== undefined) step.pages = count;
  };
}
