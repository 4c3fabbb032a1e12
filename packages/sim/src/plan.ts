import type { Tier } from '@d3kos/protocol';
import { FAULTS, type FaultChances } from './network-faults.ts';
import { createSimRandom, type SimRandom } from './random.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The moment at which every simulation begins, on the true clock. */
export const START_WALL_MS = Date.UTC(2026, 5, 1, 9, 30);

/** How often the power may come back within a day; after the last of these the boat stays on. */
const BOOTS_PER_DAY = 16;

/** A boat as it is when the run begins. */
export interface BoatPlan {
  readonly installationId: string;
  readonly partSizeBytes: number;
  readonly reserveBytes: number;
  /** Size of the card; what is free is this less the files. */
  readonly cardBytes: number;
  readonly timeZone: string;
  /** Longest one step of the disk takes. 0: no time. */
  readonly diskLatencyMaxMs: number;
  readonly boatlogIds: 'integer' | 'text' | 'none';
  readonly boatlogRows: number;
  readonly captureRows: number;
  readonly alertRows: number;
  /** Longest text of a boatlog row. */
  readonly contentLengthMax: number;
  readonly bytesPerSecond: number;
  /** What the link carries of one request before it drops, on every day of the run; undefined: any request. */
  readonly carriedBytesMax: number | undefined;
}

/** What somebody on board, or another service of the boat, does. It is left out where the boat has no power at the time. */
export type Act =
  | {
      readonly kind: 'rows';
      readonly source: 'boatlog' | 'captures' | 'snapshots' | 'alerts';
      readonly count: number;
    }
  | {
      readonly kind: 'change';
      readonly source: 'alerts' | 'settings' | 'onboarding';
    }
  | { readonly kind: 'remove'; readonly source: 'snapshots' | 'alerts' }
  | { readonly kind: 'replace-boatlog'; readonly rows: number }
  | { readonly kind: 'export'; readonly type: 'full' | 'incremental' }
  | { readonly kind: 'daily'; readonly times: 1 | 2 }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'retry' }
  | { readonly kind: 'process' }
  | { readonly kind: 'cleanup'; readonly olderThanDays: 0 | 1 | 30 }
  | { readonly kind: 'look'; readonly path: string }
  | { readonly kind: 'check' };

/** One time the machine is switched on. */
export interface BootPlan {
  /** The step at which the power fails; undefined: at the end of `onMs`. */
  readonly cutAtStep: number | undefined;
  readonly onMs: number;
  readonly offMs: number;
  /** How far behind the clock is after boot, and how long until a time server sets it. */
  readonly clockBehindMs: number;
  readonly synchronizedAfterMs: number;
  readonly acts: readonly { readonly afterMs: number; readonly act: Act }[];
}

/** What the shore, the link, the card, the operator or the clock does, whether the boat is on or not. */
export type Incident =
  | { readonly kind: 'link'; readonly state: 'up' | 'down' | 'portal' }
  | { readonly kind: 'faults'; readonly chances: FaultChances }
  | { readonly kind: 'central-down'; readonly forMs: number }
  | {
      readonly kind: 'central-refuses';
      readonly forMs: number;
      readonly status: 429 | 500 | 503;
      readonly retryAfterSeconds: number | undefined;
      readonly alsoHealth: boolean;
    }
  | { readonly kind: 'central-rejects'; readonly forMs: number }
  | {
      readonly kind: 'central-takes-less';
      readonly forMs: number;
      readonly bodySizeMaxBytes: number;
    }
  | {
      readonly kind: 'card-full';
      readonly forMs: number;
      readonly leftBytes: number;
    }
  | { readonly kind: 'ledger-full'; readonly forMs: number }
  | { readonly kind: 'token-revoked'; readonly forMs: number }
  | { readonly kind: 'tier'; readonly forMs: number; readonly tier: Tier }
  | {
      readonly kind: 'clock-wrong';
      readonly forMs: number;
      readonly aheadMs: number;
    }
  | { readonly kind: 'boatlog-unreadable'; readonly forMs: number };

/** Everything that will be done to one boat, drawn from the seed alone. */
export interface Plan {
  readonly seed: number;
  readonly days: number;
  readonly boat: BoatPlan;
  readonly boots: readonly BootPlan[];
  readonly incidents: readonly {
    readonly atMs: number;
    readonly incident: Incident;
  }[];
  /** Whether the boat is switched off and on again before the calm day, or has to recover without. */
  readonly isRestartedForCalm: boolean;
}

