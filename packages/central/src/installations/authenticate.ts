import { hash } from 'node:crypto';
import { isInstallationId } from '@d3kos/protocol';
import type { Queryable } from '../platform/ports.ts';
import { booleanOf, textOf } from '../store/row.ts';
import { judgeCredential } from './policy.ts';

/** Which boat a credential stands for. */
export type Authentication =
  | { readonly kind: 'accepted'; readonly installationId: string }
  | { readonly kind: 'disabled'; readonly installationId: string }
  | { readonly kind: 'invalid' };

/**
 * Finds the installation a bearer credential is bound to: a device token by its digest (so that no comparison depends
 * on the secret's bytes), or the installation id itself where the operator switched that on for this installation.
 */
export async function authenticate(store: Queryable, bearer: string | undefined): Promise<Authentication> {
  if (bearer === undefined) return { kind: 'invalid' };
  const [row] = isInstallationId(bearer)
    ? await store.query(
        `select installation_id, is_disabled, false as is_revoked from installations
         where installation_id = $1::text and is_id_token`,
        [bearer],
      )
    : await store.query(
        `select i.installation_id, i.is_disabled, t.revoked_at is not null as is_revoked
         from device_tokens t join installations i on i.installation_id = t.installation_id
         where t.token_sha256 = $1::text`,
        [hash('sha256', bearer)],
      );
  if (row === undefined) return { kind: 'invalid' };
  const verdict = judgeCredential({
    isRevoked: booleanOf(row, 'is_revoked'),
    isDisabled: booleanOf(row, 'is_disabled'),
  });
  return verdict === 'invalid'
    ? { kind: 'invalid' }
    : { kind: verdict, installationId: textOf(row, 'installation_id') };
}
