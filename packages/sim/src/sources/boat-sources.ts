import type { Tier } from '@d3kos/protocol';
import type { SimMachine } from '../machine.ts';
import { RECORDINGS, ROOT } from '../places.ts';
import { type BoatPlan, MANY_ALERTS } from '../plan.ts';
import type { SimRandom } from '../random.ts';
import { type BoatlogSource, createBoatlogSource } from './boatlog.ts';
import { writeLegacyQueue } from './legacy-queue.ts';
import {
  addAlerts,
  addCaptures,
  addSnapshots,
  changeAlert,
  changeAllAlerts,
  identifyCapture,
  putDocument,
  putMalformedFiles,
  removeAlert,
  removeSnapshot,
} from './other-sources.ts';
import type { SourceContext } from './source-context.ts';
import { createTruth, type Truth, type TruthRecord } from './truth.ts';

/** The name under which the collector stores the boatlog's cursor. */
export const BOATLOG_CURSOR = 'data/boatlog/boatlog.db';

/** Maximum number of pictures or alerts added at a time. */
const ADDED_MAX = 5;

/** A boat's sources, and the truth: all records that they contain or have ever contained. */
export interface BoatSources {
  readonly records: ReadonlyMap<string, TruthRecord>;
  /** The number of the current boatlog database, counted from 1. */
  generation(): number;
  /** Returns the index of the newest version of each existing record, by its key. */
  presentVersions(): ReadonlyMap<string, number>;
  add(source: 'boatlog' | 'captures' | 'snapshots' | 'alerts', count: number): void;
  change(source: 'captures' | 'alerts' | 'settings' | 'onboarding'): void;
  remove(source: 'snapshots' | 'alerts'): void;
  /** Replaces the boatlog database, as a restore does. Row numbers start over. */
  replaceBoatlog(rows: number): void;
  /** Replaces the boatlog database with a file that is not a database. */
  makeBoatlogUnreadable(): void;
  makeBoatlogReadable(): void;
  /** Records what the sources contain; see `Truth.takeImage`. Returns undefined while the boatlog is unreadable. */
  takeImage(): (() => void) | undefined;
  /** Returns the sources of another machine that has a copy of these. Returns undefined while the boatlog is unreadable. */
  copyTo(machine: SimMachine, random: SimRandom): BoatSources | undefined;
  setTier(tier: Tier): void;
  setToken(token: string): void;
}

/** Writes a boat's sources and records their content. All writes are durable at once. */
export function createBoatSources(
  machine: SimMachine,
  plan: BoatPlan,
  random: SimRandom,
  wallMs: () => number,
): BoatSources {
  const { medium } = machine;
  const legacy =
    plan.legacyQueue === undefined
      ? new Map<string, TruthRecord>()
      : writeLegacyQueue(medium, plan.installationId, plan.legacyQueue, random.fork('legacy queue'));
  const truth = createTruth(legacy, random);
  const context = toContext(machine, plan, truth, random, wallMs);
  const boatlog = createBoatlogSource(context, plan);
  const sources = toSources(context, plan, boatlog);

  medium.makeDirectory(`${ROOT}/data`);
  medium.makeDirectory(RECORDINGS);
  sources.setTier(2);
  medium.put(`${ROOT}/config/timezone.txt`, `${plan.timeZone}\n`);
  boatlog.add(plan.boatlogRows);
  addCaptures(context, plan.captureRows);
  addAlerts(context, plan.alertRows);
  addSnapshots(context, random.integer(4));
  putDocument(context, 'settings');
  if (random.bool(0.7)) putDocument(context, 'onboarding');
  if (plan.hasMalformedFiles) putMalformedFiles(medium);
  return sources;
}

function toContext(
  { medium, databases }: SimMachine,
  { timeZone }: BoatPlan,
  truth: Truth,
  random: SimRandom,
  wallMs: () => number,
): SourceContext {
  return { truth, random, medium, wallMs, timeZone, realPath: databases.realPath };
}

/** Returns the functions that change the sources together with the truth. */
function toSources(context: SourceContext, plan: BoatPlan, boatlog: BoatlogSource): BoatSources {
  const { truth, medium, wallMs } = context;
  const add = {
    boatlog: boatlog.add,
    captures: (count: number) => addCaptures(context, count),
    snapshots: (count: number) => addSnapshots(context, Math.min(count, ADDED_MAX)),
    alerts: (count: number) => addAlerts(context, Math.min(count, ADDED_MAX)),
  };
  return {
    records: truth.records,
    generation: boatlog.generation,
    presentVersions: truth.presentVersions,
    add: (source, count) => add[source](count),
    change: (source) => {
      if (source === 'captures') return identifyCapture(context);
      if (source !== 'alerts') return putDocument(context, source);
      return plan.alertRows >= MANY_ALERTS ? changeAllAlerts(context) : changeAlert(context);
    },
    remove: (source) => (source === 'alerts' ? removeAlert(context) : removeSnapshot(context)),
    replaceBoatlog: boatlog.replace,
    makeBoatlogUnreadable: boatlog.makeUnreadable,
    makeBoatlogReadable: boatlog.makeReadable,
    takeImage: () => {
      const restoreBoatlog = boatlog.takeImage();
      if (restoreBoatlog === undefined) return undefined;
      const restoreTruth = truth.takeImage();
      return () => {
        restoreTruth();
        restoreBoatlog();
      };
    },
    copyTo: (machine, random) => {
      if (boatlog.takeImage() === undefined) return undefined;
      const copied = toContext(machine, plan, truth.copy(random.fork('truth')), random, wallMs);
      return toSources(
        copied,
        plan,
        createBoatlogSource(copied, { ...plan, firstGeneration: boatlog.generation() }),
      );
    },
    // The tier is part of the settings record, whose other values must not change here.
    setTier: (tier) =>
      medium.put(
        `${ROOT}/config/license.json`,
        JSON.stringify({ installation_id: plan.installationId, tier, version: '1' }),
      ),
    setToken: (token) => medium.put(`${ROOT}/config/export-credentials.json`, JSON.stringify({ token })),
  };
}
