import { BUNDLE_KEY_PATTERN } from '@d3kos/protocol';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { textOrNullOf } from '../store/row.ts';
import { recordEvent, recordRepeatable } from './audit.ts';
import type { Credential } from './credential.ts';
import { type ChangeWorld, COMMAND_LINE, installationNotFound, requireInstallationId } from './enroll.ts';

/** The public keys that central has received from a boat. */
export interface BundleKeys {
  readonly installation_id: string;
  /** The key that signs this boat's bundles. */
  readonly bundle_key: string | null;
  /** The last different key that the boat has sent, unless the operator has accepted it. */
  readonly offered_bundle_key: string | null;
}

/** True if the text is the public half of a bundle key. */
export function isBundleKey(text: string): boolean {
  return new RegExp(BUNDLE_KEY_PATTERN).test(text);
}

/**
 * Keeps the first key that a boat sends with its device token. A different key does not replace it but is kept as the offered
 * key, which the audit trail records at most once an hour. Returns `offered` if the operator should check the key. Repeating the
 * call changes nothing. The installation ID is not secret, so a key that arrived with the ID as a token is not kept.
 */
export async function learnBundleKey(
  store: Store,
  { installationId, credential, key }: LearntKey,
  wallMs: number,
): Promise<'unchanged' | 'kept' | 'offered'> {
  // docs/spec/protocol.md R82: "Central MUST keep the first key that arrives with a device token, and MUST NOT replace it unless
  // the operator accepts a different one."
  if (credential?.kind !== 'device_token' || !isBundleKey(key)) return 'unchanged';
  return store.transaction((tx) => keepBundleKey(tx, installationId, key, wallMs));
}

/** Keeps a key that arrived with proof of its installation, in the caller's transaction. See `learnBundleKey`. */
export async function keepBundleKey(
  tx: Queryable,
  installationId: string,
  key: string,
  wallMs: number,
): Promise<'unchanged' | 'kept' | 'offered'> {
  const [changed] = await tx.query(
    `update installations set bundle_key = coalesce(bundle_key, $2::text),
         offered_bundle_key = case when bundle_key is null then null else $2::text end
       where installation_id = $1::text
         and (bundle_key is null or (bundle_key <> $2::text and offered_bundle_key is distinct from $2::text))
       returning offered_bundle_key`,
    [installationId, key],
  );
  if (changed === undefined) return 'unchanged';
  const isOffered = textOrNullOf(changed, 'offered_bundle_key') !== null;
  const event = { installationId, subject: '', actor: 'the boat', detail: key };
  // Not a refusal: the import that came with the key is stored.
  if (isOffered) await recordRepeatable(tx, { ...event, event: 'bundle_key_offered' }, 1, wallMs);
  else await recordEvent(tx, { ...event, event: 'bundle_key_kept' }, wallMs);
  return isOffered ? 'offered' : 'kept';
}

/** A received key, with its installation and the credential that came with it. */
export interface LearntKey {
  readonly installationId: string;
  readonly credential: Credential | undefined;
  readonly key: string;
}

/** Returns an installation's keys. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND. */
export async function loadBundleKeys(store: Queryable, installationId: string): Promise<BundleKeys> {
  requireInstallationId(installationId);
  const [row] = await store.query(
    'select bundle_key, offered_bundle_key from installations where installation_id = $1::text',
    [installationId],
  );
  if (row === undefined) throw installationNotFound(installationId);
  return {
    installation_id: installationId,
    bundle_key: textOrNullOf(row, 'bundle_key'),
    offered_bundle_key: textOrNullOf(row, 'offered_bundle_key'),
  };
}

/**
 * Replaces an installation's key with the one that the operator specifies. Accepting it again only adds an event to the audit
 * trail. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND, and USAGE for a string that is not a key.
 */
export async function acceptBundleKey(
  world: ChangeWorld,
  installationId: string,
  key: string,
): Promise<BundleKeys> {
  requireInstallationId(installationId);
  requireBundleKey(key);
  return world.store.transaction(async (tx) => {
    await tx.query(
      'update installations set bundle_key = $2::text, offered_bundle_key = null where installation_id = $1::text',
      [installationId, key],
    );
    const keys = await loadBundleKeys(tx, installationId);
    const event = { installationId, subject: '', actor: world.actor ?? COMMAND_LINE, detail: key };
    await recordEvent(tx, { ...event, event: 'bundle_key_accepted' }, world.wallMs);
    return keys;
  });
}

/** Throws USAGE unless the text is the public half of a bundle key. */
export function requireBundleKey(key: string): void {
  if (!isBundleKey(key))
    throw new CentralFailure('USAGE', `not the public key of a boat: ${JSON.stringify(key)}`, {
      op: 'accept the key',
      hint: '`d3kos-export config` on the boat shows it: 43 letters, digits, "-" or "_"',
    });
}
