import { BUFFERED_DIGESTS_MAX } from '@d3kos/boat';
import type { Action, BootPlan, PlannedAction } from './plan-boots.ts';
import { drawBoot, drawBootOfWeeks } from './plan-boots.ts';
import {
  drawHangs,
  drawLocks,
  drawIncidents,
  drawIncidentsOfWeeks,
  drawProxies,
  drawRestorations,
  type PlannedIncident,
} from './plan-incidents.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, toTime } from './plan-times.ts';
import { createSimRandom, type SimRandom } from './random.ts';

/** A run of at least this many days is a run of weeks: most days are quiet, and the boat is off most of the time. */
export const WEEKS_FROM_DAYS = 14;

/** Default number of virtual days. Every tenth seed lasts weeks. */
const DAYS = 3;
const DAYS_OF_WEEKS = 40;

/** Returns the number of virtual days of a seed. */
export function daysOf(seed: number): number {
  return seed % 10 === 0 ? DAYS_OF_WEEKS : DAYS;
}

/** Maximum number of boots per day. After the last one the boat stays on. */
const BOOTS_PER_DAY = 16;

/**
 * The legacy exporter's queue on the card at the first start, in one of the four formats found in the field. A torn queue ends
 * within its last item.
 */
export interface LegacyQueuePlan {
  readonly format: 'versioned' | 'list' | 'pending_exports' | 'lists';
  readonly exports: number;
  readonly isTorn: boolean;
}

/** A boat's state at the beginning of the run. */
export interface BoatPlan {
  readonly installationId: string;
  readonly partSizeBytes: number;
  readonly reserveBytes: number;
  /** Size of the card in bytes, including its files. */
  readonly cardBytes: number;
  readonly timeZone: string;
  /** Maximum duration of one disk step. With 0, steps take no time. */
  readonly diskLatencyMaxMs: number;
  readonly boatlogIds: 'integer' | 'text' | 'none';
  readonly boatlogRows: number;
  readonly captureRows: number;
  /** Number of alerts. From `MANY_ALERTS` on, all of them change at once. */
  readonly alertRows: number;
  /** Maximum length of the text in a boatlog row. */
  readonly contentLengthMax: number;
  readonly bytesPerSecond: number;
  /** The link breaks after this many bytes of a request, throughout the run. If undefined, requests of any size pass. */
  readonly carriedBytesMax: number | undefined;
  /** Maximum latency in one direction. Two seconds is typical of a satellite link. */
  readonly latencyMaxMs: number;
  /** On a metered connection, larger exports wait. */
  readonly meteredSizeMaxBytes: number;
  /** Maximum number of bytes sent in a calendar month. This is far below a realistic budget, so that a run uses it up. */
  readonly monthlyBudgetBytes: number | undefined;
  readonly legacyQueue: LegacyQueuePlan | undefined;
  /** True if power cuts and owners have left malformed files among the sources. These must not affect the other files. */
  readonly hasMalformedFiles: boolean;
}

/** Number of alerts that makes exports stage digests. It is larger than `BUFFERED_DIGESTS_MAX`. */
export const MANY_ALERTS = BUFFERED_DIGESTS_MAX + 50;

/** The card dies some boots after the owner copied it. Boots count from 0. */
export interface CardPlan {
  readonly imagedAfterBoot: number;
  readonly restoredAfterBoot: number;
}

/** A second boat begins with a copy of the card, some boots after the first boat's start. Boots count from 0. */
export interface CopyPlan {
  readonly copiedAfterBoot: number;
  readonly boots: readonly BootPlan[];
}

/** Everything that will happen to one boat, determined only by the seed. */
export interface Plan {
  readonly seed: number;
  readonly days: number;
  /** The true time at the beginning of the run. */
  readonly startWallMs: number;
  readonly boat: BoatPlan;
  readonly boots: readonly BootPlan[];
  /** Actions at fixed moments of the run, in any boot. */
  readonly actions: readonly PlannedAction[];
  readonly incidents: readonly PlannedIncident[];
  /** The boot after which the card is copied to an image, and the boot after which the image is written to a new card. */
  readonly card: CardPlan | undefined;
  /** The second boat with the same identity. Its network has no faults. */
  readonly copy: CopyPlan | undefined;
  /** True if the boat is restarted before the calm day. Otherwise it has to recover without a restart. */
  readonly isRestartedForCalm: boolean;
}

/** Draws a seed's plan. The same arguments give the same plan on every machine. */
export function drawPlan(seed: number, days: number): Plan {
  const random = createSimRandom(`plan ${seed}`);
  const card = drawCard(random.fork('card'));
  const isOfWeeks = days >= WEEKS_FROM_DAYS;
  const copy = card === undefined && !isOfWeeks ? drawCopy(random.fork('copy'), days) : undefined;
  return {
    seed,
    days,
    startWallMs: drawStart(random.fork('start')),
    boat: drawBoat(random.fork('boat')),
    boots: Array.from({ length: Math.ceil(days * BOOTS_PER_DAY) }, (_, index) =>
      (isOfWeeks ? drawBootOfWeeks : drawBoot)(random.fork(`boot ${index}`)),
    ),
    actions: drawTimer(random.fork('timer'), days),
    incidents: [
      ...(isOfWeeks ? drawIncidentsOfWeeks : drawIncidents)(random.fork('incidents'), days),
      ...drawProxies(random.fork('proxies'), days),
      ...drawHangs(random.fork('hangs'), days),
      ...drawLocks(random.fork('locks'), days),
      // If central also lost track of which of two machines sent a sequence, it could not report the other machine's export
      // (decision 0044).
      ...(copy === undefined ? drawRestorations(random.fork('restorations'), days) : []),
    ].toSorted((a, b) => a.atMs - b.atMs),
    card,
    copy,
    isRestartedForCalm: random.fork('calm').bool(0.5),
  };
}

