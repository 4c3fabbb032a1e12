import type { Receipt } from '@d3kos/protocol';
import {
  type Credential,
  isCredentialValidSql,
  toCredentialParameters,
} from '../installations/credential.ts';
import type { Queryable } from '../platform/ports.ts';
import { runStatement, toStatement } from '../store/database.ts';
import { booleanOf, textOrNullOf } from '../store/row.ts';
import type { LedgerFacts } from './ledger-policy.ts';
import { LEDGER_COLUMNS, toLedgerFacts, toOpenExports } from './ledgers.ts';
import { type PartToStore, toIso } from './part-to-store.ts';
import type { Use } from './quota-policy.ts';
import { toDay, toUse, USE_COLUMNS } from './usage.ts';

/**
 * What central reads before it stores a part: the part already held under the same key, and whether the sender is still
 * authorized.
 */
export interface Held {
  /** The digest and the receipt stored under the part's key. Null if the key is new. */
  readonly sha256: string | null;
  readonly receipt: string | null;
  readonly isCredentialValid: boolean;
  /** True if the token's recorded use is older than TOKEN_USE_PERIOD. */
  readonly isUseStale: boolean;
  /** The installation's usage today (UTC). */
  readonly used: Use;
  readonly ledger: LedgerFacts;
}

/**
 * Precision with which a token's use is recorded. A boat sends hundreds of parts an hour, and this saves a row update for most of
 * them.
 */
const TOKEN_USE_PERIOD = "interval '1 hour'";

const FIND_HELD = toStatement(`
  select p.sha256, p.receipt::text as receipt, (:is_trusted::boolean or ${isCredentialValidSql(':token_sha256', ':now')}) as is_valid,
    t.token_sha256 is not null and coalesce(t.last_used_at < :now::timestamptz - ${TOKEN_USE_PERIOD}, true) as is_use_stale,
    ${USE_COLUMNS}, ${LEDGER_COLUMNS}
  from installations i
    left join imports p on p.installation_id = i.installation_id and p.idempotency_key = :idempotency_key::text
    left join device_tokens t on t.installation_id = i.installation_id and t.token_sha256 = :token_sha256::text
    left join installation_usage u on u.installation_id = i.installation_id and u.day = :day::date
    left join ledgers l on l.installation_id = i.installation_id and l.ledger_id = :ledger_id::text
    left join ledger_exports e on e.installation_id = i.installation_id and e.ledger_id = :ledger_id::text
      and e.sequence = :sequence::bigint
  where i.installation_id = :installation_id::text`);

/**
 * R69: "Central MUST check, in the transaction that stores a part, that the token is still valid."
 * It is a separate statement after the lock, so that it sees what other transactions committed while this one waited. An upload
 * may take half an hour, and must not be stored if its token was revoked in the meantime.
 */
export async function findHeld(
  tx: Queryable,
  part: PartToStore,
  credential: Credential | undefined,
): Promise<Held> {
  const { document, identity, receivedMs } = part;
  const [digest, now] =
    credential === undefined ? [null, toIso(receivedMs)] : toCredentialParameters(credential, receivedMs);
  const [row = {}] = await runStatement(tx, FIND_HELD, {
    installation_id: document.installation_id,
    token_sha256: digest,
    now,
    is_trusted: credential === undefined,
    idempotency_key: identity.idempotencyKey,
    day: toDay(receivedMs),
    ledger_id: document.ledger_id ?? null,
    sequence: document.sequence ?? null,
    open_exports: toOpenExports(document),
  });
  return {
    sha256: textOrNullOf(row, 'sha256'),
    receipt: textOrNullOf(row, 'receipt'),
    isCredentialValid: booleanOf(row, 'is_valid'),
    isUseStale: booleanOf(row, 'is_use_stale'),
    used: toUse(row),
    ledger: toLedgerFacts(row),
  };
}

/** Returns the stored receipt. */
export function toHeldReceipt({ receipt }: Held): Receipt {
  // Only INSERT_IMPORT writes this column, and it always writes a receipt.
  return JSON.parse(receipt ?? '{}') as Receipt;
}
