import { type Boat, type Config, isExportError, parseConfig, startBoat } from '@d3kos/boat';
import type { Store } from '@d3kos/central';
import { act } from './acts.ts';
import { createVirtualClock } from './clock.ts';
import type { Deck } from './deck.ts';
import { startIncident } from './incidents.ts';
import { createSimNetwork } from './network.ts';
import { createOracle } from './oracle.ts';
import { checkAttempts, checkSecrets, checkViews } from './oracle-traces.ts';
import { type BootPlan, DAY_MS, type Plan, START_WALL_MS } from './plan.ts';
import { createSimRandom } from './random.ts';
import { createShore } from './shore.ts';
import { createBoatSources, ROOT } from './sources.ts';
import { createTrace } from './trace.ts';
import { createSimMachine } from './world.ts';
import type { CutPlan } from './world-power.ts';

export const CENTRAL = 'https://central.example';
const TIER_API = 'http://localhost:8093';

/** Certificates of the shore: made some weeks before the run, so a clock that is months behind trusts none. */
const CERTIFICATE_AGE_MS = 30 * DAY_MS;
const CERTIFICATE_LIFE_MS = 400 * DAY_MS;

/** How long a daemon that ended by itself stays away. The supervisor's back-off, so that a full card costs few restarts. */
const RESTART_MS = 5 * 60_000;

/** How long after a change the JSON views say it: they wait for a free card half a minute at most. */
const VIEWS_MS = 60_000;

/** How often is looked whether something still waits: the ledger is asked each time. */
const DRAIN_LOOK_MS = 10_000;

/** Real faults of a machine that a run can be given, to see that the oracle notices them. */
export interface Sabotage {
  /** The card says that it has synced and has not. */
  readonly isFsyncIgnored?: boolean;
}

