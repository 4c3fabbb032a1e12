import { nextAttempt, probeDelay } from '../../packages/boat/src/deliver/policy/backoff.ts';
import { createAdmission } from '../../packages/central/src/admission/admission.ts';
import {
  DEFAULT_IMPORT_LIMITS,
  toImportAdmissionLimits,
  toWorkBudget,
} from '../../packages/central/src/admission/policy.ts';
import { toInstallationFraction } from '../../packages/central/src/admission/return-policy.ts';
import {
  createReturnSchedule,
  type ReturnSchedule,
} from '../../packages/central/src/admission/return-schedule.ts';
import { createWorkMeter } from '../../packages/central/src/admission/work-meter.ts';
import { createSeeded } from '../../packages/sim/src/fixture/seeded.ts';

/** A fleet whose central was unavailable and becomes available at time 0 of the model. */
export interface FleetScenario {
  readonly boats: number;
  /** Number of exports that wait on each boat at that time. Each has one part. */
  readonly waitingExports: number;
  readonly nodes: number;
  /** Number of imports that a node stores per second with all of its permits in use. */
  readonly nodeImportsPerS: number;
  /** Time that a node needs to refuse one request, including the look-up of its credential. */
  readonly refusalMs: number;
  /** The node's schedule of return times. */
  readonly createSchedule: (monotonic: () => number) => ReturnSchedule;
  readonly seed: number;
}

/** One minute of the model. */
export interface FleetMinute {
  arrived: number;
  stored: number;
  refused: number;
}

export interface FleetResult {
  readonly minutes: readonly FleetMinute[];
  /** When the last export was stored. */
  readonly drainedMs: number;
  readonly stored: number;
  /** Exports that have used up all attempts. Their records are in the boat's next export. */
  readonly deadLettered: number;
  /** Maximum number of refusals of one export. */
  readonly refusalsMost: number;
}

interface Boat {
  readonly id: string;
  readonly fraction: number;
  waiting: number;
  attemptsSpent: number;
}

/** One day. A boat that has not finished by then is stuck. */
const MODEL_MAX_MS = 24 * 3_600_000;
/** The daily export falls into 45 minutes from 03:00 (deploy/systemd/d3kos-export-daily.timer). */
const DAILY_SPREAD_MS = 45 * 60_000;

/** Events in chronological order. Equal times keep the order of insertion. */
function createEventQueue() {
  const heap: { readonly atMs: number; readonly no: number; readonly run: () => void }[] = [];
  let count = 0;
  const isBefore = (a: number, b: number): boolean => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return false;
    return one.atMs === other.atMs ? one.no < other.no : one.atMs < other.atMs;
  };
  const swap = (a: number, b: number): void => {
    const [one, other] = [heap[a], heap[b]];
    if (one !== undefined && other !== undefined) [heap[a], heap[b]] = [other, one];
  };
  return {
    add(atMs: number, run: () => void): void {
      heap.push({ atMs, no: (count += 1), run });
      for (let at = heap.length - 1; at > 0;) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    take() {
      const first = heap[0];
      const last = heap.pop();
      if (last === undefined || first === undefined || heap.length === 0) return first;
      heap[0] = last;
      for (let at = 0; ;) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        const next = isBefore(right, left) ? right : left;
        if (!isBefore(next, at)) break;
        swap(at, next);
        at = next;
      }
      return first;
    },
  };
}

/** A node with the real admission and the real return times. An import's work is modelled as time. */
function createModelNode(scenario: FleetScenario, now: () => number) {
  const limits = toImportAdmissionLimits(DEFAULT_IMPORT_LIMITS);
  const meter = createWorkMeter(toWorkBudget(DEFAULT_IMPORT_LIMITS), now);
  const schedule = scenario.createSchedule(now);
  /** Time until which the node is busy with refusals. Refusals delay imports. */
  let busyUntilMs = 0;
  return {
    admission: createAdmission(limits, meter, now),
    schedule,
    /** Duration of one import that begins now. */
    importMs: () => (1_000 * limits.permitsMax) / scenario.nodeImportsPerS + Math.max(0, busyUntilMs - now()),
    noteRefusal: () => {
      busyUntilMs = Math.max(busyUntilMs, now()) + scenario.refusalMs;
    },
  };
}

