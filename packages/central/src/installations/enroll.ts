import { hash } from 'node:crypto';
import { isInstallationId, type Tier } from '@d3kos/protocol';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, RandomHex, Store } from '../platform/ports.ts';
import { numberOf } from '../store/row.ts';
import { recordEvent } from './audit.ts';
import { toTokenId } from './policy.ts';

/** Random bytes in a device token: as many as in a SHA-256 digest, so that guessing a token is as hard as guessing its digest. */
const TOKEN_SIZE_BYTES = 32;

const DAY_MS = 86_400_000;

/** The actor recorded for events caused by a command. */
export const COMMAND_LINE = 'command line';

/** Options for an enrolment. */
export interface Enrolment {
  readonly installationId: string;
  /** Undefined keeps the recorded tier. */
  readonly tier?: Tier;
  /**
   * Whether central also accepts the installation ID as a token, because older boats send it. Undefined keeps the recorded
   * value, which is `false` by default.
   */
  readonly allowIdAsToken?: boolean;
  /** Days after which the token expires. Undefined if it does not expire. */
  readonly expiresDays?: number;
}

/** The ports needed for enrolment. */
export interface EnrolmentWorld extends ChangeWorld {
  readonly randomHex: RandomHex;
}

/** The ports needed for an audited change. */
export interface ChangeWorld {
  readonly store: Store;
  readonly wallMs: number;
  /** The operator who makes the change. Undefined for a command. */
  readonly actor?: string | undefined;
}

/** The new device token. The token itself is not stored. */
export interface Enrolled {
  readonly installation_id: string;
  readonly token: string;
  /** The token's ID in `tokens` and `revoke --token`. */
  readonly token_id: string;
  readonly expires_at: string | null;
}

/**
 * Enrols an installation and issues a device token. Enrolling again issues another token and enables a disabled installation.
 * Earlier tokens stay valid until they are revoked, so that a boat at sea does not lose access by mistake. Throws
 * INSTALLATION_ID_INVALID.
 */
export async function enroll(world: EnrolmentWorld, enrolment: Enrolment): Promise<Enrolled> {
  requireInstallationId(enrolment.installationId);
  const { token, sha256 } = createToken(world.randomHex);
  const now = new Date(world.wallMs).toISOString();
  const { installationId, expiresDays } = enrolment;
  const expiresAt = toExpiry(world.wallMs, expiresDays);
  await world.store.transaction(async (tx) => {
    await tx.query(
      `insert into installations as held (installation_id, tier, is_id_token, enrolled_at)
       values ($1::text, $2::smallint, coalesce($3::boolean, false), $4::timestamptz)
       on conflict (installation_id) do update set
         tier = coalesce($2::smallint, held.tier), is_id_token = coalesce($3::boolean, held.is_id_token), is_disabled = false`,
      [enrolment.installationId, enrolment.tier ?? null, enrolment.allowIdAsToken ?? null, now],
    );
    await insertToken(tx, { installationId, sha256, expiresAt }, world.wallMs);
    const detail = expiresAt === null ? 'token issued' : `token issued, expires ${expiresAt}`;
    const event = { installationId, subject: toTokenId(sha256), actor: world.actor ?? COMMAND_LINE, detail };
    await recordEvent(tx, { ...event, event: 'enrolled' }, world.wallMs);
  });
  return { installation_id: installationId, token, token_id: toTokenId(sha256), expires_at: expiresAt };
}

/** Returns a new device token and its digest. */
export function createToken(randomHex: RandomHex): { readonly token: string; readonly sha256: string } {
  const token = Buffer.from(randomHex(TOKEN_SIZE_BYTES), 'hex').toString('base64url');
  return { token, sha256: hash('sha256', token) };
}

/** The data stored for a token: its installation, digest and expiry. */
export interface NewToken {
  readonly installationId: string;
  readonly sha256: string;
  readonly expiresAt: string | null;
}

/** Stores a token in the same transaction as the change. */
export async function insertToken(
  tx: Queryable,
  { installationId, sha256, expiresAt }: NewToken,
  wallMs: number,
): Promise<void> {
  await tx.query(
    // docs/spec/protocol.md R6: "Central MUST bind a device token to one installation and store only its digest."
    `insert into device_tokens (installation_id, token_sha256, issued_at, expires_at)
     values ($1::text, $2::text, $3::timestamptz, $4::timestamptz)`,
    [installationId, sha256, new Date(wallMs).toISOString(), expiresAt],
  );
}