/**
 * Start dates in spring, summer and autumn. Runs of weeks that start on the first or the last date include the clock change of
 * every time zone that has one.
 */
function drawStart(random: SimRandom): number {
  return random.pick([
    Date.UTC(2026, 1, 27, 9, 30),
    Date.UTC(2026, 5, 1, 9, 30),
    Date.UTC(2026, 8, 24, 9, 30),
  ]);
}

function drawBoat(random: SimRandom): BoatPlan {
  return {
    installationId: random.hex(8),
    partSizeBytes: random.pick([16_384, 20_000, 32_768, 65_536, 1_048_576, 1_048_576]),
    reserveBytes: random.pick([0, 0, 1_048_576]),
    cardBytes: 64 * 1_048_576,
    timeZone: random.pick(['UTC', 'America/Toronto', 'Europe/Athens', 'Pacific/Auckland']),
    diskLatencyMaxMs: random.pick([0, 2, 2, 20]),
    boatlogIds: random.pick(['integer', 'integer', 'text', 'none']),
    boatlogRows: random.pick([0, 3, 60, 150]),
    captureRows: random.pick([0, 2, 20]),
    alertRows: random.pick([0, 1, 8]),
    contentLengthMax: random.pick([40, 400, 1_500]),
    bytesPerSecond: random.pick([8_000, 8_000, 50_000, 1_000_000]),
    // More than the smallest part size when compressed, but less than the other sizes.
    carriedBytesMax: random.fork('link').pick([undefined, undefined, 4_000]),
    latencyMaxMs: random.pick([200, 200, 2_000]),
    meteredSizeMaxBytes: random.pick([0, 4_000, 20_000]),
    monthlyBudgetBytes: random.pick([undefined, undefined, 8_000, 60_000]),
    legacyQueue: random.bool(0.35)
      ? {
          format: random.pick(['versioned', 'list', 'pending_exports', 'lists'] as const),
          exports: random.between(1, 5),
          isTorn: random.bool(0.4),
        }
      : undefined,
    hasMalformedFiles: random.fork('odd files').bool(0.4),
  };
}

/** In every third run, the card is restored from an image. */
function drawCard(random: SimRandom): CardPlan | undefined {
  if (!random.bool(0.34)) return undefined;
  const imagedAfterBoot = random.between(0, 4);
  return { imagedAfterBoot, restoredAfterBoot: imagedAfterBoot + random.between(1, 6) };
}

/** In one of five of the remaining runs of days, the card is copied to a second boat. */
function drawCopy(random: SimRandom, days: number): CopyPlan | undefined {
  if (!random.bool(0.2)) return undefined;
  const boots = Array.from({ length: Math.ceil(days) * COPY_BOOTS_PER_DAY }, (_, index) => {
    const boot = drawBoot(random.fork(`boot ${index}`));
    return { ...boot, incidents: [], actions: boot.actions.filter(({ action }) => isForCopy(action)) };
  });
  return { copiedAfterBoot: random.between(0, 4), boots };
}

/** Number of boots of the second boat per day. A run with two boats takes longer, so the second boat does less. */
const COPY_BOOTS_PER_DAY = 4;

/** The second boat only adds records. If both boats changed the same record, either change could arrive last. */
function isForCopy({ kind }: Action): boolean {
  return kind === 'rows' || kind === 'export' || kind === 'process' || kind === 'retry' || kind === 'check';
}

/** The daily export's timer fires once a day, a few minutes after 03:00 UTC. A boat that is off misses it. */
function drawTimer(random: SimRandom, days: number): readonly PlannedAction[] {
  return Array.from({ length: Math.ceil(days) }, (_, day) => ({
    afterMs: day * DAY_MS + 17.5 * HOUR_MS + random.integer(30 * MINUTE_MS),
    action: { kind: 'daily', times: 1 },
  }));
}

/** Describes a plan in human-readable form, with one line for each boot, action and incident. */
export function describePlan(plan: Plan): readonly string[] {
  const { kind, ...boat } = { kind: 'boat', ...plan.boat };
  return [
    `seed ${plan.seed}, ${plan.days} days from ${new Date(plan.startWallMs).toISOString()}, then one calm day${plan.isRestartedForCalm ? ' after a restart' : ''}`,
    `${kind} ${toFacts(boat)}`,
    ...(plan.card === undefined ? [] : [`card ${toFacts({ ...plan.card })}`]),
    ...(plan.copy === undefined ? [] : [`copy after boot ${plan.copy.copiedAfterBoot + 1}`]),
    ...plan.incidents.map((planned) => `at ${describeIncident(planned)}`),
    ...plan.actions.map((planned) => `at ${describeAction(planned)}`),
    ...plan.boots.flatMap(({ actions, incidents, ...boot }, index) => [
      `boot ${index + 1} ${toFacts(boot)}`,
      ...incidents.map((planned) => `boot ${index + 1} after ${describeIncident(planned)}`),
      ...actions.map((planned) => `boot ${index + 1} after ${describeAction(planned)}`),
    ]),
  ];
}

function describeIncident({ atMs, incident: { kind, ...facts } }: PlannedIncident): string {
  return `${toTime(atMs)} ${kind} ${toFacts(facts)}`;
}

function describeAction({ afterMs, action: { kind, ...facts } }: PlannedAction): string {
  return `${toTime(afterMs)} ${kind} ${toFacts(facts)}`;
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
