import type { Store } from '@d3kos/central';
import type { Category } from '@d3kos/protocol';
import type { Identify } from './export-files.ts';
import { parseObject } from './parse-object.ts';
import type { Violate } from './violations.ts';

/** Categories that the oracle tracks. Telemetry is not tracked, because a sample describes only the moment of its export. */
const TRACKED: readonly Category[] = [
  'boatlog',
  'marine_vision_captures',
  'marine_vision_snapshots',
  'settings',
  'system_alerts',
  'onboarding',
];

/** A record in central's database. */
export interface HeldRecord {
  readonly recordId: string;
  readonly version: number;
}

/** The records that central holds, by their key in the truth. */
export type Holding = ReadonlyMap<string, readonly HeldRecord[]>;

/** A row of central's `imports` table, which is one part of one export. */
export interface ImportedPart {
  readonly exportId: string;
  readonly index: number;
  readonly count: number;
  readonly sha256: string;
}

/** Reads central's database without central's own code. */
export interface CentralRecords {
  load(): Promise<Holding>;
  /**
   * Returns the records loaded last if `isEnough` accepts them, and otherwise loads them again. Reusing them is correct because
   * central never drops a record.
   */
  loadUnless(isEnough: (seen: Holding) => boolean): Promise<Holding>;
  /** Imported parts, by export. */
  loadImports(): Promise<ReadonlyMap<string, readonly ImportedPart[]>>;
}

/** Another boat with the same installation ID: one of the two has a copy of the other's card. */
export interface Peer {
  readonly identify: Identify;
  /** True if both boats had the record when the card was copied. In that case, either boat may send it to central. */
  isShared(key: string): boolean;
}

export interface CentralRecordsDeps {
  readonly store: Store;
  readonly installationId: string;
  readonly identify: Identify;
  readonly peer: () => Peer | undefined;
  /** Values that no record may contain. */
  readonly secrets: () => readonly string[];
  readonly violate: Violate;
}

export function createCentralRecords(deps: CentralRecordsDeps): CentralRecords {
  const { store, installationId, violate } = deps;
  let seen: Holding = new Map();

  const load = async (): Promise<Holding> => {
    const selects = TRACKED.map(
      (category) =>
        `select '${category}' as category, record_id, record::text as record from records_${category} where installation_id = $1::text`,
    );
    const rows = await store.query(`${selects.join(' union all ')} order by 1, 2`, [installationId]);
    const holding = new Map<string, HeldRecord[]>();
    for (const row of rows) {
      const [category, recordId, text] = [row['category'], row['record_id'], row['record']].map(String);
      if (deps.secrets().some((secret) => String(text).includes(secret)))
        violate(`a secret is at central: ${category} ${recordId}`);
      const record = parseObject(String(text)) ?? {};
      const found = deps.identify(String(category), record);
      const peer = deps.peer();
      if (found === undefined || found.version === -1) {
        const other = peer?.identify(String(category), record);
        if (other === undefined || other.version === -1)
          violate(
            `central holds a record that no source ever held: ${category} ${recordId} ${text?.slice(0, 200)}`,
          );
        if (other === undefined || found === undefined || peer?.isShared(found.truth.key) !== true) continue;
      }
      const { key, atMs, versions } = found.truth;
      const heldAt = record['timestamp_utc'];
      if (atMs !== undefined && Math.floor(Date.parse(String(heldAt))) !== atMs)
        violate(`central holds ${key} at ${String(heldAt)}, not at ${new Date(atMs).toISOString()}`);
      const version = peer?.isShared(key) === true ? versions.length - 1 : found.version;
      const held = { recordId: String(recordId), version };
      holding.set(key, [...(holding.get(key) ?? []), held]);
    }
    seen = holding;
    return holding;
  };
  return {
    load,
    loadUnless: async (isEnough) => (isEnough(seen) ? seen : load()),
    loadImports: async () => {
      const rows = await store.query(
        'select export_id, part_index, part_count, sha256 from imports where installation_id = $1::text order by export_id, part_index',
        [installationId],
      );
      const parts = rows.map((row) => ({
        exportId: String(row['export_id']),
        index: Number(row['part_index']),
        count: Number(row['part_count']),
        sha256: String(row['sha256']),
      }));
      return Map.groupBy(parts, ({ exportId }) => exportId);
    },
  };
}

/** Returns the newest version of a record that central holds, or -1. */
export function newestHeld(holding: Holding, key: string): number {
  return Math.max(-1, ...(holding.get(key) ?? []).map(({ version }) => version));
}

export function describeHeld(holding: Holding, key: string): string {
  const held = newestHeld(holding, key);
  return held === -1 ? '' : ` (central has v${held})`;
}
