import type { Receipt } from '@d3kos/protocol';
import type { Credential } from '../installations/credential.ts';
import type { Queryable, Row, Store } from '../platform/ports.ts';
import { findSequenceGaps } from '../store/ledger-gaps.ts';
import { booleanOf } from '../store/row.ts';
import { type Accounting, toPartUse } from './account.ts';
import { COUNT_COLUMNS } from './count-import.ts';
import { findHeld, toHeldReceipt } from './find-held.ts';
import { updateGaps } from './gaps.ts';
import { insertRecords, insertRejected } from './insert-records.ts';
import { judgeLedger, type LedgerFacts } from './ledger-policy.ts';
import { noteDivergence } from './ledgers.ts';
import { FLEET_COLUMNS, indexName } from './note-fleet.ts';
import { judgeRepeat } from './part-identity.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import { findExceeded, type QuotaAmount, type Use } from './quota-policy.ts';
import { toListedRejections } from './records.ts';
import { registerPart } from './register-part.ts';
import { addUse, OVERRIDE_COLUMNS, toOverride } from './usage.ts';

/** The result of storing a part. */
export type StoreOutcome =
  /** `missing` lists the sequences below the part's own, in the same ledger, that central lacks. Undefined if the document has none. */
  | {
      readonly kind: 'stored' | 'repeated';
      readonly receipt: Receipt;
      readonly missing: readonly number[] | undefined;
    }
  | { readonly kind: 'conflict' }
  /** Another export has the sequence in this ledger. */
  | { readonly kind: 'diverged'; readonly knownExportId: string }
  | { readonly kind: 'disabled' }
  /** The credential has been revoked or has expired since the request began. */
  | { readonly kind: 'revoked' }
  /** The installation would exceed its daily quota. */
  | { readonly kind: 'over_quota'; readonly amount: QuotaAmount };

/** True if the transaction wrote the sender's usage. That of a part from a diverged ledger is written, although it is not stored. */
export function isUseWritten({ kind }: StoreOutcome): boolean {
  switch (kind) {
    case 'stored':
    case 'diverged':
      return true;
    case 'repeated':
    case 'conflict':
    case 'disabled':
    case 'revoked':
    case 'over_quota':
      return false;
  }
}

/**
 * Stores a part in one transaction. R27: "Central MUST commit records, rejections, idempotency key and receipt in one durable
 * transaction before it sends the receipt."
 */
export async function storePart(
  store: Store,
  part: PartToStore,
  credential: Credential | undefined,
  accounting?: Accounting,
): Promise<StoreOutcome> {
  return store.transaction(async (tx) => {
    // R30: "Central MUST store a part once even if several nodes receive it at the same time." The lock on the installation's row
    // makes the second node wait, and it then finds the part stored.
    const [installation] = await tx.query(
      `select is_disabled, ${OVERRIDE_COLUMNS}, ${FLEET_COLUMNS}, ${COUNT_COLUMNS} from installations where installation_id = $1::text for update`,
      [part.document.installation_id],
    );
    if (installation === undefined || booleanOf(installation, 'is_disabled')) return { kind: 'disabled' };
    const held = await findHeld(tx, part, credential);
    if (!held.isCredentialValid) return { kind: 'revoked' };
    switch (judgeRepeat(held.sha256 ?? undefined, part.sha256)) {
      case 'conflict':
        return { kind: 'conflict' };
      case 'repeat':
        // R28: "If a key is repeated with the same digest, central MUST return the stored
        // receipt with `duplicate: true` and change nothing."
        return {
          kind: 'repeated',
          receipt: { ...toHeldReceipt(held), duplicate: true },
          missing: await findMissingBelow(tx, part.document),
        };
      case 'store': {
        const use = toPartUse(part, accounting);
        const exceeded =
          accounting && findExceeded(held.used, use, accounting.quota, toOverride(installation));
        if (exceeded !== undefined) return { kind: 'over_quota', amount: exceeded };
        const outcome = await storeNew(tx, part, installation, held.ledger, use);
        if (held.isUseStale) await noteTokenUse(tx, part, credential);
        return outcome;
      }
    }
  });
}

/** Stores a part whose key is new, unless its ledger has diverged. */
async function storeNew(
  tx: Queryable,
  part: PartToStore,
  installation: Row,
  ledger: LedgerFacts,
  use: Use,
): Promise<StoreOutcome> {
  const { document, identity, arrival } = part;
  const place = { ledgerId: document.ledger_id, sequence: document.sequence };
  const verdict = judgeLedger(identity.exportId, place, ledger, arrival);
  if (verdict.kind === 'diverged') {
    await addUse(tx, document.installation_id, part.receivedMs, use);
    await noteDivergence(tx, part);
    return verdict;
  }
  const { newerLedgers } = ledger;
  const { isConcurrent, protectedLedgers } = verdict;
  const receipt = toReceipt(part);
  const sequences = await updateGaps(tx, part, ledger);
  const holdings = await insertRecords(tx, part, protectedLedgers);
  await insertRejected(tx, part);
  const registration = { receipt, installation, use, newerLedgers, isConcurrent, sequences, holdings };
  const missingCount = await registerPart(tx, part, registration);
  await indexName(tx, part);
  return { kind: 'stored', receipt, missing: await findMissingBelow(tx, document, missingCount) };
}

/**
 * docs/spec/protocol.md R87: "Central SHOULD list in `missing_sequences` the sequences of the document's ledger that are below
 * the document's own, that it does not hold completely and that were not withdrawn, at most 1,000, lowest first." The list is
 * read for each answer and never stored with the receipt. A ledger without gaps needs no statement.
 */
async function findMissingBelow(
  tx: Queryable,
  { installation_id: installationId, ledger_id: ledgerId, sequence }: PartToStore['document'],
  missingCount?: number,
): Promise<readonly number[] | undefined> {
  if (ledgerId === undefined || sequence === undefined) return undefined;
  if (missingCount === 0) return [];
  return findSequenceGaps(tx, { installationId, ledgerId, kind: 'missing', below: sequence });
}

async function noteTokenUse(
  tx: Queryable,
  part: PartToStore,
  credential: Credential | undefined,
): Promise<void> {
  if (credential?.kind !== 'device_token') return;
  await tx.query(
    'update device_tokens set last_used_at = $3::timestamptz where installation_id = $1::text and token_sha256 = $2::text',
    [part.document.installation_id, credential.sha256, toIso(part.receivedMs)],
  );
}

/** R33: the receipt contains the export, the part, and the digest of the decoded body. */
function toReceipt(part: PartToStore): Receipt {
  return {
    status: 'success',
    import_id: part.importId,
    export_id: part.identity.exportId,
    part: part.identity.part,
    sha256: part.sha256,
    records_imported: Object.fromEntries(part.sorted.counts),
    rejected_records: [...toListedRejections(part.sorted)],
    duplicate: false,
    timestamp: toIso(part.receivedMs),
  };
}
