import type { Boat } from '@d3kos/boat';
import type { Tier } from '@d3kos/protocol';
import type { VirtualClock } from './clock.ts';
import type { Boot, SimMachine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import type { FaultProbabilities } from './network-faults.ts';
import type { Oracle } from './oracle/oracle.ts';
import type { Outage } from './oracle/reads.ts';
import type { TierZeroCheck } from './oracle/tier-zero.ts';
import type { Plan } from './plan.ts';
import type { SimulatedCentral } from './simulated-central.ts';
import type { BoatSources } from './sources/boat-sources.ts';
import type { Trace } from './trace.ts';

/** A step at which power can fail. Boots count from 1. */
export interface Step {
  readonly boot: number;
  readonly number: number;
  readonly op: string;
  /** Number of pages that SQLite wrote in this step. */
  pages: number;
}

/** A running export manager. */
export interface RunningBoat {
  readonly boat: Boat;
  readonly boot: Boot;
  /** Export requests that the boat has not answered yet. */
  exportsUnderWay: number;
  isStopping: boolean;
  /** Stops the export manager as the supervisor does. Resolves when it has ended or power has failed. */
  stop(): Promise<void>;
}

/** A simulation run, with its components and current state. */
export interface Simulation {
  readonly plan: Plan;
  readonly clock: VirtualClock;
  readonly trace: Trace;
  readonly network: SimNetwork;
  readonly machine: SimMachine;
  readonly central: SimulatedCentral;
  readonly sources: BoatSources;
  readonly oracle: Oracle;
  readonly tierZero: TierZeroCheck;
  /** All device tokens issued so far. */
  readonly tokens: string[];
  /** Probabilities of faults while central is up. */
  faults: FaultProbabilities;
  isCentralDown: boolean;
  tier: Tier;
  /** How far ahead of true time an incident has set the boat's clock. */
  wrongClockMs: number;
  /** Undefined while the export manager is not running. */
  running: RunningBoat | undefined;
  /** Sets the clock during this boot, as a time server does. */
  synchronize: () => void;
  /** True if the export manager ended on its own in this boot. */
  hasManagerEnded: boolean;
  isCalm: boolean;
  /** Every step of every boot. Undefined unless the run is to list them. */
  readonly steps: Step[] | undefined;
  /** The second boat with a copy of the card. Undefined until the card has been copied. */
  copy: Simulation | undefined;
  /** Creates the second boat. Returns undefined if the card cannot be copied now. */
  makeCopy: () => Simulation | undefined;
  /** Functions, each of which ends a current incident. */
  readonly endings: Set<() => void>;
  /** All periods during which a source could not be read. */
  readonly outages: Outage[];
  /** The days that the boat's clock showed in its zone when an export was requested, and the day before each. */
  readonly daysRequested: Set<string>;
  /** Formats days in the boat's time zone, in the format of slot names. */
  readonly dayFormat: Intl.DateTimeFormat;
  /** Restores the latest backup of central's database. Undefined if there is none. */
  restoreCentral: (() => Promise<void>) | undefined;
  readonly counts: {
    boots: number;
    cuts: number;
    stops: number;
    deaths: number;
    actions: number;
  };
}
