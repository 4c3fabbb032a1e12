import type { Receipt } from '@d3kos/protocol';
import {
  type Credential,
  isCredentialValidSql,
  toCredentialParameters,
} from '../installations/credential.ts';
import type { Queryable, Row, Store } from '../platform/ports.ts';
import { findSequenceGaps } from '../store/ledger-gaps.ts';
import { booleanOf, textOrNullOf } from '../store/row.ts';
import { countImport } from './count-import.ts';
import { insertImport } from './insert-import.ts';
import { insertRecords, insertRejected } from './insert-records.ts';
import { judgeLedger } from './ledger-policy.ts';
import { findLedgerFacts, noteDivergence, noteLedger } from './ledgers.ts';
import { countHour, FLEET_COLUMNS, indexName, toFleetChange } from './note-fleet.ts';
import { judgeRepeat } from './part-identity.ts';
import type { QuotaAmount } from './policy.ts';
import { type Accounting, accountFor } from './account.ts';
import { OVERRIDE_COLUMNS, toOverride } from './usage.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import { toListedRejections } from './records.ts';

/** The result of storing a part. */
export type StoreOutcome =
  /** `missing` lists lower sequences of the part's ledger that central lacks. Undefined for a document without a sequence. */
  | {
      readonly kind: 'stored' | 'repeated';
      readonly receipt: Receipt;
      readonly missing: readonly number[] | undefined;
    }
  | { readonly kind: 'conflict' }
  /** Another export has the sequence in this ledger. */
  | { readonly kind: 'diverged'; readonly knownExportId: string }
  | { readonly kind: 'disabled' }
  /** The credential was revoked, or expired, since the request began. */
  | { readonly kind: 'revoked' }
  /** The installation would exceed its quota of the day. */
  | { readonly kind: 'over_quota'; readonly amount: QuotaAmount };

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
      `select is_disabled, ${OVERRIDE_COLUMNS}, ${FLEET_COLUMNS} from installations where installation_id = $1::text for update`,
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
        const exceeded = await accountFor(tx, part, toOverride(installation), accounting);
        if (exceeded !== undefined) return { kind: 'over_quota', amount: exceeded };
        const outcome = await storeNew(tx, part, installation);
        if (held.isUseStale) await noteTokenUse(tx, part, credential);
        return outcome;
      }
    }
  });
}

/** Stores a part whose key is new, unless its ledger has diverged. */
async function storeNew(tx: Queryable, part: PartToStore, installation: Row): Promise<StoreOutcome> {
  const { document, identity, arrival } = part;
  const ledger = await findLedgerFacts(tx, document);
  const place = { ledgerId: document.ledger_id, sequence: document.sequence };
  const verdict = judgeLedger(identity.exportId, place, ledger, arrival);
  if (verdict.kind === 'diverged') {
    await noteDivergence(tx, part);
    return verdict;
  }
  const receipt = toReceipt(part);
  const missingCount = await noteLedger(tx, part, ledger, verdict.isConcurrent);
  const change = await insertRecords(tx, part, verdict.protectedLedgers);
  await insertRejected(tx, part);
  await insertImport(tx, part, receipt);
  await countImport(tx, part, ledger.newerLedgers, change, toFleetChange(installation, part));
  await indexName(tx, part);
  await countHour(tx, part);
  return { kind: 'stored', receipt, missing: await findMissingBelow(tx, document, missingCount) };
}

/**
 * docs/spec/protocol.md R87: "Central SHOULD name in `missing_sequences` the sequences of the document's ledger below that of the
 * document that it does not hold completely and that were not withdrawn, at most 1,000, the lowest first." The list is read for each
 * answer and never stored with the receipt. Without a gap in the ledger, the list costs no statement.
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

/** What central holds under the key of a part, and whether the sender is still authorized. */
interface Held {
  readonly sha256: string | null;
  readonly receipt: string | null;
  readonly isCredentialValid: boolean;
  /** True if the recorded use of the token is older than TOKEN_USE_PERIOD. */
  readonly isUseStale: boolean;
}

/**
 * Precision with which the use of a token is recorded. A boat sends hundreds of parts an hour, and most of them save one row
 * update.
 */
const TOKEN_USE_PERIOD = "interval '1 hour'";

/**
 * R69: "Central MUST check in the transaction that stores a part that its token is still valid."
 * It is a separate statement after the lock, so that it sees what other transactions committed while this one waited. An upload
 * may take half an hour, and must not be stored if its token was revoked in the meantime.
 */
async function findHeld(tx: Queryable, part: PartToStore, credential: Credential | undefined): Promise<Held> {
  const [digest, now] =
    credential === undefined
      ? [null, toIso(part.receivedMs)]
      : toCredentialParameters(credential, part.receivedMs);
  const [row = {}] = await tx.query(
    `select p.sha256, p.receipt::text as receipt, ($5::boolean or ${isCredentialValidSql('$2', '$3')}) as is_valid,
       t.token_sha256 is not null and coalesce(t.last_used_at < $3::timestamptz - ${TOKEN_USE_PERIOD}, true) as is_use_stale
     from installations i
       left join imports p on p.installation_id = i.installation_id and p.idempotency_key = $4::text
       left join device_tokens t on t.installation_id = i.installation_id and t.token_sha256 = $2::text
     where i.installation_id = $1::text`,
    [part.document.installation_id, digest, now, part.identity.idempotencyKey, credential === undefined],
  );
  return {
    sha256: textOrNullOf(row, 'sha256'),
    receipt: textOrNullOf(row, 'receipt'),
    isCredentialValid: booleanOf(row, 'is_valid'),
    isUseStale: booleanOf(row, 'is_use_stale'),
  };
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

function toHeldReceipt({ receipt }: Held): Receipt {
  // Only insertImport writes this column, with a receipt of toReceipt.
  return JSON.parse(receipt ?? '{}') as Receipt;
}

/** R33: the receipt names the export, the part, and the digest of the decoded body. */
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