/** Draws the plan of a seed. The same numbers give the same plan on every machine. */
export function drawPlan(seed: number, days: number): Plan {
  const random = createSimRandom(`plan ${seed}`);
  return {
    seed,
    days,
    boat: drawBoat(random.fork('boat')),
    boots: Array.from({ length: Math.ceil(days * BOOTS_PER_DAY) }, (_, index) =>
      drawBoot(random.fork(`boot ${index}`)),
    ),
    incidents: drawIncidents(random.fork('incidents'), days),
    isRestartedForCalm: random.fork('calm').chance(0.5),
  };
}

function drawBoat(random: SimRandom): BoatPlan {
  return {
    installationId: random.hex(8),
    partSizeBytes: random.pick([16_384, 16_384, 20_000, 32_768, 65_536, 1_048_576]),
    reserveBytes: random.pick([0, 0, 1_048_576]),
    cardBytes: 64 * 1_048_576,
    timeZone: random.pick(['UTC', 'America/Toronto', 'Europe/Athens', 'Pacific/Auckland']),
    diskLatencyMaxMs: random.pick([0, 2, 2, 20]),
    boatlogIds: random.pick(['integer', 'integer', 'text', 'none']),
    boatlogRows: random.pick([0, 3, 40, 150]),
    captureRows: random.pick([0, 2, 20]),
    alertRows: random.pick([0, 1, 8]),
    contentLengthMax: random.pick([40, 400, 1_500]),
    bytesPerSecond: random.pick([8_000, 8_000, 50_000, 1_000_000]),
    // More than a part of the smallest size is when compressed, and less than the others are.
    carriedBytesMax: random.fork('link').pick([undefined, undefined, 4_000]),
  };
}

/** A number between the two, every order of magnitude as likely. */
function spread(random: SimRandom, from: number, to: number): number {
  return Math.round(from * (to / from) ** random.fraction());
}

function drawBoot(random: SimRandom): BootPlan {
  // Most times are short, and some long enough for the longest waits there are.
  const onMs = random.chance(0.8)
    ? spread(random, 30 * SECOND_MS, HOUR_MS)
    : spread(random, HOUR_MS, 6 * HOUR_MS);
  const acts = Array.from({ length: random.between(1, 10) }, () => ({
    afterMs: spread(random, 200, onMs),
    act: drawAct(random),
  }));
  // The timer for the daily export is persistent: it fires soon after a boot.
  if (random.chance(0.4)) acts.push({ afterMs: 3 * SECOND_MS, act: { kind: 'daily', times: 1 } });
  return {
    cutAtStep: random.chance(0.65) ? spread(random, 1, 2_000) : undefined,
    onMs,
    offMs: spread(random, 2 * SECOND_MS, 60 * HOUR_MS),
    clockBehindMs: random.chance(0.4) ? 0 : spread(random, MINUTE_MS, 200 * DAY_MS),
    synchronizedAfterMs: spread(random, 2 * SECOND_MS, 2 * HOUR_MS),
    acts: acts.sort((a, b) => a.afterMs - b.afterMs),
  };
}

const LOOKS = [
  '/export/status',
  '/export/queue',
  '/export/preview?type=incremental',
  '/metrics',
  '/export/files',
] as const;

function drawAct(random: SimRandom): Act {
  const roll = random.integer(100);
  if (roll < 30)
    return {
      kind: 'rows',
      source: random.pick(['boatlog', 'boatlog', 'captures', 'snapshots', 'alerts'] as const),
      count: spread(random, 1, 40),
    };
  if (roll < 40)
    return {
      kind: 'change',
      source: random.pick(['alerts', 'alerts', 'settings', 'onboarding']),
    };
  if (roll < 43) return { kind: 'remove', source: random.pick(['snapshots', 'alerts']) };
  if (roll < 45) return { kind: 'replace-boatlog', rows: random.between(0, 60) };
  if (roll < 68)
    return {
      kind: 'export',
      type: random.chance(0.2) ? 'full' : 'incremental',
    };
  if (roll < 76) return { kind: 'daily', times: random.pick([1, 2]) };
  if (roll < 82) return { kind: 'cancel', which: random.integer(4) };
  if (roll < 86) return { kind: 'retry' };
  if (roll < 89) return { kind: 'process' };
  if (roll < 93) return { kind: 'cleanup', olderThanDays: random.pick([0, 1, 30]) };
  if (roll < 96) return { kind: 'look', path: random.pick(LOOKS) };
  return { kind: 'check' };
}

