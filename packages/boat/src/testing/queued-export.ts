import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Receipt } from '@d3kos/protocol';
import { openLedger } from '../ledger/ledger.ts';
import { createClock } from '../platform/clock.ts';
import { createDisk } from '../platform/disk.ts';
import type { WallMs, World } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { createKeptLog } from './kept-log.ts';
import { SPOOLED_INSTALLATION, spoolExport } from './spooled-export.ts';
import { temporaryRoot } from './temporary-root.ts';
import type { LicenseResult } from '../license/policy.ts';
import type { CentralClient } from '../deliver/central-client.ts';
import { deliverEntry, type DeliveryStep, type EntryResult } from '../deliver/deliver-entry.ts';
import type { HeldParts } from '../deliver/held-parts.ts';
import type { Outcome, ProbeResult } from '../deliver/outcome.ts';
import { createPartFailures } from '../deliver/part-failures.ts';

const root = temporaryRoot('deliver-entry');
/** IDs of the export's records, in order. */
export const RECORD_IDS = Array.from({ length: 120 }, (_, index) => `record ${index}`);
/** Forty records fit into a part, so that an export has three parts. */
const PART_SIZE_BYTES = 42_000;

/** A part, as passed to the central client. */
export type Sent = Omit<Parameters<CentralClient['sendPart']>[0], 'token'>;

/** Returns a body's SHA-256 in hex. */
export const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** Returns the receipt that central gives for a part. */
export function receiptFor({ exportId, part, body }: Sent): Receipt {
  return {
    status: 'success',
    import_id: `import_${part.index}`,
    export_id: exportId,
    part,
    sha256: digestOf(body),
    records_imported: {},
    rejected_records: [],
    duplicate: false,
    timestamp: '2026-01-01T00:00:00Z',
  };
}
/** Returns the outcome for a part that central accepts. */
export const accept = (sent: Sent): Outcome => ({
  kind: 'receipt',
  receipt: receiptFor(sent),
  offers: [],
  missing: undefined,
});
/** Fields of an entry that is waiting again after a failure. */
export const WAITS = {
  nextRetryAtMs: 0 as WallMs,
  lastError: 'cut off',
  wireSizeBytes: 0,
  atMs: 0 as WallMs,
};
/** Returns the IDs of the records in a part. */
export const recordsIn = ({ body }: Sent): readonly string[] =>
  // The document was created by the boat, so it has this shape.
  (JSON.parse(Buffer.from(body).toString('utf8')).data.boatlog.entries as { record_id: string }[]).map(
    ({ record_id }) => record_id,
  );

const CENTRAL_ANSWERS: ProbeResult = { kind: 'central', timeWallMs: undefined, offers: [] };
const HELD_UNKNOWN: HeldParts = { receipts: [], offers: undefined, isWhole: false };
/** Central's answer when it holds no parts. */
export const HELD_NOTHING: HeldParts = { receipts: [], offers: [], isWhole: true };
/** A licence that permits sending. */
export const LICENSE: LicenseResult = {
  kind: 'known',
  installationId: SPOOLED_INSTALLATION,
  tier: 2,
  source: 'tier_api',
};

interface DeliverOptions {
  /** Parts that central reports as held. */
  readonly held?: HeldParts;
  /** The step after which the consumer stops. */
  readonly stopAfter?: DeliveryStep['kind'];
  readonly license?: () => Promise<LicenseResult>;
  /** The result of a probe. */
  readonly probed?: ProbeResult;
}

let made = 0;
/** Queues an export with three parts. Also returns a function that delivers it to a central with the given answers. */
export async function queueExport(installationId = SPOOLED_INSTALLATION) {
  made += 1;
  const paths = toSpoolPaths(join(root, String(made)));
  mkdirSync(paths.exports, { recursive: true });
  const disk = createDisk();
  // The ports that delivery uses. `send` replaces the network.
  const world = {
    clock: createClock(),
    disk,
    random: createRandom(),
    log: createKeptLog(),
  } as unknown as World;
  const ledger = openLedger(createDatabases().openLedger(paths.ledger), () => '00112233445566ff');
  const exportFile = join(paths.exports, 'export_1.json');
  ledger.queue.enqueue(
    {
      queueId: 'q_1',
      exportId: 'exp_1',
      exportFile,
      exportType: 'full',
      trigger: 'manual',
      tier: 2,
      sequence: 1,
      categoryCount: 9,
      recordCount: RECORD_IDS.length,
      categories: { boatlog: { state: 'ok', count: RECORD_IDS.length } },
      fileSizeBytes: await spoolExport(disk, exportFile, RECORD_IDS, { installation_id: installationId }),
      createdAtMs: 0 as WallMs,
    },
    [],
  );
  const sent: Sent[] = [];
  const queries: number[] = [];
  const steps: DeliveryStep['kind'][] = [];
  const failures = createPartFailures();
  let probes = 0;
  const deliver = async (
    answer: (part: Sent) => Outcome,
    {
      held = HELD_UNKNOWN,
      stopAfter,
      license = async () => LICENSE,
      probed = CENTRAL_ANSWERS,
    }: DeliverOptions = {},
  ): Promise<EntryResult | undefined> => {
    const entry = ledger.queue.claim(() => true);
    assert.ok(entry !== undefined);
    const central: CentralClient = {
      probe: async () => {
        probes += 1;
        return probed;
      },
      fetchHeldParts: async ({ firstIndex }) => {
        queries.push(firstIndex);
        return held;
      },
      sendPart: async (part) => {
        sent.push(part);
        return { outcome: answer(part), wireSizeBytes: part.body.byteLength };
      },
    };
    const delivery = {
      entry,
      token: 'token',
      installationId: SPOOLED_INSTALLATION,
      partSizeBytes: PART_SIZE_BYTES,
    };
    const { signal } = new AbortController();
    const running = deliverEntry(
      { world, ledger, license: { current: license }, central, failures },
      delivery,
      signal,
    );
    for (;;) {
      const next = await running.next();
      if (next.done === true) return next.value;
      steps.push(next.value.kind);
      if (next.value.kind === stopAfter) return undefined;
    }
  };
  return { ledger, sent, queries, steps, failures, deliver, probes: () => probes };
}