/** What came of one run of a plan. */
export interface RunResult {
  readonly lines: readonly string[];
  readonly violations: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs a plan against the real boat and the real central, on an empty `store`, and says what of the promises was broken. */
export async function runPlan(plan: Plan, store: Store, sabotage: Sabotage = {}): Promise<RunResult> {
  const clock = createVirtualClock(START_WALL_MS);
  const random = createSimRandom(`run ${plan.seed}`);
  const trace = createTrace(clock.now);
  const network = createSimNetwork({
    clock,
    random: random.fork('network'),
    trace,
  });
  network.bytesPerSecond = plan.boat.bytesPerSecond;
  if (plan.boat.carriedBytesMax !== undefined) network.carriedBytesMax = plan.boat.carriedBytesMax;
  network.certificates = {
    fromMs: START_WALL_MS - CERTIFICATE_AGE_MS,
    untilMs: START_WALL_MS + CERTIFICATE_LIFE_MS,
  };
  const machine = createSimMachine({
    name: 'boat',
    clock,
    random: random.fork('boat'),
    network,
    trace,
    diskLatencyMaxMs: plan.boat.diskLatencyMaxMs,
  });
  if (sabotage.isFsyncIgnored === true) machine.medium.fsync = 'ignored';
  machine.medium.capacityBytes = plan.boat.cardBytes;
  try {
    const shore = createShore(store, clock, random.fork('shore'));
    const sources = createBoatSources(machine, plan.boat, random.fork('sources'), clock.wall);
    const oracle = createOracle({
      store,
      medium: machine.medium,
      sources,
      installationId: plan.boat.installationId,
      trace,
      nowMs: clock.now,
    });
    const deck: Deck = {
      plan,
      clock,
      random: random.fork('deck'),
      trace,
      network,
      machine,
      shore,
      sources,
      oracle,
      tokens: [],
      faults: {},
      centralIsDown: false,
      isCardFull: false,
      tier: 2,
      endTierZero: () => undefined,
      wrongClockMs: 0,
      alive: undefined,
      synchronize: () => undefined,
      hasDied: false,
      isCalm: false,
      endings: new Set(),
      counts: { boots: 0, cuts: 0, deaths: 0, acts: 0 },
    };
    network.serve(CENTRAL, 'shore', shore.handler);
    network.serve(TIER_API, 'boat', async () =>
      Response.json({
        success: true,
        tier: deck.tier,
        installation_id: plan.boat.installationId,
      }),
    );
    try {
      await live(deck);
    } catch (error) {
      // The run ends here, and its trace says what led to it.
      oracle.violate(`the run stopped: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { counts } = deck;
    return {
      lines: trace.lines,
      violations: oracle.violations,
      counts: {
        ...counts,
        ...oracle.counts,
        exchanges: network.traffic().attempts,
      },
    };
  } finally {
    machine.close();
  }
}

/** The whole life of one boat: the days of trouble, the calm day, the last look. */
async function live(deck: Deck): Promise<void> {
  const { clock, plan, oracle, machine } = deck;
  const configText = JSON.stringify({
    central_api_url: CENTRAL,
    part_size_bytes: plan.boat.partSizeBytes,
    reserve_bytes: plan.boat.reserveBytes,
    timezone: plan.boat.timeZone,
  });
  const { config } = parseConfig({ D3KOS_ROOT: ROOT }, configText);
  const token = await deck.shore.enroll(plan.boat.installationId);
  deck.tokens.push(token);
  deck.sources.setToken(token);
  const endMs = plan.days * DAY_MS;
  for (const { atMs, incident } of plan.incidents)
    clock.at(atMs, () => {
      if (!deck.isCalm) startIncident(deck, incident);
    });

  let isOver = false;
  const troubled = trouble(deck, config, endMs).finally(() => {
    isOver = true;
  });
  troubled.catch(() => undefined);
  await clock.run(() => isOver);
  await troubled;

  makeCalm(deck);
  if (plan.isRestartedForCalm || deck.alive === undefined) {
    machine.powerCut();
    deck.alive = undefined;
    bootBoat(deck, config, CALM_BOOT);
    await clock.run(() => deck.alive !== undefined || !machine.isOn(), clock.now() + DAY_MS);
  }
  const boat = (deck.alive as Deck['alive'])?.boat;
  if (boat === undefined) {
    oracle.violate('the boat does not start on a calm day');
    return;
  }
  act(deck, { kind: 'export', type: 'incremental' });
  await drain(deck, boat);
  act(deck, { kind: 'export', type: 'incremental' });
  await drain(deck, boat);
  if (deck.alive === undefined) return;
  await oracle.checkDrained(boat, false);
  checkViews(machine.medium, boat, oracle.violate);
  for (const entry of boat.ledger.queue.list('failed'))
    if (machine.medium.get(entry.exportFile) !== undefined) boat.manager.retry(entry.queueId);
  await drain(deck, boat);
  if (deck.alive === undefined) return;
  await oracle.checkDrained(boat, true);
  for (const [status, count] of deck.shore.importStatuses)
    if (status === 409 || status === 400 || status === 415)
      oracle.violate(`central answered ${count} imports with ${status}`);
  checkSecrets(machine, deck.tokens, deck.trace.lines, oracle.violate);
  checkAttempts(deck.trace.lines, oracle.violate);
}

/** Lets time pass until nothing waits, at the longest a day, and then the views their time. */
async function drain(deck: Deck, boat: Boat): Promise<void> {
  const { clock } = deck;
  const untilMs = clock.now() + DAY_MS;
  const waits = (): boolean => {
    const { pending, uploading } = boat.ledger.queue.counts();
    return deck.alive?.exportsUnderWay !== 0 || pending + uploading > 0;
  };
  do await clock.advance(DRAIN_LOOK_MS);
  while (deck.alive !== undefined && waits() && clock.now() < untilMs);
  await clock.advance(VIEWS_MS);
}

/** A boot without a fault. */
const CALM_BOOT: BootPlan = {
  cutAtStep: undefined,
  onMs: 100 * DAY_MS,
  offMs: 0,
  clockBehindMs: 0,
  synchronizedAfterMs: 0,
  acts: [],
};

/** Switches the boat on and off by the plan until `endMs`. */
async function trouble(deck: Deck, config: Config, endMs: number): Promise<void> {
  const { clock, machine, plan } = deck;
  for (let index = 0; clock.now() < endMs; index += 1) {
    const boot = plan.boots[index] ?? { ...CALM_BOOT, onMs: endMs };
    const power = bootBoat(deck, config, boot);
    const leftMs = endMs - clock.now();
    const waiting = new AbortController();
    await Promise.race([
      power.lost,
      clock.sleep(Math.min(boot.onMs, leftMs), waiting.signal).catch(() => undefined),
    ]);
    waiting.abort();
    if (clock.now() >= endMs) return;
    machine.powerCut();
    deck.counts.cuts += 1;
    deck.alive = undefined;
    const offMs = deck.hasDied ? RESTART_MS : boot.offMs;
    deck.hasDied = false;
    await clock.sleep(Math.min(offMs, endMs - clock.now()));
  }
}

/** Starts the machine and the export manager in it, with everything that happens during this time of power. */
function bootBoat(deck: Deck, config: Config, boot: BootPlan) {
  const { clock, machine, oracle, trace } = deck;
  deck.counts.boots += 1;
  const { medium } = machine;
  const bootNumber = deck.counts.boots;
  // What is in memory is of one boot.
  medium.put('/proc/uptime', '12.3 40.1\n');
  medium.put('/proc/meminfo', 'MemTotal: 4000000 kB\nMemAvailable: 3000000 kB\n');
  medium.put('/proc/sys/kernel/random/boot_id', `boot-${bootNumber}\n`);
  if (medium.get('/run/systemd/timesync/synchronized') !== undefined)
    medium.delete('/run/systemd/timesync/synchronized');
  medium.makeDirectory('/sys');
  const plan: CutPlan = ({ number }) => !deck.isCalm && number === boot.cutAtStep;
  const booted = machine.boot({
    wallMs: clock.wall() - boot.clockBehindMs,
    plan,
  });
  const { power, world } = booted;
  const died = (error: unknown): void => {
    if (!power.isOn()) return;
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
    trace.add(`the export manager ended: ${isExportError(error) ? error.code : String(error)}`);
    deck.counts.deaths += 1;
    deck.hasDied = true;
    if (!isExportError(error) || !deck.isCardFull) oracle.violate(`the export manager ended: ${told}`);
    machine.powerCut();
    deck.alive = undefined;
  };
  const start = async (): Promise<void> => {
    const boat: Boat = await startBoat(world, config, new AbortController().signal);
    if (!power.isOn()) return;
    await clock.outside('checking', oracle.check(boat, `after boot ${bootNumber}`));
    if (!power.isOn()) return;
    deck.alive = { boat, boot: booted, exportsUnderWay: 0 };
    boat.run().catch(died);
  };
  start().catch(died);
  const synchronize = (): void => {
    if (!power.isOn()) return;
    booted.clock.setWall(clock.wall() + deck.wrongClockMs);
    medium.put('/run/systemd/timesync/synchronized', '');
    trace.add('the clock is set');
  };
  deck.synchronize = synchronize;
  clock.at(clock.now() + boot.synchronizedAfterMs, () => {
    if (power.isOn() && deck.network.link() === 'up') synchronize();
  });
  for (const { afterMs, act: planned } of boot.acts)
    clock.at(clock.now() + afterMs, () => {
      if (power.isOn() && !deck.isCalm) act(deck, planned);
    });
  return power;
}

/** From now on nothing goes wrong. */
function makeCalm(deck: Deck): void {
  deck.isCalm = true;
  deck.trace.add('calm');
  for (const end of [...deck.endings]) end();
  deck.network.faults = {};
  deck.network.bytesPerSecond = 1_000_000;
  deck.network.setLink('up');
  deck.synchronize();
}
