import { hash } from 'node:crypto';
import { CODE_ALPHABET, CODE_LENGTH, type Enrolment, type EnrolmentRequest } from '@d3kos/protocol';
import type { Queryable, RandomHex, Row, Store } from '../platform/ports.ts';
import { booleanOf, numberOrNullOf, textOf, textOrNullOf, utcText } from '../store/row.ts';
import { recordEvent } from './audit.ts';
import { keepBundleKey } from './bundle-keys.ts';
import { isTokenEndedSql } from './credential.ts';
import { COMMAND_LINE, type EnrolmentWorld, insertToken, requireInstallationId, toExpiry } from './enroll.ts';
import { type CodeFacts, judgeCode, toTokenId } from './policy.ts';

const HOUR_MS = 3_600_000;

/** How long expired codes are kept: a week, so that a repeated request still gets its answer. */
const ENDED_CODES_KEPT_MS = 7 * 24 * HOUR_MS;

/** Options for an invitation. */
export interface Invitation {
  readonly installationId: string;
  readonly tier?: number;
  /** Hours until the code expires. */
  readonly expiresHours: number;
  /** Number of days from redemption until the boat's token expires. Undefined if it does not expire. */
  readonly tokenExpiresDays?: number;
}

/** A new code. The code itself is not stored. */
export interface Invited {
  readonly installation_id: string;
  readonly code: string;
  readonly expires_at: string;
}

/**
 * Issues a one-time enrolment code for an installation, which need not exist yet. Earlier unredeemed codes for it become invalid.
 * An existing installation keeps its state: a disabled one stays disabled. Throws INSTALLATION_ID_INVALID.
 */
export async function invite(world: EnrolmentWorld, invitation: Invitation): Promise<Invited> {
  const { installationId, tier, expiresHours, tokenExpiresDays } = invitation;
  requireInstallationId(installationId);
  const code = toCode(world.randomHex);
  const sha256 = hash('sha256', code);
  const now = new Date(world.wallMs).toISOString();
  const expiresAt = new Date(world.wallMs + expiresHours * HOUR_MS).toISOString();
  await world.store.transaction(async (tx) => {
    await tx.query(
      `insert into installations as held (installation_id, tier, enrolled_at)
       values ($1::text, $2::smallint, $3::timestamptz)
       on conflict (installation_id) do update set tier = coalesce($2::smallint, held.tier)`,
      [installationId, tier ?? null, now],
    );
    await tx.query(
      `delete from enrolment_codes where installation_id = $1::text
         and (redeemed_at is null or redeemed_at < $2::timestamptz)`,
      [installationId, new Date(world.wallMs - ENDED_CODES_KEPT_MS).toISOString()],
    );
    await tx.query(
      `insert into enrolment_codes (installation_id, code_sha256, issued_at, expires_at, token_expires_days)
       values ($1::text, $2::text, $3::timestamptz, $4::timestamptz, $5::integer)`,
      [installationId, sha256, now, expiresAt, tokenExpiresDays ?? null],
    );
    const event = { installationId, subject: '', actor: world.actor ?? COMMAND_LINE };
    const detail = `expires ${expiresAt}`;
    await recordEvent(tx, { ...event, event: 'code_issued', detail }, world.wallMs);
  });
  return { installation_id: installationId, code, expires_at: expiresAt };
}

/**
 * Returns a random code. The alphabet has 32 characters, so the low five bits of a random byte select one of them without bias.
 */
function toCode(randomHex: RandomHex): string {
  const bytes = Buffer.from(randomHex(CODE_LENGTH), 'hex');
  return [...bytes].map((byte) => CODE_ALPHABET.charAt(byte % CODE_ALPHABET.length)).join('');
}

/** The result of redeeming a code. A sender with a valid code may be told its installation. */
export type Redemption =
  | { readonly kind: 'redeemed'; readonly enrolment: Enrolment }
  | { readonly kind: 'invalid' }
  | { readonly kind: 'disabled' | 'mismatch'; readonly installationId: string };

/**
 * Exchanges a code for the token whose digest the boat sent. When it resolves with `redeemed`, the token is stored durably.
 * Across all nodes, only one request can redeem a code. A repetition with the same digest gets the same answer for as long as the
 * token is valid. A refused code stays usable. `code` is normalised. It is undefined if the text was not a code. `address` is
 * where the request came from.
 */
