import type { Boat } from '@d3kos/boat';
import type { Store } from '@d3kos/central';
import type { SimMachine } from '../machine.ts';
import type { BoatSources } from '../sources/boat-sources.ts';
import { readMarker } from '../sources/record-marker.ts';
import type { Trace } from '../trace.ts';
import { checkAttempts } from './attempts.ts';
import { createCentralRecords, newestHeld, type Peer } from './central-records.ts';
import { createDueRecords } from './due-records.ts';
import type { Acknowledged, Evidence, ImportAnswers } from './evidence.ts';
import { createExportFiles, type Identify } from './export-files.ts';
import { checkViews } from './json-views.ts';
import { type LedgerFacts, toLedgerFacts } from './ledger-facts.ts';
import { checkAcknowledgedExports, checkCentralIsComplete, checkRecords } from './nothing-lost.ts';
import {
  checkFailures,
  checkImportAnswers,
  checkNothingWaits,
  checkRetriesSucceeded,
} from './nothing-stuck.ts';
import { checkStoredOnce } from './nothing-twice.ts';
import { checkProofs } from './proofs.ts';
import { checkSecrets } from './secrets.ts';
import { createSlotCheck } from './slots.ts';
import { checkWarned } from './two-boats.ts';
import { createViolations, type Violate } from './violations.ts';

export interface OracleDeps {
  readonly store: Store;
  readonly importAnswers: ImportAnswers;
  readonly machine: SimMachine;
  readonly sources: BoatSources;
  readonly installationId: string;
  readonly trace: Trace;
  readonly nowMs: () => number;
  /** All device tokens issued so far. */
  readonly tokens: readonly string[];
  /** Additional values that no record may contain. */
  readonly plantedSecrets: readonly string[];
}

/** Watches one run and reports broken promises. Except for the ledger, it uses none of the boat's own code. */
export interface Oracle {
  readonly violations: readonly string[];
  readonly violate: Violate;
  /**
   * Called when the boat has acknowledged an export. `before` contains the versions that the sources held when the export was
   * requested.
   */
  acknowledge(
    boat: Boat,
    export_: Pick<Acknowledged, 'exportId' | 'queueId' | 'slot'>,
    before: ReadonlyMap<string, number>,
  ): void;
  /** Records that the ledger's boatlog cursor belongs to the current boatlog database. */
  noteCursor(boat: Boat): void;
  /** Checks a boat that has just recovered in boot `boot`. */
  checkStart(boat: Boat, boot: number): Promise<void>;
  /** Checks that a running boat has lost nothing. */
  checkRunning(boat: Boat): Promise<void>;
  /**
   * Checks after the calm day that nothing waits, that each delivery is proven, and that central holds each record once. A
   * removed record may still be in the file of a failed export. `daysRequested` lists the only days whose daily slot may be
   * claimed.
   */
  checkDrained(boat: Boat, daysRequested: ReadonlySet<string>): Promise<void>;
  /**
   * Called after the owner has retried all failed exports. Repeats the checks of `checkDrained` and adds those of the whole run.
   */
  checkFinished(boat: Boat, daysRequested: ReadonlySet<string>): Promise<void>;
  checkViews(boat: Boat): void;
  /** Records what was acknowledged. Returns a function that records that the card was restored to this state. */
  takeImage(): () => void;
  /** Restores central's database and records what central lost. */
  noteRestoration(restore: () => Promise<void>): Promise<void>;
  /**
   * Called once the boat has sent an export, whose answer reports what central lost, and has had time to send the lost exports.
   */
  expectRestored(): void;
  /**
   * Makes this oracle and that of a boat with a copied card expect each other's records. Call it when the card is copied.
   */
  expectCopy(copy: Oracle): void;
  /** Checks that central has noticed two boats with one identity. */
  checkWarned(): Promise<void>;
  /** The facts that the other boat's oracle needs. */
  readonly evidence: OwnEvidence;
  readonly counts: { checks: number; acknowledged: number; slots: number };
}

