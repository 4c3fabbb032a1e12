import type { Store } from '@d3kos/central';
import { createVirtualClock, type VirtualClock } from './clock.ts';
import { type Coverage, measureCoverage, sumCoverage } from './coverage.ts';
import type { FsyncMode } from './disk-medium.ts';
import { live } from './life.ts';
import { createSimMachine, type SimMachine } from './machine.ts';
import { createSimNetwork, type SimNetwork } from './network.ts';
import { createOracle } from './oracle/oracle.ts';
import { createTierZeroCheck } from './oracle/tier-zero.ts';
import { CENTRAL, TIER_API } from './places.ts';
import type { Plan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';
import { createSimRandom, type SimRandom } from './random.ts';
import { createSimulatedCentral } from './simulated-central.ts';
import type { Simulation, Step } from './simulation.ts';
import { createBoatSources } from './sources/boat-sources.ts';
import { PLANTED_SECRET } from './sources/other-sources.ts';
import { createTrace, type Trace } from './trace.ts';

/** Central's certificates were issued this long before the run. A clock that is months behind rejects them. */
const CERTIFICATE_AGE_MS = 30 * DAY_MS;
const CERTIFICATE_LIFE_MS = 400 * DAY_MS;

/** A known defect of the machine, enabled to verify that the oracle detects it. */
export interface PlantedDefect {
  /** The card reports syncs as done without performing them, either all syncs or only those of directories. */
  readonly fsync?: Exclude<FsyncMode, 'honest'>;
}

export interface RunOptions {
  readonly defect?: PlantedDefect;
  /** With `listed`, the result lists every step at which power could have failed. */
  readonly steps?: 'listed';
}

/** The result of one run of a plan. */
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
  try {
    const sim = createSimulation({ plan, store, clock, random, trace, network, machine }, options);
    const { oracle, counts } = sim;
    try {
      await live(sim);
    } catch (error) {
      // The run ends here. The trace shows what led to the error.
      oracle.violate(`the run stopped: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const coverage = measureCoverage(trace.events, plan);
    return {
      lines: trace.lines,
      violations: oracle.violations,
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

interface Parts extends Pick<Simulation, 'plan' | 'clock' | 'trace' | 'network' | 'machine'> {
  readonly store: Store;
  readonly random: SimRandom;
}

/** Connects a machine and a network with a boat's sources, central and the oracle. */
function createSimulation({ store, random, ...parts }: Parts, options: RunOptions): Simulation {
  const { plan, clock, trace, network, machine } = parts;
  const central = createSimulatedCentral(store, clock, random.fork('central'));
  const sources = createBoatSources(machine, plan.boat, random.fork('sources'), clock.wall);
  const tokens: string[] = [];
  const oracle = createOracle({
    store,
    importAnswers: central.importAnswers,
    machine,
    sources,
    installationId: plan.boat.installationId,
    trace,
    nowMs: clock.now,
    tokens,
    plantedSecrets: [PLANTED_SECRET],
  });
  const sim: Simulation = {
    ...parts,
    central,
    sources,
    oracle,
    tierZero: createTierZeroCheck(clock, network, oracle.violate),
    tokens,
    faults: {},
    isCentralDown: false,
    tier: 2,
    wrongClockMs: 0,
    running: undefined,
    synchronize: () => undefined,
    hasManagerEnded: false,
    isCalm: false,
    endings: new Set(),
    daysRequested: new Set(),
    dayFormat: new Intl.DateTimeFormat('en-CA', { timeZone: plan.boat.timeZone, dateStyle: 'short' }),
    steps: options.steps === 'listed' ? [] : undefined,
    counts: { boots: 0, cuts: 0, stops: 0, deaths: 0, actions: 0 },
  };
  if (sim.steps !== undefined) countPages(machine, sim.steps);
  network.serve(CENTRAL, 'internet', central.handler);
  network.serve(TIER_API, 'boat', async () =>
    Response.json({ success: true, tier: sim.tier, installation_id: plan.boat.installationId }),
  );
  return sim;
}

/** Records for each step how many pages SQLite wrote in it. */
function countPages({ databases }: SimMachine, steps: readonly Step[]): void {
  databases.onPages = (count) => {
    const step = steps.at(-1);
    if (step !== undefined) step.pages = count;
  };
}
