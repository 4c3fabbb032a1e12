import { createHash } from 'node:crypto';
import { type Boat, toSpoolPaths } from '@d3kos/boat';
import type { Store } from '@d3kos/central';
import type { Category } from '@d3kos/protocol';
import { contentOf, type DiskMedium } from './disk-medium.ts';
import { waitsForAdoption } from './legacy-queue.ts';
import { toTime } from './plan-times.ts';
import { ROOT } from './places.ts';
import { type BoatSources, CURSOR_SOURCES, readMarker } from './sources.ts';
import type { Trace } from './trace.ts';
import type { TruthRecord } from './truth-record.ts';

/** Categories whose records the oracle follows. A telemetry sample is of the moment it was taken in. */
const FOLLOWED: readonly Category[] = [
  'boatlog',
  'marine_vision_captures',
  'marine_vision_snapshots',
  'settings',
  'system_alerts',
  'onboarding',
];

/** Violations told of one run: the first ones say what broke, the rest follow from it. */
const VIOLATIONS_MAX = 10;

/** An export whose making was answered with success. */
export interface Acknowledged {
  readonly exportId: string;
  readonly queueId: string;
  readonly slot: string | undefined;
}

/** A record as a file or central holds it. */
interface Held {
  readonly recordId: string;
  readonly version: number;
}

/** An export file, read by the oracle's own eyes. */
interface FileFacts {
  readonly isComplete: boolean;
  readonly sha256: string;
  readonly held: ReadonlyMap<string, number>;
}

/** What central holds, by the truth's keys. */
type Holding = ReadonlyMap<string, readonly Held[]>;

export interface OracleDeps {
  readonly store: Store;
  readonly medium: DiskMedium;
  readonly sources: BoatSources;
  readonly installationId: string;
  readonly trace: Trace;
  readonly nowMs: () => number;
  /** What must be in no record: device tokens, and what is planted in the sources. */
  readonly secrets: () => readonly string[];
}

/** Watches one run and says what of the promises was broken. Everything it knows comes from outside the boat's own code. */
export interface Oracle {
  readonly violations: readonly string[];
  violate(text: string): void;
  /** An export was answered with success; `before` is what the sources held when it was asked for. */
  acknowledge(boat: Boat, export_: Acknowledged, before: ReadonlyMap<string, number>): void;
  /** The cursors the ledger has now are of the boatlog that is there now. */
  noteCursors(boat: Boat): void;
  /** The invariant of delivery.md: every record is delivered, in a file that waits, or due in the next export. */
  check(boat: Boat, where: string): Promise<void>;
  /**
   * After the calm day: nothing waits, every delivery is proven, and every record is at central. One whose export was
   * stopped and which is in no source any more may be in that export's file; with `isRetried` the owner has sent those too.
   * `daysAsked`: the only days whose daily slot may be claimed.
   */
  checkDrained(boat: Boat, isRetried: boolean, daysAsked: ReadonlySet<string>): Promise<void>;
  readonly counts: { checks: number; acknowledged: number; slots: number };
  /** Exports that were answered with success. */
  readonly acknowledged: ReadonlyMap<string, Acknowledged>;
}

