import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { createLineDigest, type Sign, toBundleLine, toSignedText } from '@d3kos/protocol';
import { type AcceptedBundles, type BundleReport, importBundle } from '../bundle/import-bundle.ts';
import { acceptBundleKey } from '../installations/bundle-keys.ts';
import { isCentralFailure } from '../platform/errors.ts';
import type { Store } from '../platform/ports.ts';
import { openReadableFile } from '../platform/readable-file.ts';
import { systemRandomHex } from '../platform/world.ts';
import {
  type EnrolledBoat,
  enrollBoat,
  heldRecords,
  NOON_MS,
  toBoatlog,
  toDocument,
} from './central-under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'central-bundle-'));
after(() => rmSync(folder, { recursive: true, force: true }));

type Document = ReturnType<typeof toDocument>;

/** Returns three parts of one export, with one record each. */
export const threeParts = (boat: EnrolledBoat, exportId = 'exp_1', sequence = 1): readonly Document[] =>
  [1, 2, 3].map((index) =>
    toDocument(boat, {
      exportId,
      sequence,
      part: { index, count: 3 },
      data: toBoatlog([{ record_id: `${exportId} ${index}`, content: 'calm' }]),
    }),
  );

const privateKeys = new Map<string, KeyObject>();

/** Creates a boat's bundle key and returns its public half. */
export function makeKey(installationId: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  privateKeys.set(installationId, privateKey);
  return publicKey.export({ format: 'jwk' }).x ?? '';
}

/** Enrols a boat that signs its bundles with a key that central keeps. */
export async function enrollSigner(store: Store, allowIdAsToken = false): Promise<EnrolledBoat> {
  const boat = await enrollBoat(store, allowIdAsToken);
  await acceptBundleKey({ store, wallMs: NOON_MS }, boat.id, makeKey(boat.id));
  return boat;
}

/** Hex SHA-256. */
export const toSha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Returns the boat's signing function, or undefined if it has no key. */
export function signerOf(installationId: string, signedFor = installationId): Sign | undefined {
  const key = privateKeys.get(installationId);
  if (key === undefined) return undefined;
  return (text) => sign(null, Buffer.from(toSignedText(signedFor, text)), key).toString('base64url');
}

/** Returns the public half of the boat's key. */
export function publicKeyOf(installationId: string): string | undefined {
  return privateKeys.get(installationId)?.export({ format: 'jwk' }).x;
}

/**
 * Returns the bytes of the bundle that a boat would write for these documents. If the boat has no key, the bundle has the
 * format of an earlier version.
 */
export function toBundle(
  installationId: string,
  documents: readonly Document[],
  signer: Sign | undefined = signerOf(installationId),
): Buffer {
  const digest = createLineDigest(toSha256);
  const write = (line: Parameters<typeof toBundleLine>[0]): string => {
    const text = toBundleLine(line, signer);
    digest.add(text.slice(0, -1));
    return text;
  };
  const bodies = documents.map((document) => Buffer.from(JSON.stringify(document)));
  const key = publicKeyOf(installationId);
  const start = write({
    d3kos_bundle: 'start',
    version: 1,
    installation_id: installationId,
    created: '2026-06-01T11:00:00Z',
    software_version: '0.1.0',
    ...(key === undefined || signer === undefined ? {} : { key }),
  });
  const pieces = bodies.flatMap((body, at) => [
    write({
      d3kos_bundle: 'part',
      export_id: documents[at]?.export_id ?? '',
      part: documents[at]?.part ?? { index: 1, count: 1 },
      sha256: toSha256(body),
      size_bytes: body.length,
    }),
    body,
    '\n',
  ]);
  const end = write({
    d3kos_bundle: 'end',
    exports: 1,
    parts: bodies.length,
    skipped_count: 0,
    skipped: [],
    ...(signer === undefined ? {} : { lines_sha256: digest.value() }),
  });
  return Buffer.concat([start, ...pieces, end].map((piece) => Buffer.from(piece)));
}

let files = 0;
/** Imports a bundle file with these bytes. */
export function importBytes(
  store: Store,
  bytes: Buffer,
  accepts: AcceptedBundles = 'signed',
  sizeMaxBytes = 1_000_000,
): Promise<BundleReport> {
  files += 1;
  const path = join(folder, `${files}.bundle`);
  writeFileSync(path, bytes);
  return importBundle(
    {
      store,
      wall: () => NOON_MS,
      randomHex: systemRandomHex,
      openFile: openReadableFile,
      bodySizeMaxBytes: sizeMaxBytes,
    },
    path,
    accepts,
  );
}

/** Returns the IDs of the boatlog records that central holds for a boat. */
export async function ids(store: Store, boat: EnrolledBoat): Promise<readonly unknown[]> {
  return (await heldRecords(store, boat)).map((row) => row['record_id']);
}

/** True if the error is the refusal of a bundle that its boat did not sign. */
export const isNotSigned = (error: unknown): boolean => isCentralFailure(error, 'BUNDLE_NOT_SIGNED');
