import type { Tier } from '@d3kos/protocol';
import type { SimMachine } from '../machine.ts';
import { RECORDINGS, ROOT } from '../places.ts';
import { type BoatPlan, MANY_ALERTS } from '../plan.ts';
import type { SimRandom } from '../random.ts';
import { createBoatlogSource } from './boatlog.ts';
import { writeLegacyQueue } from './legacy-queue.ts';
import {
  addAlerts,
  addCaptures,
  addSnapshots,
  changeAlert,
  changeAllAlerts,
  identifyCapture,
  putDocument,
  removeAlert,
  removeSnapshot,
} from './other-sources.ts';
import type { SourceContext } from './source-context.ts';
import { createTruth, type TruthRecord } from './truth.ts';

/** The name under which the collector stores the cursor of the boatlog. */
export const BOATLOG_CURSOR = 'data/boatlog/boatlog.db';

/** Maximum number of pictures or alerts added at a time. */
const ADDED_MAX = 5;

/** The sources of one boat, and the truth: all records that they hold or have ever held. */
export interface BoatSources {
  readonly records: ReadonlyMap<string, TruthRecord>;
  /** The number of the current boatlog database. The first database has the number 1. */
  generation(): number;
  /** Returns the index of the newest version of each existing record, by its key. */
  presentVersions(): ReadonlyMap<string, number>;
  add(source: 'boatlog' | 'captures' | 'snapshots' | 'alerts', count: number): void;
  change(source: 'captures' | 'alerts' | 'settings' | 'onboarding'): void;
  remove(source: 'snapshots' | 'alerts'): void;
  /** Replaces the boatlog database, as a restore does. Row numbers start again. */
  replaceBoatlog(rows: number): void;
  /** Replaces the boatlog database with a file that is not a database. */
  makeBoatlogUnreadable(): void;
  makeBoatlogReadable(): void;
  /** Remembers what the sources hold; see `Truth.takeImage`. Returns undefined while the boatlog is unreadable. */
  takeImage(): (() => void) | undefined;
  setTier(tier: Tier): void;
  setToken(token: string): void;
}

/** Writes the sources of a boat and records their content. All writes are durable at once. */
export function createBoatSources(
  { medium, databases }: SimMachine,
  plan: BoatPlan,
  random: SimRandom,
  wallMs: () => number,
): BoatSources {
  const legacy =
    plan.legacyQueue === undefined
      ? new Map<string, TruthRecord>()
      : writeLegacyQueue(medium, plan.installationId, plan.legacyQueue, random.fork('legacy queue'));
  const truth = createTruth(legacy, random);
  const context: SourceContext = { truth, random, medium, wallMs, realPath: databases.realPath };
  const boatlog = createBoatlogSource(context, plan);
  const setTier = (tier: Tier): void => {
    // The tier is part of the settings record, so this must not change any other value of the record.
    medium.put(
      `${ROOT}/config/license.json`,
      JSON.stringify({ installation_id: plan.installationId, tier, version: '1' }),
    );
  };

  medium.makeDirectory(`${ROOT}/data`);
  medium.makeDirectory(RECORDINGS);
  setTier(2);
  boatlog.add(plan.boatlogRows);
  addCaptures(context, plan.captureRows);
  addAlerts(context, plan.alertRows);
  addSnapshots(context, random.integer(4));
  putDocument(context, 'settings');
  if (random.bool(0.7)) putDocument(context, 'onboarding');

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
    setTier,
    setToken: (token) => medium.put(`${ROOT}/config/export-credentials.json`, JSON.stringify({ token })),
  };
}
