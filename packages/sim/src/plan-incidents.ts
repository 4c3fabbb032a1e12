import type { Tier } from '@d3kos/protocol';
import { FAULTS, type FaultProbabilities } from './network-faults.ts';
import type { RefusingProxy } from './network-proxy.ts';
import { BOATLOG_FOLDER, RECORDINGS, ROOT, SOURCE_DATABASES } from './places.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './plan-times.ts';
import { type SimRandom, spread } from './random.ts';

/** An event that affects central, the operator, the link, the card or the clock. It happens even while the boat is off. */
export type Incident =
  | { readonly kind: 'link'; readonly state: 'up' | 'down' | 'portal' }
  | { readonly kind: 'faults'; readonly probabilities: FaultProbabilities }
  /** The link breaks after this many bytes of a request. */
  | { readonly kind: 'link-drops'; readonly forMs: number; readonly afterBytes: number }
  /** A proxy or a firewall refuses certain bodies. */
  | ({ readonly kind: 'proxy-refuses'; readonly forMs: number } & RefusingProxy)
  /** The connection in use is metered. */
  | { readonly kind: 'metered'; readonly forMs: number }
  | { readonly kind: 'central-down'; readonly forMs: number }
  /** Central restarts. Imports in progress are interrupted before or after their commit. */
  | { readonly kind: 'central-restart'; readonly forMs: number }
  /** The operator backs up central's database. */
  | { readonly kind: 'central-backup' }
  /** The operator restores central's database from the latest backup, so central loses everything that came later. */
  | { readonly kind: 'central-restored'; readonly forMs: number }
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
  /** The kernel makes the file system read-only, as after a storage error. It stays read-only until it is mounted again. */
  | { readonly kind: 'card-read-only'; readonly forMs: number }
  | { readonly kind: 'token-revoked'; readonly forMs: number }
  | { readonly kind: 'tier'; readonly forMs: number; readonly tier: Tier }
  | {
      readonly kind: 'clock-wrong';
      readonly forMs: number;
      readonly aheadMs: number;
    }
  | { readonly kind: 'boatlog-unreadable'; readonly forMs: number }
  /** The storage device that contains this source does not answer. */
  | { readonly kind: 'source-hangs'; readonly forMs: number; readonly path: string }
  /** Another program locks this source database after the boat has executed some statements on it. */
  | {
      readonly kind: 'source-locked';
      readonly forMs: number;
      readonly path: string;
      readonly afterStatements: number;
    };

/** An incident and its moment, counted from the beginning of the run or from the boot. */
export interface PlannedIncident {
  readonly atMs: number;
  readonly incident: Incident;
}

/** Draws the incidents for a run of days with many incidents each. */
export function drawIncidents(random: SimRandom, days: number): readonly PlannedIncident[] {
  const count = Math.max(3, random.between(Math.ceil(days * 5), Math.ceil(days * 16)));
  return drawMany(random, days, count, 12 * HOUR_MS);
}

/**
 * Draws the proxies of a run, up to three a day. They are drawn independently, so that the other incidents of a seed do not
 * depend on them.
 */
export function drawProxies(random: SimRandom, days: number): readonly PlannedIncident[] {
  return drawFew(random, days, () => ({
    kind: 'proxy-refuses',
    forMs: spread(random, HOUR_MS, 2 * DAY_MS),
    // Less than the smallest part that the boat makes, or more than any part.
    bodySizeMaxBytes: random.pick([Number.MAX_SAFE_INTEGER, 8_000, 3_000]),
    refusedShare: random.pick([0, 0.5, 0.8, 1]),
    refusal: random.pick([403, 451, 502, 'json_200', 'reset'] as const),
  }));
}

/**
 * Folders that owners move to other drives. Documents that consist of several files are excluded, because while one of the files
 * cannot be read, the record is exported without that file's values, which the oracle does not expect.
 */
const MOVED_SOURCES = [BOATLOG_FOLDER, `${ROOT}/data/marine-vision`, `${ROOT}/data/self-healing`, RECORDINGS];

/** Reading the log of a simulated boat takes about 250 statements, most of which compare its newest rows. */
const LOCKED_AFTER_MAX = 300;

/** Draws the sources that hang in a run, up to three a day. Like the proxies, they are drawn independently. */
export function drawHangs(random: SimRandom, days: number): readonly PlannedIncident[] {
  return drawFew(random, days, () => ({
    kind: 'source-hangs',
    forMs: spread(random, 5 * SECOND_MS, DAY_MS),
    path: random.pick(MOVED_SOURCES),
  }));
}

/** Draws the locks on source databases in a run, up to three a day. Like the proxies, they are drawn independently. */
export function drawLocks(random: SimRandom, days: number): readonly PlannedIncident[] {
  return drawFew(random, days, () => ({
    kind: 'source-locked',
    forMs: spread(random, MINUTE_MS, DAY_MS),
    path: random.pick(Object.values(SOURCE_DATABASES)),
    afterStatements: spread(random, 1, LOCKED_AFTER_MAX),
  }));
}

/**
 * Draws one or two restorations of central's database in every second run. Boats deliver only a few exports a day, so most
 * backups are old. Like the proxies, they are drawn independently.
 */
