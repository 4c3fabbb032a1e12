import { hash } from 'node:crypto';
import { isInstallationId } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { booleanOf, textOf } from '../store/row.ts';
import { type CredentialFacts, judgeCredential, type Purpose } from './policy.ts';

/** The installation that a credential authenticates. */
export type Authentication =
  | { readonly kind: 'accepted'; readonly installationId: string }
  | { readonly kind: 'disabled'; readonly installationId: string }
  | { readonly kind: 'invalid' };

/** Finds the installation of a bearer credential and judges the credential for `purpose`. Undefined: the request has none. */
export async function authenticate(
  store: Queryable,
  bearer: string | undefined,
  purpose: Purpose,
): Promise<Authentication> {
  if (bearer === undefined) return { kind: 'invalid' };
  const found = isInstallationId(bearer) ? await findById(store, bearer) : await findByToken(store, bearer);
  const verdict = judgeCredential(found?.facts, purpose);
  return found === undefined || verdict === 'invalid'
    ? { kind: 'invalid' }
    : { kind: verdict, installationId: found.installationId };
}

interface FoundCredential {
  readonly installationId: string;
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
    facts: { kind: 'installation_id', isAllowed, isDisabled: booleanOf(row, 'is_disabled') },
  };
}

/** Looks a token up by its digest, so that no comparison takes a time that depends on the secret. */
async function findByToken(store: Queryable, token: string): Promise<FoundCredential | undefined> {
  const [row] = await store.query(
    `select i.installation_id, i.is_disabled, t.revoked_at is not null as is_revoked
     from device_tokens t join installations i on i.installation_id = t.installation_id
     where t.token_sha256 = $1::text`,
    [hash('sha256', token)],
  );
  if (row === undefined) return undefined;
  const isRevoked = booleanOf(row, 'is_revoked');
  return {
    installationId: textOf(row, 'installation_id'),
    facts: { kind: 'device_token', isRevoked, isDisabled: booleanOf(row, 'is_disabled') },
  };
}