export async function redeem(
  store: Store,
  { code, request, address }: { code: string | undefined; request: EnrolmentRequest; address: string },
  wallMs: number,
): Promise<Redemption> {
  if (code === undefined) return { kind: 'invalid' };
  return store.transaction(async (tx) => {
    const found = await lockCode(tx, hash('sha256', code), request.token_sha256, wallMs);
    if (found === undefined) return { kind: 'invalid' };
    const { installationId } = found;
    const verdict = judgeCode(found, request);
    switch (verdict) {
      case 'invalid':
        return { kind: 'invalid' };
      case 'disabled':
      case 'mismatch':
        return { kind: verdict, installationId };
      case 'redeem':
      case 'repeat': {
        const expiresAt =
          verdict === 'repeat' ? found.tokenExpiresAt : toExpiry(wallMs, found.tokenExpiresDays ?? undefined);
        if (verdict === 'redeem')
          await storeRedemption(tx, { ...found, expiresAt }, { code, request, address }, wallMs);
        return {
          kind: 'redeemed',
          enrolment: {
            status: 'success',
            installation_id: installationId,
            token_id: toTokenId(request.token_sha256),
            expires_at: expiresAt,
          },
        };
      }
    }
  });
}

interface FoundCode extends CodeFacts {
  readonly tokenExpiresDays: number | null;
  /** When the presented token expires. Null unless central already holds the token. */
  readonly tokenExpiresAt: string | null;
}

/**
 * Returns a code, or undefined if there is none. Locks its installation until the end of the transaction, so that a second request
 * waits and then finds the code redeemed. `invite` and `revoke` lock the same row before they change a code. A revocation therefore
 * cannot miss the token of a concurrent redemption, and the three cannot deadlock.
 */
async function lockCode(
  tx: Queryable,
  codeSha256: string,
  tokenSha256: string,
  wallMs: number,
): Promise<FoundCode | undefined> {
  const now = new Date(wallMs).toISOString();
  const [issued] = await tx.query(
    'select installation_id from enrolment_codes where code_sha256 = $1::text',
    [codeSha256],
  );
  if (issued === undefined) return undefined;
  const installationId = textOf(issued, 'installation_id');
  const [installation] = await tx.query(
    'select is_disabled from installations where installation_id = $1::text for update',
    [installationId],
  );
  // Read again, because the code may have been redeemed, replaced or revoked while this transaction waited for the lock.
  const [code] = await tx.query(
    `select expires_at <= $3::timestamptz as is_expired, token_sha256, token_expires_days
     from enrolment_codes where installation_id = $1::text and code_sha256 = $2::text`,
    [installationId, codeSha256, now],
  );
  if (installation === undefined || code === undefined) return undefined;
  const [token] = await tx.query(
    `select ${utcText('t.expires_at')} as expires_at_text, not ${isTokenEndedSql('$2')} as is_valid
     from device_tokens t where t.token_sha256 = $1::text`,
    [tokenSha256, now],
  );
  return {
    installationId,
    isDisabled: booleanOf(installation, 'is_disabled'),
    isExpired: booleanOf(code, 'is_expired'),
    redeemedBySha256: textOrNullOf(code, 'token_sha256'),
    presentedToken: toTokenState(token),
    tokenExpiresDays: numberOrNullOf(code, 'token_expires_days'),
    tokenExpiresAt: token === undefined ? null : textOrNullOf(token, 'expires_at_text'),
  };
}

function toTokenState(token: Row | undefined): CodeFacts['presentedToken'] {
  if (token === undefined) return 'unknown';
  return booleanOf(token, 'is_valid') ? 'valid' : 'ended';
}

async function storeRedemption(
  tx: Queryable,
  { installationId, expiresAt }: { readonly installationId: string; readonly expiresAt: string | null },
  { code, request, address }: { code: string; request: EnrolmentRequest; address: string },
  wallMs: number,
): Promise<void> {
  await tx.query(
    `update enrolment_codes set redeemed_at = $3::timestamptz, token_sha256 = $4::text
     where installation_id = $1::text and code_sha256 = $2::text`,
    [installationId, hash('sha256', code), new Date(wallMs).toISOString(), request.token_sha256],
  );
  await insertToken(tx, { installationId, sha256: request.token_sha256, expiresAt }, wallMs);
  const detail = expiresAt === null ? 'token stored' : `token stored, expires ${expiresAt}`;
  const subject = toTokenId(request.token_sha256);
  await recordEvent(tx, { installationId, event: 'code_redeemed', subject, actor: address, detail }, wallMs);
  if (request.bundle_key !== undefined) await keepBundleKey(tx, installationId, request.bundle_key, wallMs);
}