function drawIncidents(random: SimRandom, days: number): Plan['incidents'] {
  const count = Math.max(3, random.between(Math.ceil(days * 4), Math.ceil(days * 14)));
  const drawn = Array.from({ length: count }, () => ({
    atMs: Math.floor(random.fraction() * days * DAY_MS),
    incident: drawIncident(random),
  }));
  return drawn.sort((a, b) => a.atMs - b.atMs);
}

function drawIncident(random: SimRandom): Incident {
  const forMs = spread(random, MINUTE_MS, 12 * HOUR_MS);
  const roll = random.integer(100);
  if (roll < 28) return { kind: 'link', state: random.pick(['up', 'up', 'down', 'portal']) };
  if (roll < 48) return { kind: 'faults', chances: drawChances(random) };
  if (roll < 54) return { kind: 'central-down', forMs };
  if (roll < 62)
    return {
      kind: 'central-refuses',
      forMs,
      status: random.pick([429, 500, 503]),
      retryAfterSeconds: random.pick([undefined, 7, 600, 86_400]),
      alsoHealth: random.chance(0.5),
    };
  if (roll < 66) return { kind: 'central-rejects', forMs };
  if (roll < 70)
    return {
      kind: 'central-takes-less',
      forMs,
      bodySizeMaxBytes: random.pick([24_576, 40_000]),
    };
  if (roll < 76) return { kind: 'card-full', forMs, leftBytes: spread(random, 1, 200_000) };
  if (roll < 80) return { kind: 'ledger-full', forMs: spread(random, SECOND_MS, HOUR_MS) };
  if (roll < 85) return { kind: 'token-revoked', forMs };
  if (roll < 92) return { kind: 'tier', forMs, tier: random.pick([0, 0, 1]) };
  if (roll < 97)
    return {
      kind: 'clock-wrong',
      forMs,
      aheadMs: (random.chance(0.5) ? 1 : -1) * spread(random, MINUTE_MS, 400 * DAY_MS),
    };
  return { kind: 'boatlog-unreadable', forMs };
}

/** Either a few faults that happen often, or all of them at times. */
function drawChances(random: SimRandom): FaultChances {
  const total = random.pick([0, 0.1, 0.4, 0.8]);
  const chosen = random.chance(0.5) ? FAULTS : FAULTS.filter(() => random.chance(0.2));
  return Object.fromEntries(chosen.map((fault) => [fault, total / chosen.length]));
}

/** The plan, one line for each thing that will be done, as it is printed before the run. */
export function describePlan(plan: Plan): readonly string[] {
  const { kind, ...boat } = { kind: 'boat', ...plan.boat };
  return [
    `seed ${plan.seed}, ${plan.days} days, then one calm day${plan.isRestartedForCalm ? ' after a restart' : ''}`,
    `${kind} ${toFacts(boat)}`,
    ...plan.incidents.map(({ atMs, incident }) => {
      const { kind: what, ...facts } = incident;
      return `at ${toTime(atMs)} ${what} ${toFacts(facts)}`;
    }),
    ...plan.boots.flatMap(({ acts, ...boot }, index) => [
      `boot ${index + 1} ${toFacts(boot)}`,
      ...acts.map(({ afterMs, act }) => {
        const { kind: what, ...facts } = act;
        return `boot ${index + 1} after ${toTime(afterMs)} ${what} ${toFacts(facts)}`;
      }),
    ]),
  ];
}

function toFacts(facts: Readonly<Record<string, unknown>>): string {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) =>
      name.endsWith('Ms') && typeof value === 'number' && value >= 0
        ? `${name.slice(0, -2)} ${toTime(value)}`
        : `${name} ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    .join(', ');
}

/** Virtual time for a person: `2d 03:04:05.678`. */
export function toTime(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  return `${days}d ${new Date(ms % DAY_MS).toISOString().slice(11, 23)}`;
}
