import { hash } from 'node:crypto';
import { isInstallationId, type Tier } from '@d3kos/protocol';
import { CentralFailure } from '../platform/errors.ts';
import type { RandomHex, Store } from '../platform/ports.ts';
import { numberOf } from '../store/row.ts';

/** Random bytes in a device token: as many as its digest has, so that guessing one is guessing SHA-256. */
const TOKEN_SIZE_BYTES = 32;

/** What an operator asks for when a boat is let in. */
export interface Enrolment {
  readonly installationId: string;
  /** Undefined keeps what is recorded. */
  readonly tier?: Tier;
  /** Whether the boat may also show its installation id as token, as older boats do. Undefined keeps what is recorded; new: no. */
  readonly allowIdAsToken?: boolean;
}

/** The world enrolling needs. */
export interface EnrolmentWorld {
  readonly store: Store;
  readonly wallMs: number;
  readonly randomHex: RandomHex;
}

/** What enrolling gives. The token exists nowhere else: only its SHA-256 is stored. */
export interface Enrolled {
  readonly installation_id: string;
  readonly token: string;
}

/**
 * Lets an installation in and issues it a device token. Enrolling again issues a further token and lets a disabled
 * installation in again; earlier tokens stay good until `revoke`, so that a boat at sea is never cut off by mistake.
 * Throws INSTALLATION_ID_INVALID.
 */
export async function enroll(world: EnrolmentWorld, enrolment: Enrolment): Promise<Enrolled> {
  requireInstallationId(enrolment.installationId);
  const token = Buffer.from(world.randomHex(TOKEN_SIZE_BYTES), 'hex').toString('base64url');
  const now = new Date(world.wallMs).toISOString();
  await world.store.transaction(async (tx) => {
    await tx.query(
      `insert into installations as held (installation_id, tier, is_id_token, enrolled_at)
       values ($1::text, $2::smallint, coalesce($3::boolean, false), $4::timestamptz)
       on conflict (installation_id) do update set
         tier = coalesce($2::smallint, held.tier), is_id_token = coalesce($3::boolean, held.is_id_token), is_disabled = false`,
      [enrolment.installationId, enrolment.tier ?? null, enrolment.allowIdAsToken ?? null, now],
    );
    await tx.query(
      // docs/spec/protocol.md R6: "Central MUST bind a device token to one installation and store only its digest."
      'insert into device_tokens (installation_id, token_sha256, issued_at) values ($1::text, $2::text, $3::timestamptz)',
      [enrolment.installationId, hash('sha256', token), now],
    );
  });
  return { installation_id: enrolment.installationId, token };
}

/** What revoking did. */
export interface Revoked {
  readonly installation_id: string;
  readonly tokens_revoked: number;
  readonly disabled: boolean;
}

/**
 * `tokens`: every token of the installation, and its id as token, is refused from now on (401). `installation`: the tokens stay
 * known and the installation is turned away (403) until it is enrolled again. No record is ever removed.
 * Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND.
 */
export async function revoke(
  world: Omit<EnrolmentWorld, 'randomHex'>,
  installationId: string,
  what: 'tokens' | 'installation',
): Promise<Revoked> {
  requireInstallationId(installationId);
  return world.store.transaction(async (tx) => {
    const found = await tx.query(
      `update installations set is_disabled = is_disabled or $2::boolean, is_id_token = is_id_token and $2::boolean
       where installation_id = $1::text returning installation_id`,
      [installationId, what === 'installation'],
    );
    if (found.length === 0) throw installationNotFound(installationId);
    if (what === 'installation')
      return { installation_id: installationId, tokens_revoked: 0, disabled: true };
    const [counted] = await tx.query(
      `with revoked as (
         update device_tokens set revoked_at = $2::timestamptz
         where installation_id = $1::text and revoked_at is null returning 1)
       select count(*)::int as tokens from revoked`,
      [installationId, new Date(world.wallMs).toISOString()],
    );
    return {
      installation_id: installationId,
      tokens_revoked: counted === undefined ? 0 : numberOf(counted, 'tokens'),
      disabled: false,
    };
  });
}

/** The failure that names an installation nobody enrolled. */
export function installationNotFound(installationId: string): CentralFailure {
  return new CentralFailure('INSTALLATION_NOT_FOUND', `no installation ${installationId} is enrolled`, {
    op: 'find the installation',
    hint: 'see `d3kos-central list`, or let it in with `d3kos-central enroll`',
  });
}

function requireInstallationId(installationId: string): void {
  if (isInstallationId(installationId)) return;
  throw new CentralFailure(
    'INSTALLATION_ID_INVALID',
    `not an installation id: ${JSON.stringify(installationId)}`,
    {
      op: 'read the installation id',
      hint: 'it is the 16 lowercase hex digits the boat shows on its screen',
    },
  );
}
