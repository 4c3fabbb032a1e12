import type { Store } from '@d3kos/central';
import { createOracle } from './oracle/oracle.ts';
import { createTierZeroCheck } from './oracle/tier-zero.ts';
import { CENTRAL, TIER_API } from './places.ts';
import type { Simulation } from './simulation.ts';
import { PLANTED_SECRET } from './sources/other-sources.ts';

/** The components of a boat's simulation that are created first. */
export interface Parts extends Pick<
  Simulation,
  'plan' | 'clock' | 'trace' | 'network' | 'machine' | 'central' | 'sources' | 'tokens' | 'steps'
> {
  readonly store: Store;
}

/** Connects a machine and a network with a boat's sources, central and an oracle. */
export function assembleSimulation({ store, ...parts }: Parts): Simulation {
  const { plan, clock, trace, network, machine, central, sources, tokens } = parts;
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
    oracle,
    tierZero: createTierZeroCheck(clock, network, oracle.violate),
    faults: {},
    isCentralDown: false,
    tier: 2,
    wrongClockMs: 0,
    running: undefined,
    synchronize: () => undefined,
    hasManagerEnded: false,
    isCalm: false,
    endings: new Set(),
    outages: [],
    copy: undefined,
    restoreCentral: undefined,
    makeCopy: () => undefined,
    daysRequested: new Set(),
    dayFormat: new Intl.DateTimeFormat('en-CA', { timeZone: plan.boat.timeZone, dateStyle: 'short' }),
    counts: { boots: 0, cuts: 0, stops: 0, deaths: 0, actions: 0 },
  };
  network.serve(CENTRAL, 'internet', central.handler);
  network.serve(TIER_API, 'boat', async () =>
    Response.json({ success: true, tier: sim.tier, installation_id: plan.boat.installationId }),
  );
  return sim;
}