export function drawRestorations(random: SimRandom, days: number): readonly PlannedIncident[] {
  if (!random.bool(0.5)) return [];
  const endMs = days * DAY_MS;
  return inOrder(
    Array.from({ length: random.pick([1, 1, 2]) }, () => {
      const restoredMs = Math.floor((0.3 + 0.7 * random.fraction()) * endMs);
      const backedUpMs = Math.floor(random.fraction() * random.fraction() * restoredMs);
      return [
        { atMs: backedUpMs, incident: { kind: 'central-backup' as const } },
        {
          atMs: restoredMs,
          incident: { kind: 'central-restored' as const, forMs: spread(random, SECOND_MS, HOUR_MS) },
        },
      ];
    }).flat(),
  );
}

/** Length of the single period without any network in a run of weeks. */
const AWAY_MIN_MS = 7 * DAY_MS;
const AWAY_MAX_MS = 21 * DAY_MS;

/** Draws the incidents for a run of weeks: a few longer ones a day, and one period of a week or more without a network. */
export function drawIncidentsOfWeeks(random: SimRandom, days: number): readonly PlannedIncident[] {
  const drawn = drawMany(random, days, random.between(days, days * 3), 3 * DAY_MS);
  const awayMs = Math.min(spread(random, AWAY_MIN_MS, AWAY_MAX_MS), (days * DAY_MS) / 2);
  const fromMs = Math.floor(random.fraction() * (days * DAY_MS - awayMs));
  const isAway = ({ atMs, incident }: PlannedIncident): boolean =>
    incident.kind === 'link' && atMs >= fromMs && atMs < fromMs + awayMs;
  const away: readonly PlannedIncident[] = [
    { atMs: fromMs, incident: { kind: 'link', state: 'down' } },
    { atMs: fromMs + awayMs, incident: { kind: 'link', state: 'up' } },
  ];
  return inOrder([...drawn.filter((planned) => !isAway(planned)), ...away]);
}

/** Draws up to three incidents a day. */
function drawFew(random: SimRandom, days: number, draw: () => Incident): readonly PlannedIncident[] {
  return inOrder(
    Array.from({ length: random.integer(3 * Math.ceil(days) + 1) }, () => ({
      atMs: Math.floor(random.fraction() * days * DAY_MS),
      incident: draw(),
    })),
  );
}

function drawMany(
  random: SimRandom,
  days: number,
  count: number,
  longestMs: number,
): readonly PlannedIncident[] {
  return inOrder(
    Array.from({ length: count }, () => ({
      atMs: Math.floor(random.fraction() * days * DAY_MS),
      incident: drawIncident(random, longestMs),
    })),
  );
}

function inOrder(incidents: readonly PlannedIncident[]): readonly PlannedIncident[] {
  return incidents.toSorted((a, b) => a.atMs - b.atMs);
}

/** Draws one incident. It lasts at most `longestMs`, or until the next incident of its kind if it has no duration. */
export function drawIncident(random: SimRandom, longestMs: number): Incident {
  const forMs = spread(random, MINUTE_MS, longestMs);
  const roll = random.integer(118);
  if (roll < 28) return { kind: 'link', state: random.pick(['up', 'up', 'down', 'portal']) };
  if (roll < 48) return { kind: 'faults', probabilities: drawProbabilities(random) };
  if (roll < 53) return { kind: 'central-down', forMs };
  if (roll < 61)
    return {
      kind: 'central-refuses',
      forMs,
      status: random.pick([429, 500, 503]),
      retryAfterSeconds: random.pick([undefined, 7, 600, 86_400]),
      alsoHealth: random.bool(0.5),
    };
  if (roll < 65) return { kind: 'central-rejects', forMs };
  if (roll < 69)
    return {
      kind: 'central-takes-less',
      forMs,
      // The boat never cuts parts smaller than 16 KiB of records.
      bodySizeMaxBytes: random.pick([20_000, 24_576]),
    };
  if (roll < 75) return { kind: 'card-full', forMs, leftBytes: spread(random, 1, 200_000) };
  if (roll < 79) return { kind: 'ledger-full', forMs: spread(random, SECOND_MS, HOUR_MS) };
  if (roll < 84) return { kind: 'token-revoked', forMs };
  if (roll < 91) return { kind: 'tier', forMs, tier: random.pick([0, 0, 1]) };
  if (roll < 96)
    return {
      kind: 'clock-wrong',
      forMs,
      aheadMs: (random.bool(0.5) ? 1 : -1) * spread(random, MINUTE_MS, 400 * DAY_MS),
    };
  if (roll < 99) return { kind: 'boatlog-unreadable', forMs };
  if (roll < 103) return { kind: 'card-read-only', forMs: spread(random, SECOND_MS, 2 * HOUR_MS) };
  if (roll < 106) return { kind: 'central-restart', forMs: spread(random, SECOND_MS, MINUTE_MS) };
  if (roll < 112) return { kind: 'metered', forMs };
  return { kind: 'link-drops', forMs, afterBytes: spread(random, 200, 20_000) };
}

/** Draws either a few frequent faults, or all faults with a low probability. */
function drawProbabilities(random: SimRandom): FaultProbabilities {
  const total = random.pick([0, 0.1, 0.4, 0.8]);
  const chosen = random.bool(0.5) ? FAULTS : FAULTS.filter(() => random.bool(0.2));
  return Object.fromEntries(chosen.map((fault) => [fault, total / chosen.length]));
}
