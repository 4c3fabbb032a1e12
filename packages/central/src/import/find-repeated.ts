import { parseIdempotencyKey, type Receipt } from '@d3kos/protocol';
import {
  type Credential,
  isCredentialValidSql,
  toCredentialParameters,
} from '../installations/credential.ts';
import type { Queryable, Row } from '../platform/ports.ts';
import { findSequenceGaps } from '../store/ledger-gaps.ts';
import { numberOf, numberOrNullOf, textOf, textOrNullOf } from '../store/row.ts';

/** A body with its sender, as passed to `importBody`. */
export interface SentBody {
  readonly sha256: string;
  readonly credential: Credential | undefined;
  readonly installationId: string | undefined;
  readonly idempotencyKey: string | undefined;
  readonly receivedMs: number;
}

/** A part that central already holds. */
export interface RepeatedPart {
  readonly kind: 'repeated';
  readonly receipt: Receipt;
  /** As in `StoreOutcome`. */
  readonly missing: readonly number[] | undefined;
  readonly installationId: string;
  readonly idempotencyKey: string;
}

/**
 * Returns the stored receipt of a body that central holds under the same key with the same digest, or undefined. These bytes
 * were checked when they were stored, so they need not be checked again. Always returns undefined for a body without a key and
 * for a bundle.
 */
export async function findRepeated(store: Queryable, body: SentBody): Promise<RepeatedPart | undefined> {
  const { installationId, idempotencyKey, credential } = body;
  if (installationId === undefined || credential === undefined || idempotencyKey === undefined)
    return undefined;
  if (parseIdempotencyKey(idempotencyKey) === undefined) return undefined;
  const [row] = await store.query(
    `select p.receipt::text as receipt, p.ledger_id, p.sequence::float8 as sequence,
       coalesce(l.missing_count, 0)::float8 as missing
     from installations i
       join imports p on p.installation_id = i.installation_id
       left join ledgers l on l.installation_id = p.installation_id and l.ledger_id = p.ledger_id
       left join device_tokens t on t.installation_id = i.installation_id and t.token_sha256 = $2::text
     where i.installation_id = $1::text and p.idempotency_key = $4::text and p.sha256 = $5::text
       and not i.is_disabled and ${isCredentialValidSql('$2', '$3')}`,
    [installationId, ...toCredentialParameters(credential, body.receivedMs), idempotencyKey, body.sha256],
  );
  if (row === undefined) return undefined;
  // Only INSERT_IMPORT writes this column, and it always writes a receipt.
  const receipt = JSON.parse(textOf(row, 'receipt')) as Receipt;
  // R28: "If a key is repeated with the same digest, central MUST return the stored receipt with `duplicate: true` and change
  // nothing."
  return {
    kind: 'repeated',
    receipt: { ...receipt, duplicate: true },
    missing: await findMissing(store, installationId, row),
    installationId,
    idempotencyKey,
  };
}

/**
 * The list is computed for this answer, because central may have lost exports since it issued the receipt (docs/spec/protocol.md
 * R87).
 */
async function findMissing(
  store: Queryable,
  installationId: string,
  row: Row,
): Promise<readonly number[] | undefined> {
  const ledgerId = textOrNullOf(row, 'ledger_id');
  const below = numberOrNullOf(row, 'sequence');
  if (ledgerId === null || below === null) return undefined;
  if (numberOf(row, 'missing') === 0) return [];
  return findSequenceGaps(store, { installationId, ledgerId, kind: 'missing', below });
}
