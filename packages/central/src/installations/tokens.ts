import { CentralFailure } from '../platform/errors.ts';
import type { Queryable } from '../platform/ports.ts';
import { textOf, textOrNullOf, utcText } from '../store/row.ts';
import { recordEvent } from './audit.ts';
import {
  type ChangeWorld,
  COMMAND_LINE,
  createToken,
  type Enrolled,
  type EnrolmentWorld,
  insertToken,
  installationNotFound,
  requireInstallationId,
  toExpiry,
} from './enroll.ts';
import { toTokenId, TOKEN_ID_LENGTH } from './policy.ts';

/** A device token as `d3kos-central tokens` lists it. The token itself is not stored. */
export interface ListedToken {
  readonly token_id: string;
  readonly issued_at: string;
  /** When an import was last stored with it, to the hour. */
  readonly last_used_at: string | null;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

/** Returns an installation's tokens, oldest first. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND. */
export async function listTokens(store: Queryable, installationId: string): Promise<readonly ListedToken[]> {
  requireInstallationId(installationId);
  const rows = await store.query(
    `select i.installation_id, t.token_sha256, ${utcText('t.issued_at')} as issued_at,
       ${utcText('t.last_used_at')} as last_used_at, ${utcText('t.expires_at')} as expires_at,
       ${utcText('t.revoked_at')} as revoked_at
     from installations i left join device_tokens t on t.installation_id = i.installation_id
     where i.installation_id = $1::text order by t.issued_at, t.token_sha256`,
    [installationId],
  );
  if (rows.length === 0) throw installationNotFound(installationId);
  return rows.flatMap((row) => {
    const sha256 = textOrNullOf(row, 'token_sha256');
    if (sha256 === null) return [];
    return [
      {
        token_id: toTokenId(sha256),
        issued_at: textOf(row, 'issued_at'),
        last_used_at: textOrNullOf(row, 'last_used_at'),
        expires_at: textOrNullOf(row, 'expires_at'),
        revoked_at: textOrNullOf(row, 'revoked_at'),
      },
    ];
  });
}

/**
 * Revokes one of an installation's tokens. The others stay valid. Revoking it again changes nothing. Throws
 * INSTALLATION_ID_INVALID, TOKEN_NOT_FOUND.
 */
export async function revokeToken(
  world: ChangeWorld,
  installationId: string,
  tokenId: string,
): Promise<{ readonly installation_id: string; readonly token_id: string }> {
  requireInstallationId(installationId);
  return world.store.transaction(async (tx) => {
    // Because of this lock, an import that is being stored finishes first, and a later one finds the token revoked.
    await tx.query('select 1 from installations where installation_id = $1::text for update', [
      installationId,
    ]);
    const found = await tx.query(
      `update device_tokens set revoked_at = coalesce(revoked_at, $3::timestamptz)
       where installation_id = $1::text and left(token_sha256, ${TOKEN_ID_LENGTH}) = $2::text returning 1 as found`,
      [installationId, tokenId, new Date(world.wallMs).toISOString()],
    );
    if (found.length === 0) throw tokenNotFound(installationId, tokenId);
    const event = { installationId, subject: tokenId, actor: world.actor ?? COMMAND_LINE, detail: '' };
    await recordEvent(tx, { ...event, event: 'token_revoked' }, world.wallMs);
    return { installation_id: installationId, token_id: tokenId };
  });
}

/** Which token to replace, and how long it stays valid. */
export interface Rotation {
  readonly installationId: string;
  readonly tokenId: string;
  /** Days after which the new token expires. Undefined if it does not expire. */
  readonly expiresDays: number | undefined;
  readonly keepDays: number;
}

/**
 * Issues a token that replaces another one. To give a boat at sea time to obtain the new token, the replaced one stays valid for
 * `keepDays`, unless it expires earlier. A revoked token stays revoked. Throws INSTALLATION_ID_INVALID, TOKEN_NOT_FOUND.
 */
export async function rotateToken(
  world: EnrolmentWorld,
  { installationId, tokenId, expiresDays, keepDays }: Rotation,
): Promise<Enrolled> {
  requireInstallationId(installationId);
  const { token, sha256 } = createToken(world.randomHex);
  const expiresAt = toExpiry(world.wallMs, expiresDays);
  await world.store.transaction(async (tx) => {
    await tx.query('select 1 from installations where installation_id = $1::text for update', [
      installationId,
    ]);
    const found = await tx.query(
      `update device_tokens set expires_at = least(expires_at, $3::timestamptz)
       where installation_id = $1::text and left(token_sha256, ${TOKEN_ID_LENGTH}) = $2::text returning 1 as found`,
      [installationId, tokenId, toExpiry(world.wallMs, keepDays)],
    );
    if (found.length === 0) throw tokenNotFound(installationId, tokenId);
    await insertToken(tx, { installationId, sha256, expiresAt }, world.wallMs);
    const detail = `replaced by ${toTokenId(sha256)}, valid for another ${keepDays} days`;
    const event = { installationId, subject: tokenId, actor: world.actor ?? COMMAND_LINE, detail };
    await recordEvent(tx, { ...event, event: 'token_rotated' }, world.wallMs);
  });
  return { installation_id: installationId, token, token_id: toTokenId(sha256), expires_at: expiresAt };
}

function tokenNotFound(installationId: string, tokenId: string): CentralFailure {
  return new CentralFailure(
    'TOKEN_NOT_FOUND',
    `${installationId} has no token with the ID ${JSON.stringify(tokenId)}`,
    {
      op: 'find the token',
      hint: `\`d3kos-central tokens ${installationId}\` lists the IDs of its tokens`,
    },
  );
}
