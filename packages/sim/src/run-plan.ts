import type { Store } from '@d3kos/central';
import { createVirtualClock } from './clock.ts';
import type { Simulation, Step } from './simulation.ts';
import type { FsyncMode } from './disk-medium.ts';
import { live } from './life.ts';
import { createSimNetwork } from './network.ts';
import { createOracle } from './oracle.ts';
import { CENTRAL, TIER_API } from './places.ts';
import type { Plan } from './plan.ts';
import { DAY_MS } from './plan-times.ts';
import { createSimRandom } from './random.ts';
import { createSimulatedCentral } from './simulated-central.ts';
import { createBoatSources, PLANTED_SECRET } from './sources.ts';
import { countCoverage, measureCoverage } from './coverage.ts';
import { createTrace } from './trace.ts';
import { createSimMachine, type SimMachine } from './machine.ts';

/** Certificates of the central: made some weeks before the run, so a clock that is months behind trusts none. */
const CERTIFICATE_AGE_MS = 30 * DAY_MS;
const CERTIFICATE_LIFE_MS = 400 * DAY_MS;

/** Real faults of a machine that a run can be given, to see that the oracle notices them. */
export interface PlantedDefect {
  /** The card says that it has synced and has not: nothing, or no directory. */
  readonly fsync?: Exclude<FsyncMode, 'honest'>;
}

/** What came of one run of a plan. */
export interface RunResult {
  readonly lines: readonly string[];
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  /** How often each kind of fault, and each thing the boat does about it, was met. */
  readonly met: ReadonlyMap<string, number>;
  /** The steps at which power could have failed, where they were asked for. */
  readonly steps: readonly Step[];
}

/**
 * Runs a plan against the real boat and the real central, on an empty `store`, and says what of the promises was broken.
 * With `follow: 'steps'` the steps are kept as well.
 */
export async function runPlan(
  plan: Plan,
  store: Store,
  defect: PlantedDefect = {},
  follow?: 'steps',
): Promise<RunResult> {
  const clock = createVirtualClock(plan.startWallMs);
  const random = createSimRandom(`run ${plan.seed}`);
  const trace = createTrace(clock.now);
  const network = createSimNetwork({
    clock,
    random: random.fork('network'),
    trace,
  });
  network.bytesPerSecond = plan.boat.bytesPerSecond;
  network.latencyMaxMs = plan.boat.latencyMaxMs;
  network.carriedBytesMax = plan.boat.carriedBytesMax ?? Number.POSITIVE_INFINITY;
  network.certificates = {
    fromMs: plan.startWallMs - CERTIFICATE_AGE_MS,
    untilMs: plan.startWallMs + CERTIFICATE_LIFE_MS,
  };
  const machine = createSimMachine({
    name: 'boat',
    clock,
    random: random.fork('boat'),
    network,
    trace,
    diskLatencyMaxMs: plan.boat.diskLatencyMaxMs,
  });
  machine.medium.fsync = defect.fsync ?? 'honest';
  machine.medium.capacityBytes = plan.boat.cardBytes;
  try {
    const central = createSimulatedCentral(store, clock, random.fork('central'));
    const sources = createBoatSources(machine, plan.boat, random.fork('sources'), clock.wall);
    const tokens: string[] = [];
    const oracle = createOracle({
      store,
      medium: machine.medium,
      sources,
      installationId: plan.boat.installationId,
      trace,
      nowMs: clock.now,
      secrets: () => [...tokens, PLANTED_SECRET],
    });
    const sim: Simulation = {
      plan,
      clock,
      random: random.fork('sim'),
      trace,
      network,
      machine,
      central,
      sources,
      oracle,
      tokens,
      faults: {},
      centralIsDown: false,
      tier: 2,
      endTierZero: () => undefined,
      wrongClockMs: 0,
      alive: undefined,
      synchronize: () => undefined,
      hasDied: false,
      isCalm: false,
      endings: new Set(),
      daysAsked: new Set(),
      dayFormat: new Intl.DateTimeFormat('en-CA', { timeZone: plan.boat.timeZone, dateStyle: 'short' }),
      steps: follow === 'steps' ? [] : undefined,
      counts: { boots: 0, cuts: 0, stops: 0, deaths: 0, actions: 0 },
    };
    if (sim.steps !== undefined) followPages(machine, sim.steps);
    network.serve(CENTRAL, 'internet', central.handler);
    network.serve(TIER_API, 'boat', async () =>
      Response.json({
        success: true,
        tier: sim.tier,
        installation_id: plan.boat.installationId,
      }),
    );
    try {
      await live(sim);
    } catch (error) {
      // The run ends here, and its trace says what led to it.
      oracle.violate(`the run stopped: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { counts } = sim;
    const met = measureCoverage(trace.lines, plan);
    return {
      lines: trace.lines,
      violations: oracle.violations,
      counts: {
        ...counts,
        ...oracle.counts,
        exchanges: network.traffic().attempts,
        ...countCoverage(met),
      },
      met,
      steps: sim.steps ?? [],
    };
  } finally {
    machine.close();
  }
}

/** Notes at each step how many pages SQLite wrote in it. */
function followPages({ databases }: SimMachine, steps: readonly Step[]): void {
  databases.onPages = (count) => {
    const step = steps.at(-1);
    if (step !== undefined) step.pages = count;
  };
}
