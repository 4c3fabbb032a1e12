import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import {
  type BundleSource,
  type BundleStart,
  readBundle,
  toSignedText,
  type WrittenLine,
} from '@d3kos/protocol';
import { loadBundleKeys } from '../installations/bundle-keys.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable } from '../platform/ports.ts';

/** True if the boat signed this line. */
export type IsSigned = (line: WrittenLine) => boolean;

/** What a bundle's signatures prove about its origin. */
export type BundleOrigin =
  /** Every readable line is signed by the key that central keeps for the installation. */
  | { readonly kind: 'signed'; readonly isSigned: IsSigned }
  /** `installationId` is the one that the first line claims. */
  | {
      readonly kind: 'unproven';
      readonly installationId: string | undefined;
      readonly failure: CentralFailure;
    };

/**
 * Reads a complete bundle and checks the signature of each line before a part is stored. docs/spec/protocol.md R79: "The
 * signature of a line MUST cover the line and the installation." A single line without the boat's signature leaves the bundle's
 * origin unproven. Damaged sections do not count as lines; the parts around them keep their own signatures. Throws
 * INSTALLATION_NOT_FOUND, and the errors of `source` and `store`.
 */
export async function examineOrigin(
  store: Queryable,
  source: BundleSource,
  partSizeMaxBytes: number,
): Promise<BundleOrigin> {
  let installationId: string | undefined;
  let isSigned: IsSigned | undefined;
  const unproven = (failure: CentralFailure): BundleOrigin => ({ kind: 'unproven', installationId, failure });
  for await (const item of readBundle(source, partSizeMaxBytes)) {
    if (item.kind === 'damaged') continue;
    if (isSigned === undefined) {
      if (item.kind !== 'start')
        return unproven(notSigned('its first line, which names the boat, is damaged'));
      installationId = item.start.installation_id;
      const { bundle_key: kept } = await loadBundleKeys(store, installationId);
      const fault = findKeyFault(item.start, item.line, kept);
      if (fault !== undefined) return unproven(fault);
      isSigned = createCheck(installationId, kept ?? '');
    }
    if (!isSigned(item.line))
      return unproven(notSigned(`the line at byte ${item.line.offset} has no valid signature`));
  }
  return isSigned === undefined
    ? unproven(notSigned('it contains no readable line'))
    : { kind: 'signed', isSigned };
}

/** Returns undefined if the bundle names the key that central keeps, otherwise the reason why it does not match. */
function findKeyFault(
  { installation_id, key }: BundleStart,
  line: WrittenLine,
  kept: string | null,
): CentralFailure | undefined {
  if (key === undefined || line.signature === undefined) return notSigned('it has no signature');
  if (key === kept) return undefined;
  const known = kept === null ? 'central has no key for this boat' : `central has the key ${kept}`;
  return new CentralFailure(
    'BUNDLE_KEY_UNKNOWN',
    `the bundle of ${installation_id} is signed with the key ${key}, but ${known}`,
    {
      op: 'check the signature of the bundle',
      hint: `compare the key with the one that \`d3kos-export config\` shows on the boat; if they match, run \`d3kos-central bundle-key ${installation_id} --accept ${key}\` and import the bundle again`,
    },
  );
}

function notSigned(reason: string): CentralFailure {
  return new CentralFailure('BUNDLE_NOT_SIGNED', `the bundle is not signed by the boat: ${reason}`, {
    op: 'check the signature of the bundle',
    hint: 'ask for a new bundle; if you know where this one comes from, import it with --unsigned',
  });
}

function createCheck(installationId: string, key: string): IsSigned {
  const publicKey = toPublicKey(key);
  return ({ text, signature }) =>
    publicKey !== undefined &&
    signature !== undefined &&
    verify(
      null,
      Buffer.from(toSignedText(installationId, text)),
      publicKey,
      Buffer.from(signature, 'base64url'),
    );
}

/** Returns these 32 bytes as a key, or undefined if they are not a point on the curve. */
function toPublicKey(key: string): KeyObject | undefined {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  } catch {
    return undefined;
  }
}
