import { hash } from 'node:crypto';
import { isInstallationId } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { booleanOf, textOf } from '../store/row.ts';
import { type Credential, isTokenEndedSql } from './credential.ts';
import { type CredentialFacts, judgeCredential, type Purpose } from './policy.ts';

/** The installation that a credential authenticates. */
export type Authentication =
  | { readonly kind: 'accepted'; readonly installationId: string; readonly credential: Credential }
  | { readonly kind: 'disabled'; readonly installationId: string }
  /**
   * `installationId` is set if the token is known but not valid. It is for the audit trail only and must not appear in an
   * answer.
   */
  | { readonly kind: 'invalid'; readonly installationId?: string };

/**
 * Finds the installation of a bearer credential and judges whether the credential may be used for `purpose`. Undefined if the
 * request has no credential.
 */
export async function authenticate(
  store: Queryable,
  bearer: string | undefined,
  purpose: Purpose,
  wallMs: number,
): Promise<Authentication> {
  if (bearer === undefined) return { kind: 'invalid' };
  const found = isInstallationId(bearer)
    ? await findById(store, bearer)
    : await findByToken(store, hash('sha256', bearer), wallMs);
  if (found === undefined) return { kind: 'invalid' };
  const { installationId, credential, facts } = found;
  const verdict = judgeCredential(facts, purpose);
  switch (verdict) {
    case 'invalid':
    case 'disabled':
      return { kind: verdict, installationId };
    case 'accepted':
      return { kind: verdict, installationId, credential };
  }
}

interface FoundCredential {
  readonly installationId: string;
  readonly credential: Credential;
  readonly facts: CredentialFacts;
}

async function findById(store: Queryable, installationId: string): Promise<FoundCredential | undefined> {
  const [row] = await store.query(
    'select is_id_token, is_disabled from installations where installation_id = $1::text',
    [installationId],
  );
  if (row === undefined) return undefined;
  const isAllowed = booleanOf(row, 'is_id_token');
  return {
    installationId,
    credential: { kind: 'installation_id' },
    facts: { kind: 'installation_id', isAllowed, isDisabled: booleanOf(row, 'is_disabled') },
  };
}

/** Looks a token up by its digest, so that the time that a comparison takes does not depend on the secret. */
async function findByToken(
  store: Queryable,
  sha256: string,
  wallMs: number,
): Promise<FoundCredential | undefined> {
  const [row] = await store.query(
    `select i.installation_id, i.is_disabled,
       ${isTokenEndedSql('$2')} as is_ended
     from device_tokens t join installations i on i.installation_id = t.installation_id
     where t.token_sha256 = $1::text`,
    [sha256, new Date(wallMs).toISOString()],
  );
  if (row === undefined) return undefined;
  return {
    installationId: textOf(row, 'installation_id'),
    credential: { kind: 'device_token', sha256 },
    facts: {
      kind: 'device_token',
      isEnded: booleanOf(row, 'is_ended'),
      isDisabled: booleanOf(row, 'is_disabled'),
    },
  };
}