export function createOracle(deps: OracleDeps): Oracle {
  const { machine, sources, trace } = deps;
  const { found, violate } = createViolations(trace, deps.nowMs);
  const evidence = createEvidence(deps, violate);
  const { acknowledged } = evidence;
  const slots = createSlotCheck();
  const counts = { checks: 0, acknowledged: 0, slots: 0 };
  const noteRemoved = createRemovalNote(acknowledged, trace);

  const checkNothingLost = async (ledger: LedgerFacts, where: string): Promise<void> => {
    counts.checks += 1;
    evidence.files.readAll();
    evidence.due.noteCursor(ledger);
    noteRemoved(ledger);
    checkAcknowledgedExports(evidence, ledger, where);
    await checkRecords(evidence, machine.medium, ledger, where);
  };
  const checkDrained = async (ledger: LedgerFacts, daysRequested: ReadonlySet<string>): Promise<void> => {
    checkNothingWaits(evidence, ledger);
    evidence.behindLedger = undefined;
    await checkNothingLost(ledger, 'after the calm day');
    await checkCentralIsComplete(evidence, ledger);
    await checkStoredOnce(evidence);
    await checkProofs(evidence, ledger);
    checkFailures(evidence, ledger);
    slots.check(evidence, ledger, daysRequested);
    counts.slots = ledger.claimedSlots().length;
  };

  return {
    violations: found,
    violate,
    counts,
    noteCursor: (boat) => evidence.due.noteCursor(toLedgerFacts(boat)),
    checkStart: async (boat, boot) => {
      const ledger = toLedgerFacts(boat);
      slots.noteStart(ledger);
      await checkNothingLost(ledger, `after boot ${boot}`);
    },
    checkRunning: async (boat) => checkNothingLost(toLedgerFacts(boat), 'meanwhile'),
    checkDrained: async (boat, daysRequested) => checkDrained(toLedgerFacts(boat), daysRequested),
    checkFinished: async (boat, daysRequested) => {
      const ledger = toLedgerFacts(boat);
      await checkDrained(ledger, daysRequested);
      checkRetriesSucceeded(evidence, ledger);
      checkImportAnswers(evidence);
      checkSecrets(machine, deps.tokens, trace.lines, violate);
      checkAttempts(trace.events, violate);
    },
    takeImage: () => takeImage(evidence),
    noteRestoration: (restore) => noteRestoration(evidence, restore),
    expectRestored: () => {
      evidence.lost.isAwaited = false;
    },
    evidence,
    checkWarned: () => checkWarned(deps.store, deps.installationId, violate),
    expectCopy: (copy) => introduce(evidence, copy.evidence),
    checkViews: (boat) => checkViews(machine.medium, toLedgerFacts(boat), violate),
    acknowledge: (boat, export_, before) => {
      const ledger = toLedgerFacts(boat);
      counts.acknowledged += 1;
      slots.noteAcknowledged(export_.queueId);
      evidence.due.noteCursor(ledger);
      noteRequired(evidence, sources, ledger, export_, before);
    },
  };
}

function takeImage(evidence: OwnEvidence): () => void {
  const before = { acknowledged: [...evidence.acknowledged], required: [...evidence.required] };
  return () => {
    replaceAll(evidence.acknowledged, before.acknowledged);
    replaceAll(evidence.required, before.required);
    evidence.behindLedger = 'unknown';
  };
}

async function noteRestoration({ central, lost }: OwnEvidence, restore: () => Promise<void>): Promise<void> {
  const [records, exports] = [await central.load(), await central.loadImports()];
  await restore();
  const [recordsLeft, exportsLeft] = [await central.load(), await central.loadImports()];
  for (const key of records.keys())
    if (newestHeld(recordsLeft, key) < newestHeld(records, key)) lost.records.add(key);
  for (const [exportId, parts] of exports)
    if ((exportsLeft.get(exportId)?.length ?? 0) < parts.length) lost.exportIds.add(exportId);
  lost.isAwaited = true;
}

