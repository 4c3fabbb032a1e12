import { createHash } from 'node:crypto';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { enroll, type Store, systemRandomHex, systemWall } from '@d3kos/central';
import { IMPORT_PATH, type Receipt, ReceiptSchema, toContentDigest, toIdempotencyKey } from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import type { Seeded } from '../../packages/sim/src/fixture/seeded.ts';

const isReceipt = Compile(ReceiptSchema);

/** A receipt that a boat has, with the facts that must be true at central. */
export interface GivenReceipt {
  readonly installationId: string;
  readonly key: string;
  readonly receipt: Receipt;
  readonly recordIds: readonly string[];
}

/** A light fleet's results. */
export interface LightFleet {
  readonly receipts: readonly GivenReceipt[];
  /** Number of refusals and lost answers by kind, for example `503 UNAVAILABLE`. */
  readonly troubles: ReadonlyMap<string, number>;
  /** Resolves once the fleet has this many receipts. */
  untilReceipts(count: number): Promise<void>;
  /** Resolves once every boat has a receipt for every part. */
  readonly done: Promise<void>;
}

/**
 * A fleet of boats that use the protocol but have no ledger. Each boat sends its parts in order and repeats a part until it has a
 * receipt.
 */
export interface LightFleetPlan {
  readonly boats: number;
  /** True while a boat that has created `exports` exports creates another one. */
  readonly makesMore: (exports: number) => boolean;
  readonly partsMax: number;
  readonly recordsOfPart: number;
  /** The nodes' addresses. A boat contacts any of them, as through a load balancer. */
  readonly urls: readonly string[];
  readonly seeded: Seeded;
  readonly signal: AbortSignal;
}

/**
 * Longest pause of a boat before it repeats a part. It is shorter than `Retry-After`, so that a test takes minutes and not
 * hours.
 */
const PAUSE_MAX_MS = 300;
/** Longest wait for an answer: longer than a node's time limit for a statement. */
const ANSWER_MAX_MS = 60_000;

interface Part {
  readonly key: string;
  readonly body: Buffer;
  readonly sha256: string;
  readonly recordIds: readonly string[];
  readonly exportId: string;
  readonly index: number;
}

/** Enrols the boats in the database of `store` and lets them send. */
export async function sendFromLightFleet(store: Store, plan: LightFleetPlan): Promise<LightFleet> {
  const receipts: GivenReceipt[] = [];
  const troubles = new Map<string, number>();
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const fleet = Array.from({ length: plan.boats }, () => plan.seeded.hex(16));
  const tokens = new Map<string, string>();
  for (const installationId of fleet) {
    const world = { store, wallMs: systemWall(), randomHex: systemRandomHex };
    tokens.set(installationId, (await enroll(world, { installationId })).token);
  }
  const note = (given: GivenReceipt): void => {
    receipts.push(given);
    for (const { count, resolve } of waiting) if (receipts.length >= count) resolve();
  };
  const trouble = (kind: string): void => {
    troubles.set(kind, (troubles.get(kind) ?? 0) + 1);
  };
  const done = Promise.all(
    fleet.map(async (installationId) => {
      for (const part of toParts(installationId, plan)) {
        const receipt = await sendPart(
          plan,
          { installationId, token: tokens.get(installationId) ?? '' },
          part,
          trouble,
        );
        note({ installationId, key: part.key, receipt, recordIds: part.recordIds });
      }
    }),
  ).then(() => undefined);
  // If a test fails before it waits for the fleet, its own failure must be reported.
  done.catch(() => undefined);
  return {
    receipts,
    troubles,
    untilReceipts: (count) => {
      const reached = new Promise<void>((resolve) => {
        if (receipts.length >= count) resolve();
        else waiting.push({ count, resolve });
      });
      return Promise.race([reached, done]);
    },
    done,
  };
}