/** Returns the time `days` after `wallMs`, or null without `days`. */
export function toExpiry(wallMs: number, days: number | undefined): string | null {
  return days === undefined ? null : new Date(wallMs + days * DAY_MS).toISOString();
}

/** Enables a disabled installation. Its tokens are valid again. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND. */
export async function enable(
  world: ChangeWorld,
  installationId: string,
): Promise<{ readonly installation_id: string; readonly disabled: boolean }> {
  requireInstallationId(installationId);
  return world.store.transaction(async (tx) => {
    const found = await tx.query(
      'update installations set is_disabled = false where installation_id = $1::text returning 1 as found',
      [installationId],
    );
    if (found.length === 0) throw installationNotFound(installationId);
    const event = { installationId, actor: world.actor ?? COMMAND_LINE, subject: '', detail: '' };
    await recordEvent(tx, { ...event, event: 'installation_enabled' }, world.wallMs);
    return { installation_id: installationId, disabled: false };
  });
}

/** The result of revoking. */
export interface Revoked {
  readonly installation_id: string;
  readonly tokens_revoked: number;
  /** Number of unredeemed enrolment codes that became invalid. */
  readonly codes_revoked: number;
  readonly disabled: boolean;
}

/**
 * `tokens` revokes every token of the installation, its ID as a token (401), and its enrolment code unless it was redeemed. Anyone
 * who holds the code could otherwise obtain a new token. `installation` keeps the tokens and the code, and disables the
 * installation (403) until it is enrolled again. No record is removed. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND.
 */
export async function revoke(
  world: ChangeWorld,
  installationId: string,
  what: 'tokens' | 'installation',
): Promise<Revoked> {
  requireInstallationId(installationId);
  return world.store.transaction(async (tx) => {
    // The update locks the row, so a redemption in progress finishes first, and a later one finds no code.
    const found = await tx.query(
      `update installations set is_disabled = is_disabled or $2::boolean, is_id_token = is_id_token and $2::boolean
       where installation_id = $1::text returning installation_id`,
      [installationId, what === 'installation'],
    );
    if (found.length === 0) throw installationNotFound(installationId);
    const event = { installationId, actor: world.actor ?? COMMAND_LINE, subject: '', detail: '' };
    await recordEvent(
      tx,
      { ...event, event: what === 'installation' ? 'installation_disabled' : 'tokens_revoked' },
      world.wallMs,
    );
    if (what === 'installation')
      return { installation_id: installationId, tokens_revoked: 0, codes_revoked: 0, disabled: true };
    const [counted] = await tx.query(
      `with revoked as (
         update device_tokens set revoked_at = $2::timestamptz
         where installation_id = $1::text and revoked_at is null returning 1)
       select count(*)::int as tokens from revoked`,
      [installationId, new Date(world.wallMs).toISOString()],
    );
    const codes = await tx.query(
      'delete from enrolment_codes where installation_id = $1::text and redeemed_at is null returning 1 as removed',
      [installationId],
    );
    return {
      installation_id: installationId,
      tokens_revoked: counted === undefined ? 0 : numberOf(counted, 'tokens'),
      codes_revoked: codes.length,
      disabled: false,
    };
  });
}

/** Returns the error for an installation that is not enrolled. */
export function installationNotFound(installationId: string): CentralFailure {
  return new CentralFailure('INSTALLATION_NOT_FOUND', `no installation ${installationId} is enrolled`, {
    op: 'find the installation',
    hint: 'see `d3kos-central list`, or enrol it with `d3kos-central enroll`',
  });
}

/** Throws INSTALLATION_ID_INVALID if the text is not an installation ID. */
export function requireInstallationId(installationId: string): void {
  if (isInstallationId(installationId)) return;
  throw new CentralFailure(
    'INSTALLATION_ID_INVALID',
    `not an installation ID: ${JSON.stringify(installationId)}`,
    {
      op: 'read the installation ID',
      hint: 'it consists of 16 lowercase hex digits, which the boat shows on its screen',
    },
  );
}
