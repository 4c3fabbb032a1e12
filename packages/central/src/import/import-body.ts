import { createHash } from 'node:crypto';
import {
  type ContentCoding,
  type ExportDocument,
  ExportDocumentSchema,
  FORMAT_VERSION,
  type Receipt,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import type { Store } from '../platform/ports.ts';
import { isJsonObject, mayHoldMoreValues, parseExactJson } from './json-value.ts';
import { identifyPart } from './part-identity.ts';
import { countDocumentRecords, RECORDS_MAX, VALUES_MAX } from './records.ts';
import { storePart } from './store-part.ts';

const isExportDocument = Compile(ExportDocumentSchema);

/** A document, or one part of it, as it arrived over the network or in a bundle. */
export interface BodyToImport {
  /** The decoded bytes. */
  readonly bytes: Uint8Array;
  /** The only installation whose documents are accepted; undefined accepts every enrolled installation. */
  readonly installationId: string | undefined;
  /** The key that the sender gave with the body; undefined if it gave none. */
  readonly idempotencyKey: string | undefined;
  readonly contentCoding: ContentCoding;
  /** Bytes received over the network for this body, before decoding. */
  readonly wireSizeBytes: number;
  /** Central's own time when the body arrived. */
  readonly receivedMs: number;
  /** The import id, used if the body is stored. */
  readonly importId: string;
}

/** The result of importing a body. */
export type ImportOutcome =
  | {
      readonly kind: 'stored' | 'repeated';
      readonly receipt: Receipt;
      readonly installationId: string;
      readonly idempotencyKey: string;
    }
  /** The key is stored with different content. */
  | { readonly kind: 'conflict'; readonly idempotencyKey: string }
  /** The installation is disabled or not enrolled. */
  | { readonly kind: 'disabled' }
  | { readonly kind: 'mismatch' }
  /** The document has more records or more values than the limits allow. */
  | { readonly kind: 'too_many_records' | 'too_many_values' }
  /** The body is not a document of this format. */
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Parses, checks and stores one body in one transaction. The network and bundles both use this function, so a body has the same
 * outcome either way, and a body that arrives twice is stored once.
 */
export async function importBody(store: Store, body: BodyToImport): Promise<ImportOutcome> {
  if (mayHoldMoreValues(body.bytes, VALUES_MAX)) return { kind: 'too_many_values' };
  const text = toUtf8Text(body.bytes);
  if (text === undefined) return { kind: 'invalid', reason: 'the body is not valid UTF-8' };
  const parsed = parseDocument(text);
  if (parsed.kind === 'invalid') return parsed;
  const { document } = parsed;
  if (body.installationId !== undefined && document.installation_id !== body.installationId)
    return { kind: 'mismatch' };
  if (countDocumentRecords(document) > RECORDS_MAX) return { kind: 'too_many_records' };
  const sha256 = createHash('sha256').update(body.bytes).digest('hex');
  const identified = identifyPart(document, body.idempotencyKey, sha256);
  if (identified.kind === 'contradiction') return { kind: 'invalid', reason: identified.reason };
  const { identity } = identified;
  const outcome = await storePart(store, {
    document,
    identity,
    sha256,
    contentCoding: body.contentCoding,
    wireSizeBytes: body.wireSizeBytes,
    decodedSizeBytes: body.bytes.byteLength,
    receivedMs: body.receivedMs,
    importId: body.importId,
  });
  switch (outcome.kind) {
    case 'stored':
    case 'repeated':
      return {
        ...outcome,
        installationId: document.installation_id,
        idempotencyKey: identity.idempotencyKey,
      };
    case 'conflict':
      return { kind: 'conflict', idempotencyKey: identity.idempotencyKey };
    case 'disabled':
      return outcome;
  }
}

type ParsedDocument =
  | { readonly kind: 'document'; readonly document: ExportDocument }
  | { readonly kind: 'invalid'; readonly reason: string };

function parseDocument(text: string): ParsedDocument {
  const value = toJson(text);
  if (!isJsonObject(value)) return { kind: 'invalid', reason: 'the body is not a JSON object' };
  if (value['format_version'] !== FORMAT_VERSION)
    return { kind: 'invalid', reason: `format_version must be ${FORMAT_VERSION}` };
  if (isExportDocument.Check(value)) return { kind: 'document', document: value };
  const [first] = isExportDocument.Errors(value);
  return {
    kind: 'invalid',
    reason: first === undefined ? 'not an export document' : `${first.instancePath || '/'} ${first.message}`,
  };
}

function toUtf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function toJson(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return undefined;
  }
}
