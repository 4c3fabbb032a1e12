import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { toSignedText } from '@d3kos/protocol';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';

/** Maximum size of the key file, in bytes. A PEM file with an Ed25519 key is 119 bytes long. */
const KEY_FILE_SIZE_MAX_BYTES = 4_096;

/** Size of an Ed25519 key's secret, in bytes (RFC 8032). */
const SECRET_SIZE_BYTES = 32;

/** The bytes that precede the secret in an Ed25519 key's PKCS #8 encoding (RFC 8410). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The key that signs this boat's bundles. */
export interface BundleKey {
  /** The public half, as central stores it: 32 bytes in base64url. */
  readonly publicKey: string;
  /** Signs a line of this installation's bundle and returns the signature in base64url. */
  sign(installationId: string, text: string): string;
}

/**
 * Reads the key that signs bundles, or creates it at the first start. A new key is returned only once its complete file is on the
 * card, so a key lost in a power cut was never used. Only the export manager's own user account can access the file. If the file
 * cannot be read or written, logs a warning, leaves the file unchanged and returns undefined. Bundles are then unsigned, because
 * the records matter more. Does not throw on disk failures. No message contains the private half.
 */
export async function openBundleKey(
  { disk, random, log }: Pick<World, 'disk' | 'random' | 'log'>,
  path: string,
): Promise<BundleKey | undefined> {
  const warn = (reason: string, hint: string): undefined => {
    log.write('warn', `Offline bundles are not signed: ${reason}`, { hint });
    return undefined;
  };
  try {
    const bytes = await disk.read(path, KEY_FILE_SIZE_MAX_BYTES);
    if (bytes !== undefined)
      return (
        parseBundleKey(Buffer.from(bytes).toString('latin1')) ??
        warn(
          `${path} is damaged`,
          'Restore the file from a backup, or remove it and restart. The boat then creates a new key, which the operator of central must accept.',
        )
      );
    const secret = Buffer.from(random.hex(SECRET_SIZE_BYTES), 'hex');
    const key = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, secret]),
      format: 'der',
      type: 'pkcs8',
    });
    const staged = await disk.stage(path);
    try {
      await staged.write(Buffer.from(key.export({ format: 'pem', type: 'pkcs8' })));
      await staged.commit();
    } finally {
      await staged.discard();
    }
    return toBundleKey(key);
  } catch (error) {
    if (!isExportError(error)) throw error;
    return warn(error.message, error.hint);
  }
}

/** Returns the path of the boat's key below the given root. */
export function toBundleKeyPath(root: string): string {
  return toSpoolPaths(root).bundleKey;
}

/** Parses a key file's text. Returns undefined if it contains no valid key. */
export function parseBundleKey(pem: string): BundleKey | undefined {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // OpenSSL's error is not reported, because it may reveal the file's content and is of no other use.
    return undefined;
  }
  return key.asymmetricKeyType === 'ed25519' ? toBundleKey(key) : undefined;
}

function toBundleKey(key: KeyObject): BundleKey {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: x,
    sign: (installationId, text) =>
      sign(null, Buffer.from(toSignedText(installationId, text)), key).toString('base64url'),
  };
}
