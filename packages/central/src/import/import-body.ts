import type { ContentCoding, Receipt } from '@d3kos/protocol';
import type { Accounting } from './account.ts';
import type { Credential } from '../installations/credential.ts';
import type { Store } from '../platform/ports.ts';
import { findRepeated } from './find-repeated.ts';
import type { Arrival } from './ledger-policy.ts';
import type { Preparation } from './prepare-part.ts';
import type { MeasureStage } from './import-stage.ts';
import { chargeWork, type Preparer } from './preparer.ts';
import type { QuotaAmount } from './quota-policy.ts';
import { type StoreOutcome, storePart } from './store-part.ts';

/**
 * Bytes of records that the database stores in one millisecond of CPU time. Installations are charged for database work by size,
 * not by time, so that a slow database does not use up a boat's budget.
 */
const RECORD_BYTES_PER_MS = 10_000;

/** A document, or one part of it, that arrived over the network or in a bundle. */
export interface BodyToImport {
  /** The decoded bytes. */
  readonly bytes: Uint8Array;
  /** Hex SHA-256 of `bytes`. */
  readonly sha256: string;
  /** The sender, who must still be authorized when the part is stored. Undefined for a bundle, which the operator imports. */
  readonly credential: Credential | undefined;
  /** The only installation whose documents are accepted. If undefined, every enrolled installation is accepted. */
  readonly installationId: string | undefined;
  /** The key that the sender gave with the body, if any. */
  readonly idempotencyKey: string | undefined;
  readonly arrival: Arrival;
  readonly contentCoding: ContentCoding;
  /** Bytes that the network delivered for this body, before decoding. */
  readonly wireSizeBytes: number;
  /** Central's own time when the body arrived. */
  readonly receivedMs: number;
  /** The import ID, used if the body is stored. */
  readonly importId: string;
}

/** The ports that an import needs. */
export interface ImportWorld {
  readonly store: Store;
  readonly preparer: Preparer;
  /** The rank of this import in the queue. The lowest rank is served first. */
  readonly rank: () => number;
  /** Measures the stages, starting with the search for a repetition. */
  readonly measure: MeasureStage;
  /** Charges CPU time to the sender. */
  readonly charge: (cpuMs: number) => void;
  /** Passes the sender's accounting to `store`, and returns its outcome. Undefined for a bundle, to which no quota applies. */
  readonly bill?: (store: (accounting: Accounting) => Promise<StoreOutcome>) => Promise<StoreOutcome>;
}

/** The result of importing a body. */
export type ImportOutcome =
  | {
      readonly kind: 'stored' | 'repeated';
      readonly receipt: Receipt;
      /** As in `StoreOutcome`. */
      readonly missing: readonly number[] | undefined;
      readonly installationId: string;
      readonly idempotencyKey: string;
    }
  /** The key is stored with different content. */
  | { readonly kind: 'conflict'; readonly idempotencyKey: string }
  /** Another export of the same ledger has this export's sequence. */
  | { readonly kind: 'diverged'; readonly knownExportId: string; readonly installationId: string }
  /** The installation is disabled or not enrolled. */
  | { readonly kind: 'disabled' }
  /** The credential was revoked or has expired since the request began. */
  | { readonly kind: 'revoked' }
  /** The installation would exceed its daily quota. */
  | { readonly kind: 'over_quota'; readonly amount: QuotaAmount }
  /** Checking the body would exceed a limit on time or memory. */
  | { readonly kind: 'too_costly'; readonly limit: 'time' | 'memory' }
  | Exclude<Preparation, { readonly kind: 'prepared' }>;

/**
 * Checks and stores one body in one transaction. The network and bundles both use this function, so a body has the same outcome
 * either way, and a body that arrives twice is stored once. A body that central already holds is recognised by its key and digest
 * before it is parsed.
 */
export async function importBody(world: ImportWorld, body: BodyToImport): Promise<ImportOutcome> {
  const { measure } = world;
  const repeated = await measure('look_up', () => findRepeated(world.store, body));
  if (repeated !== undefined) return repeated;
  const { bytes, sha256, installationId, idempotencyKey } = body;
  // Read the size first, because the bytes may later belong to another thread.
  const decodedSizeBytes = bytes.byteLength;
  const toPrepare = { bytes, sha256, installationId, idempotencyKey };
  const worked = chargeWork(
    await measure('prepare', () => world.preparer.prepare(toPrepare, world.rank)),
    world.charge,
  );
  if (worked.kind === 'exceeded') return { kind: 'too_costly', limit: worked.limit };
  const part = worked.result;
  if (part.kind !== 'prepared') return part;
  world.charge(part.sorted.sizeBytes / RECORD_BYTES_PER_MS);
  const { arrival, contentCoding, wireSizeBytes, receivedMs, importId } = body;
  const facts = { arrival, sha256, contentCoding, wireSizeBytes, decodedSizeBytes, receivedMs, importId };
  const store = (accounting?: Accounting) =>
    storePart(world.store, { ...part, ...facts }, body.credential, accounting);
  const outcome = await measure('store', () => world.bill?.(store) ?? store());
  switch (outcome.kind) {
    case 'stored':
    case 'repeated':
      return {
        ...outcome,
        installationId: part.document.installation_id,
        idempotencyKey: part.identity.idempotencyKey,
      };
    case 'conflict':
      return { kind: 'conflict', idempotencyKey: part.identity.idempotencyKey };
    case 'diverged':
      return { ...outcome, installationId: part.document.installation_id };
    case 'disabled':
    case 'revoked':
    case 'over_quota':
      return outcome;
  }
}