/** Yields a boat's parts in order. Each record has its own ID, so that it can be counted. */
function* toParts(installationId: string, plan: LightFleetPlan): Generator<Part> {
  for (let sequence = 1; plan.makesMore(sequence - 1); sequence += 1) {
    const exportId = `export_${installationId}_${sequence}`;
    const count = 1 + plan.seeded.below(plan.partsMax);
    for (let index = 1; index <= count; index += 1) {
      const recordIds = Array.from({ length: plan.recordsOfPart }, (_, no) => `${sequence}-${index}-${no}`);
      const entries = recordIds.map((id) => ({ record_id: id, content: `entry ${id} of ${installationId}` }));
      const document = {
        installation_id: installationId,
        export_timestamp: '2026-06-01T11:59:00Z',
        format_version: '1.0',
        export_id: exportId,
        export_type: 'incremental',
        tier: 2,
        trigger: 'scheduled',
        sequence,
        ledger_id: installationId,
        software_version: '0.1.0',
        clock: { synchronized: true, boot_id: 'boot' },
        part: { index, count },
        data: { boatlog: { category: 'boatlog', entry_count: entries.length, entries } },
      };
      const body = Buffer.from(JSON.stringify(document));
      const sha256 = createHash('sha256').update(body).digest('hex');
      yield { key: toIdempotencyKey(exportId, index), body, sha256, recordIds, exportId, index };
    }
  }
}

/** Sends one part until a receipt for it arrives. A permanent refusal is a defect. */
async function sendPart(
  { urls, seeded, signal }: LightFleetPlan,
  { installationId, token }: { readonly installationId: string; readonly token: string },
  part: Part,
  trouble: (kind: string) => void,
): Promise<Receipt> {
  const body = gzipSync(part.body);
  for (;;) {
    signal.throwIfAborted();
    const url = urls[seeded.below(urls.length)] ?? '';
    try {
      const answer = await fetch(`${url}${IMPORT_PATH}`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${token}`,
          'Content-Type': 'application/json',
          'Content-Encoding': 'gzip',
          'Content-Digest': toContentDigest(createHash('sha256').update(body).digest('base64')),
          'Idempotency-Key': part.key,
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MAX_MS)]),
      });
      const json: unknown = await answer.json();
      if (answer.status === 200) {
        assert.ok(isReceipt.Check(json), JSON.stringify(json));
        assert.deepEqual(
          [json.export_id, json.part.index, json.sha256],
          [part.exportId, part.index, part.sha256],
        );
        return json;
      }
      const { status } = answer;
      const code =
        typeof json === 'object' && json !== null && 'error_code' in json ? String(json.error_code) : '';
      assert.ok(status === 429 || status === 503, `${installationId}: ${status} ${JSON.stringify(json)}`);
      assert.match(answer.headers.get('Retry-After') ?? '', /^[1-9]\d*$/);
      trouble(`${status} ${code}`);
    } catch (error) {
      if (error instanceof assert.AssertionError || signal.aborted) throw error;
      // The node was killed, or no node is listening at its address.
      trouble('no answer');
    }
    await sleep(seeded.below(PAUSE_MAX_MS), undefined, { signal });
  }
}

/**
 * Checks by SQL that every receipt is correct and that every part is stored once. Returns the keys of the receipts whose part or
 * records are missing. Throws if central holds a part or a record that no boat sent, or if a counter does not match.
 */
export async function findFalseReceipts(
  store: Store,
  receipts: readonly GivenReceipt[],
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const installationId of new Set(receipts.map((given) => given.installationId))) {
    const own = receipts.filter((given) => given.installationId === installationId);
    const parts = await store.query(
      'select idempotency_key, sha256, import_id from imports where installation_id = $1::text',
      [installationId],
    );
    const records = await store.query(
      'select record_id, record ->> $2::text as content from records_boatlog where installation_id = $1::text',
      [installationId, 'content'],
    );
    const heldParts = new Map(parts.map((row) => [row['idempotency_key'], row]));
    const heldRecords = new Map(records.map((row) => [row['record_id'], row['content']]));
    for (const { key, receipt, recordIds } of own) {
      const part = heldParts.get(key);
      const isHeld =
        part?.['sha256'] === receipt.sha256 &&
        part['import_id'] === receipt.import_id &&
        recordIds.every((id) => heldRecords.get(id) === `entry ${id} of ${installationId}`);
      if (!isHeld) missing.push(key);
    }
    const [counted = { documents: 0, records: 0 }] = await store.query(
      'select documents::int as documents, records::int as records from installations where installation_id = $1::text',
      [installationId],
    );
    assert.deepEqual(counted, { documents: parts.length, records: records.length }, installationId);
  }
  return missing;
}
