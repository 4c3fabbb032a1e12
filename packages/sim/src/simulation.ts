import type { Boat } from '@d3kos/boat';
import type { Tier } from '@d3kos/protocol';
import type { VirtualClock } from './clock.ts';
import type { SimNetwork } from './network.ts';
import type { FaultProbabilities } from './network-faults.ts';
import type { Oracle } from './oracle.ts';
import type { Plan } from './plan.ts';
import type { SimRandom } from './random.ts';
import type { SimulatedCentral } from './simulated-central.ts';
import type { BoatSources } from './sources.ts';
import type { Trace } from './trace.ts';
import type { Boot, SimMachine } from './machine.ts';

/** A step at which power can fail, of a boot counted from 1. */
export interface Step {
  readonly boot: number;
  readonly number: number;
  readonly op: string;
  /** Pages that SQLite wrote in it. */
  pages: number;
}

/** An export manager that runs, in the boot it runs in. */
export interface Alive {
  readonly boat: Boat;
  readonly boot: Boot;
  /** Exports that were asked for and not yet answered. */
  exportsUnderWay: number;
  /** Ends the export manager as the supervisor does; resolves when it has ended or the power is gone. */
  stop(): Promise<void>;
  isStopping: boolean;
}

/** One run: everything in it, and how things stand now. */
export interface Simulation {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly random: SimRandom;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly machine: SimMachine;
  readonly central: SimulatedCentral;
  readonly sources: BoatSources;
  readonly oracle: Oracle;
  /** Every device token there ever was: secrets that must not be found anywhere. */
  readonly tokens: string[];
  /** The probabilities of faults while central is up. */
  faults: FaultProbabilities;
  centralIsDown: boolean;
  tier: Tier;
  /** Looks back on a time at tier 0 that ends now. */
  endTierZero: () => void;
  /** How far ahead somebody has set the clock. */
  wrongClockMs: number;
  /** Undefined while the export manager does not answer. */
  alive: Alive | undefined;
  /** Sets the clock of this boot, as a time server does. */
  synchronize: () => void;
  /** The export manager ended by itself in this boot. */
  hasDied: boolean;
  isCalm: boolean;
  /** The steps of every boot, where somebody wants to know them. */
  readonly steps: Step[] | undefined;
  /** What ends the incidents that go on. */
  readonly endings: Set<() => void>;
  /** The days the boat's clock showed, in its zone, when the daily export was asked for, and each day before. */
  readonly daysAsked: Set<string>;
  /** Days of the boat's zone, as slots name them. */
  readonly dayFormat: Intl.DateTimeFormat;
  readonly counts: {
    boots: number;
    cuts: number;
    stops: number;
    deaths: number;
    actions: number;
  };
}