/** Makes the oracles of two boats expect each other's records. The second boat has a copy of the first one's card. */
function introduce(first: OwnEvidence, second: OwnEvidence): void {
  replaceAll(second.acknowledged, [...first.acknowledged]);
  replaceAll(second.required, [...first.required]);
  // The copied ledger has the same cursor, even if the log was replaced after the last export.
  replaceAll(second.due.generations, [...first.due.generations]);
  const shared = new Set(first.sources.records.keys());
  const isShared = (key: string): boolean => shared.has(key);
  second.peer = { identify: first.identify, isShared };
  first.peer = { identify: second.identify, isShared };
}

/** Records the export and, for each record it could read, the version that it must deliver. */
function noteRequired(
  { acknowledged, required }: OwnEvidence,
  sources: OracleDeps['sources'],
  ledger: LedgerFacts,
  export_: Parameters<Oracle['acknowledge']>[1],
  before: Parameters<Oracle['acknowledge']>[2],
): void {
  const entry = ledger.find(export_.queueId);
  acknowledged.set(export_.exportId, { ...export_, exportFile: entry?.exportFile });
  for (const [key, version] of before) {
    const record = sources.records.get(key);
    const state = record === undefined ? undefined : entry?.categories[record.category]?.state;
    if (record?.isPresent !== true || (state !== 'ok' && state !== 'empty')) continue;
    required.set(key, Math.max(version, required.get(key) ?? -1));
  }
}

/** Returns a function that reports acknowledged exports that the ledger no longer holds. Coverage counts them. */
function createRemovalNote(
  acknowledged: ReadonlyMap<string, Acknowledged>,
  trace: Trace,
): (ledger: LedgerFacts) => void {
  const removed = new Set<string>();
  return (ledger) => {
    for (const { queueId } of acknowledged.values()) {
      if (removed.has(queueId) || ledger.find(queueId) !== undefined) continue;
      removed.add(queueId);
      trace.add({ kind: 'export_removed', queueId });
    }
  };
}

function replaceAll<Key, Value>(map: Map<Key, Value>, entries: readonly (readonly [Key, Value])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}

/** The evidence that the oracle collects. Checkers only read it. */
export interface OwnEvidence extends Evidence {
  readonly acknowledged: Map<string, Acknowledged>;
  readonly required: Map<string, number>;
  /** The ledger of a restored card. `unknown` means that the boat has not been started since. */
  behindLedger: string | undefined;
  readonly lost: {
    isAwaited: boolean;
    readonly records: Set<string>;
    readonly exportIds: Set<string>;
  };
  readonly identify: Identify;
  peer: Peer | undefined;
}

function createEvidence(deps: OracleDeps, violate: Violate): OwnEvidence {
  const { machine, sources, trace } = deps;
  const identify: Identify = (category, record) => {
    const marker = readMarker(category, record);
    const truth = marker === undefined ? undefined : sources.records.get(marker.key);
    if (marker === undefined || truth === undefined) return undefined;
    return {
      truth,
      version: truth.versions.lastIndexOf(marker.version),
      oldest: truth.versions.indexOf(marker.version),
    };
  };
  const files = createExportFiles(machine.medium, identify);
  // The records in a legacy exporter's queue count as exported from the beginning.
  const legacy = [...sources.records.values()].filter((record) => record.legacy === 'whole');
  const own: OwnEvidence = {
    sources,
    files,
    central: createCentralRecords({
      store: deps.store,
      installationId: deps.installationId,
      identify,
      peer: () => own.peer,
      secrets: () => [...deps.tokens, ...deps.plantedSecrets],
      violate,
    }),
    importAnswers: deps.importAnswers,
    due: createDueRecords(sources, files),
    events: trace.events,
    acknowledged: new Map(),
    required: new Map(legacy.map(({ key }) => [key, 0])),
    behindLedger: undefined,
    lost: { isAwaited: false, records: new Set(), exportIds: new Set() },
    identify,
    peer: undefined,
    isLedgerBehind: (ledger) => {
      if (own.behindLedger === 'unknown') own.behindLedger = ledger.ledgerId();
      return own.behindLedger === ledger.ledgerId();
    },
    violate,
  };
  return own;
}