export function createOracle(deps: OracleDeps): Oracle {
  const { medium, sources, trace } = deps;
  const paths = toSpoolPaths(ROOT);
  const violations: string[] = [];
  const told = new Set<string>();
  const acknowledged = new Map<string, Acknowledged>();
  // What an older exporter left is in its queue from the begin on.
  const required = new Map<string, number>(
    [...sources.records.values()].filter(({ old }) => old === 'whole').map(({ key }) => [key, 0]),
  );
  const cursorGenerations = new Map<string, number>();
  /** SHA-256 of a record's line, as the ledger keeps it of state records, and the version that line was. */
  const digestVersions = new Map<string, number>();
  const files = new WeakMap<Uint8Array, FileFacts>();
  let seen: Holding = new Map();
  const counts = { checks: 0, acknowledged: 0, slots: 0 };

  const violate = (text: string): void => {
    // What is broken stays so: it is told where it was seen first.
    const what = text.replace(/^(?:after boot \d+|meanwhile|after the calm day): /, '');
    if (told.has(what) || violations.length >= VIOLATIONS_MAX) return;
    told.add(what);
    violations.push(`${toTime(deps.nowMs())} ${text}`);
    trace.add(`VIOLATION ${text}`);
  };

  const versionOf = (category: string, record: Readonly<Record<string, unknown>>) => {
    const marker = readMarker(category, record);
    const truth = marker === undefined ? undefined : sources.records.get(marker.key);
    if (marker === undefined || truth === undefined) return undefined;
    return { truth, version: truth.versions.lastIndexOf(marker.says) };
  };

  const readFile = (path: string): FileFacts | undefined => {
    const node = medium.find(path);
    if (node?.kind !== 'file') return undefined;
    // A finished file is never written again; what a power cut makes of it is another room.
    const known = files.get(node.room);
    if (known !== undefined) return known;
    const bytes = contentOf(node);
    const text = Buffer.from(bytes).toString('utf8');
    const held = new Map<string, number>();
    let category = '';
    for (const line of text.split('\n')) {
      category = /^"([a-z_]+)":\{"category"/.exec(line)?.[1] ?? category;
      if (!line.startsWith('{"record_id":')) continue;
      const whole = line.endsWith(',') ? line.slice(0, -1) : line;
      const record = parseObject(whole);
      const found = record === undefined ? undefined : versionOf(category, record);
      if (found === undefined) continue;
      held.set(found.truth.key, Math.max(found.version, held.get(found.truth.key) ?? -1));
      digestVersions.set(createHash('sha256').update(whole).digest('hex'), found.version);
    }
    const facts: FileFacts = {
      isComplete: parseObject(text) !== undefined,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      held,
    };
    files.set(node.room, facts);
    return facts;
  };

  const readAllFiles = (): void => {
    for (const path of medium.paths())
      if (
        path.endsWith('.json') &&
        (path.startsWith(`${paths.exports}/`) || path.startsWith(`${paths.failed}/`))
      )
        readFile(path);
  };

  const loadHolding = async (): Promise<Holding> => {
    const selects = FOLLOWED.map(
      (category) =>
        `select '${category}' as category, record_id, record::text as record from records_${category} where installation_id = $1::text`,
    );
    const rows = await deps.store.query(`${selects.join(' union all ')} order by 1, 2`, [
      deps.installationId,
    ]);
    const holding = new Map<string, Held[]>();
    for (const row of rows) {
      if (deps.secrets().some((secret) => String(row['record']).includes(secret)))
        violate(`a secret is at central: ${row['category']} ${row['record_id']}`);
      const found = versionOf(String(row['category']), parseObject(String(row['record'])) ?? {});
      if (found === undefined || found.version === -1) {
        violate(
          `central holds a record that no source ever held: ${row['category']} ${row['record_id']} ${String(row['record']).slice(0, 200)}`,
        );
        continue;
      }
      const { key } = found.truth;
      holding.set(key, [
        ...(holding.get(key) ?? []),
        { recordId: String(row['record_id']), version: found.version },
      ]);
    }
    return holding;
  };

  const noteCursors = (boat: Boat): void => {
    const cursor = boat.ledger.progress.cursorOf('boatlog', CURSOR_SOURCES.boatlog);
    if (cursor !== undefined && !cursorGenerations.has(cursor.check))
      cursorGenerations.set(cursor.check, sources.generation());
  };

  /** Tells of each record whether the next export will carry it. */
  const createIsDue = ({ ledger: { progress } }: Boat): ((record: TruthRecord) => boolean) => {
    const cursors = {
      boatlog: progress.cursorOf('boatlog', CURSOR_SOURCES.boatlog),
      marine_vision_captures: progress.cursorOf(
        'marine_vision_captures',
        CURSOR_SOURCES.marine_vision_captures,
      ),
    };
    return ({ category, isPresent, row, recordId, versions }) => {
      if (!isPresent) return false;
      if (category === 'boatlog' || category === 'marine_vision_captures') {
        const cursor = cursors[category];
        if (cursor === undefined || row === undefined) return true;
        const generation = category === 'boatlog' ? cursorGenerations.get(cursor.check) : 1;
        return generation !== row.generation || row.position > cursor.position;
      }
      const digest = progress.digestOf(category, recordId ?? '');
      return digest === undefined || digestVersions.get(digest) !== versions.length - 1;
    };
  };

  /** The version that must not be lost: the newest of what is there, and of what is gone the one that was collected. */
  const neededOf = (record: TruthRecord): number | undefined =>
    record.isPresent ? record.versions.length - 1 : required.get(record.key);

  const checkAcknowledged = (boat: Boat, where: string): void => {
    const delivered = new Set(boat.ledger.queue.history(1_000_000).map((row) => row.exportId));
    for (const { exportId, queueId } of acknowledged.values()) {
      const entry = boat.ledger.queue.findByExportId(exportId);
      if (entry === undefined) {
        // Power may fail between the removal and its line in the log; of what failed a loss was written before.
        const wasRemoved =
          isRemoved(boat, `${paths.failed}/${queueId}_failed.json`) ||
          trace.lines.some((line) => line.includes(`Removed export ${queueId}:`));
        if (!delivered.has(exportId) && !wasRemoved)
          violate(`${where}: ${queueId} was acknowledged and is gone`);
        continue;
      }
      if (entry.status !== 'pending' && entry.status !== 'uploading') continue;
      const file = readFile(entry.exportFile) ?? readFile(`${paths.failed}/${queueId}_failed.json`);
      if (file === undefined) violate(`${where}: ${queueId} waits and its file is gone`);
      else if (!file.isComplete) violate(`${where}: ${queueId} waits and its file is not whole`);
    }
  };

  const check = async (boat: Boat, where: string): Promise<void> => {
    counts.checks += 1;
    readAllFiles();
    noteCursors(boat);
    checkAcknowledged(boat, where);
    const carried = new Map<string, number>();
    const claimed: { readonly queueId: string; readonly file: FileFacts }[] = [];
    for (const status of ['pending', 'uploading', 'failed', 'completed'] as const)
      for (const entry of boat.ledger.queue.list(status)) {
        const file = readFile(entry.exportFile) ?? readFile(`${paths.failed}/${entry.queueId}_failed.json`);
        if (file === undefined || !file.isComplete) continue;
        if (status === 'completed') claimed.push({ queueId: entry.queueId, file });
        else
          for (const [key, version] of file.held) carried.set(key, Math.max(version, carried.get(key) ?? -1));
      }
    const isDue = createIsDue(boat);
    const isKept = isImportOpen(boat);
    const waiting = [...sources.records.values()].flatMap((record) => {
      const needed = neededOf(record);
      if (needed === undefined || (record.old !== undefined && isKept)) return [];
      if (isDue(record) || (carried.get(record.key) ?? -1) >= needed) return [];
      return [{ record, needed }];
    });
    // Central is asked last: what arrives meanwhile was waiting when the ledger was read. It never gives anything back
    // (`checkDrained` looks again), so it is asked only for what it was not seen to hold.
    const isSeen =
      waiting.every(({ record, needed }) => newestHeld(seen, record.key) >= needed) &&
      claimed.every(({ file }) => [...file.held].every(([key, version]) => newestHeld(seen, key) >= version));
    if (!isSeen) seen = await loadHolding();
    const holding = seen;
    for (const { record, needed } of waiting)
      if (newestHeld(holding, record.key) < needed && !waitsForAdoption(boat, medium, record))
        violate(
          `${where}: ${record.category} ${record.key} v${needed} is neither delivered nor waiting nor due${describeHeld(holding, record.key)}`,
        );
    for (const { queueId, file } of claimed)
      for (const [key, version] of file.held)
        if (newestHeld(holding, key) < version)
          violate(`${where}: ${queueId} is delivered, and central does not hold its ${key} v${version}`);
  };

  const checkDrained = async (
    boat: Boat,
    isRetried: boolean,
    daysAsked: ReadonlySet<string>,
  ): Promise<void> => {
    const { pending, uploading } = boat.ledger.queue.counts();
    if (pending + uploading > 0) {
      const stuck = [...boat.ledger.queue.list('pending'), ...boat.ledger.queue.list('uploading')];
      violate(
        `after the calm day ${stuck.map((entry) => `${entry.queueId} still waits (${entry.lastError ?? 'no error'})`).join(', ')}`,
      );
    }
    await check(boat, 'after the calm day');
    const holding = await loadHolding();
    const failed = boat.ledger.queue.list('failed');
    const kept = failed.flatMap((entry) => readFile(entry.exportFile) ?? []);
    const again = failed.filter((entry) => readFile(entry.exportFile) !== undefined && !mayConflict(entry));
    if (isRetried && again.length > 0) violate(`${again.length} exports failed again on a calm day`);
    for (const record of sources.records.values()) {
      const needed = neededOf(record);
      const isKept =
        !record.isPresent && kept.some((file) => (file.held.get(record.key) ?? -1) >= (needed ?? 0));
      if (isKept) continue;
      const held = holding.get(record.key) ?? [];
      if (needed !== undefined && newestHeld(holding, record.key) < needed)
        violate(
          `central lacks ${record.category} ${record.key} v${needed}${describeHeld(holding, record.key)}`,
        );
      if (held.length > 1)
        violate(
          `central holds ${record.key} ${held.length} times: ${held.map((h) => h.recordId).join(', ')}`,
        );
      if (record.recordId !== undefined && held.some(({ recordId }) => recordId !== record.recordId))
        violate(`central holds ${record.key} as ${held[0]?.recordId}, not as ${record.recordId}`);
    }
    await checkProofs(boat);
    for (const entry of failed)
      if (!isKnownFailure(entry.lastError ?? '') && !mayConflict(entry) && !isRemoved(boat, entry.exportFile))
        violate(`${entry.queueId} failed for no reason it may have: ${entry.lastError}`);
    checkSlots(boat, daysAsked);
  };

  /** Cut another way after its parts were on a stick, or a late request's: where those arrive first it is refused (decisions 0020, 0024). */
  const mayConflict = ({
    queueId,
    lastError,
  }: {
    readonly queueId: string;
    readonly lastError: string | undefined;
  }): boolean =>
    lastError?.startsWith('HTTP 409 IDEMPOTENCY_CONFLICT') === true &&
    trace.lines.some((line) => line.includes(`: ${queueId} is cut to `));

  /**
   * One export a slot. A file whose power failed before its entry was made is adopted, and has claimed nothing: the slot's
   * own export follows, and what both carry is at central once.
   */
  const checkSlots = ({ ledger }: Boat, daysAsked: ReadonlySet<string>): void => {
    counts.slots = ledger.slots.claimed().length;
    for (const slot of ledger.slots.claimed())
      if (!daysAsked.has(slot))
        violate(`slot ${slot} was claimed, and nobody asked for an export on that day`);
    const slots = [...acknowledged.values()].flatMap(({ slot }) => slot ?? []);
    for (const slot of new Set(slots))
      if (slots.filter((other) => other === slot).length > 1) violate(`slot ${slot} was exported twice`);
    const made = [...ledger.queue.list('completed'), ...ledger.queue.list('failed')].filter(
      ({ trigger, queueId }) =>
        trigger === 'scheduled' && !trace.lines.some((line) => line.endsWith(` as ${queueId}`)),
    );
    const claimed = ledger.slots.claimed().length;
    if (made.length > claimed) violate(`${made.length} scheduled exports for ${claimed} slots`);
  };

  /** Each delivery has all its parts among central's imports, with the digest of what was sent. */
  const checkProofs = async (boat: Boat): Promise<void> => {
    const imports = await deps.store.query(
      'select export_id, part_index, part_count, sha256 from imports where installation_id = $1::text order by export_id, part_index',
      [deps.installationId],
    );
    const parts = Map.groupBy(imports, (row) => String(row['export_id']));
    for (const row of boat.ledger.queue.history(1_000_000)) {
      const stored = parts.get(row.exportId) ?? [];
      const last = stored.at(-1);
      const isWhole =
        last?.['part_index'] === last?.['part_count'] &&
        stored.every((part, index) => part['part_index'] === index + 1);
      if (stored.length === 0 || !isWhole)
        violate(
          `${row.queueId} is in history, and central's imports hold ${stored.length} of its ${last?.['part_count'] ?? '?'} parts`,
        );
      const entry = boat.ledger.queue.findByExportId(row.exportId);
      const facts = entry === undefined ? undefined : readFile(entry.exportFile);
      // An export that was never cut went as the file itself.
      if (facts !== undefined && entry?.partSizeBytes === undefined && last?.['sha256'] !== facts.sha256)
        violate(`${row.queueId} is in history, and central stored other bytes`);
    }
  };

  return {
    violations,
    violate,
    counts,
    acknowledged,
    noteCursors,
    check,
    checkDrained,
    acknowledge: (boat, export_, before) => {
      counts.acknowledged += 1;
      acknowledged.set(export_.exportId, export_);
      noteCursors(boat);
      const states = boat.ledger.queue.findByExportId(export_.exportId)?.categories ?? {};
      for (const [key, version] of before) {
        const record = sources.records.get(key);
        const state = record === undefined ? undefined : states[record.category]?.state;
        if (record?.isPresent !== true || (state !== 'ok' && state !== 'empty')) continue;
        required.set(key, Math.max(version, required.get(key) ?? -1));
      }
    },
  };
}

/** True while the boat has not imported all of an older exporter's queue: what is in it waits in its file. */
export function isImportOpen({ ledger }: Boat): boolean {
  return ledger.facts.get('old_queue_imported') === undefined;
}

/** Why an export may have failed: the owner stopped it, central will never take it, or its attempts are spent. */
function isKnownFailure(reason: string): boolean {
  return (
    reason.startsWith('Cancelled by the owner') ||
    reason.startsWith('HTTP 422 ') ||
    /^HTTP (408|429|5\d\d)\b/.test(reason) ||
    reason.startsWith('The answer was lost') ||
    reason.startsWith('The connection fell silent')
  );
}

/** The power failed while a failed export that later ones had delivered was removed: its file is gone, and a line tells of it. */
function isRemoved({ ledger }: Boat, file: string): boolean {
  return ledger.queue.losses().some(({ what }) => what === file);
}

function newestHeld(holding: Holding, key: string): number {
  return Math.max(-1, ...(holding.get(key) ?? []).map(({ version }) => version));
}

function describeHeld(holding: Holding, key: string): string {
  const held = newestHeld(holding, key);
  return held === -1 ? '' : ` (central has v${held})`;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    // Checked just here; what is read of it is compared as text.
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // A torn or foreign text is no object.
    return undefined;
  }
}