/** Lets admission's promises settle. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs the model to its end, without using the machine's clock. The same scenario always has the same result. */
export async function runReturningFleet(scenario: FleetScenario): Promise<FleetResult> {
  const seeded = createSeeded(scenario.seed);
  const events = createEventQueue();
  let nowMs = 0;
  const nodes = Array.from({ length: scenario.nodes }, () => createModelNode(scenario, () => nowMs));
  const minutes: FleetMinute[] = [];
  const total = { stored: 0, deadLettered: 0, drainedMs: 0, refusalsMost: 0 };
  const count = (what: keyof FleetMinute): void => {
    const at = Math.floor(nowMs / 60_000);
    while (minutes.length <= at) minutes.push({ arrived: 0, stored: 0, refused: 0 });
    const minute = minutes[at];
    if (minute !== undefined) minute[what] += 1;
  };
  const after = (delayMs: number, run: () => void): void => events.add(nowMs + delayMs, run);

  const refuse = (boat: Boat, node: ReturnType<typeof createModelNode>): void => {
    count('refused');
    node.noteRefusal();
    boat.attemptsSpent += 1;
    total.refusalsMost = Math.max(total.refusalsMost, boat.attemptsSpent);
    const retryAfterMs = node.schedule.nextReturnS(boat.fraction) * 1_000;
    const next = nextAttempt({
      attemptsSpent: boat.attemptsSpent,
      retryAfterMs,
      fraction: seeded.fraction(),
    });
    if (next.kind === 'retry') {
      after(next.delayMs, () => send(boat));
      return;
    }
    total.deadLettered += 1;
    finish(boat);
  };
  const finish = (boat: Boat): void => {
    boat.waiting -= 1;
    boat.attemptsSpent = 0;
    if (boat.waiting > 0) send(boat);
  };
  const send = (boat: Boat): void => {
    count('arrived');
    const node = nodes[seeded.below(nodes.length)];
    if (node === undefined) return;
    const result = node.admission.admit(boat.id);
    if (result.kind !== 'admitted') {
      refuse(boat, node);
      return;
    }
    const { request } = result;
    void request.acquirePermit('light').then((hasPermit) => {
      if (!hasPermit) {
        request.release();
        refuse(boat, node);
        return;
      }
      after(node.importMs(), () => {
        request.release();
        node.schedule.noteServed();
        count('stored');
        total.stored += 1;
        total.drainedMs = nowMs;
        finish(boat);
      });
    });
  };

  for (let no = 0; no < scenario.boats; no += 1) {
    const id = seeded.hex(16);
    const boat: Boat = {
      id,
      fraction: toInstallationFraction(id),
      waiting: scenario.waitingExports,
      attemptsSpent: 0,
    };
    // Every boat has been probing for hours, so its interval has reached the maximum. Its phase is random.
    after(seeded.fraction() * probeDelay(1_000, seeded.fraction()), () => send(boat));
    after(seeded.fraction() * DAILY_SPREAD_MS, () => {
      boat.waiting += 1;
      if (boat.waiting === 1) send(boat);
    });
  }
  for (let event = events.take(); event !== undefined && event.atMs < MODEL_MAX_MS; event = events.take()) {
    nowMs = event.atMs;
    event.run();
    await settle();
  }
  return { minutes, ...total };
}

/** The previous behaviour, without a return schedule: every refused boat returns after the same 10 s. */
export const sameReturn = (): ReturnSchedule => ({ noteServed: () => undefined, nextReturnS: () => 10 });
export const scheduledReturn = createReturnSchedule;
