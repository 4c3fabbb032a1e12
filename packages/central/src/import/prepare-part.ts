import {
  CATEGORIES,
  type ExportDocument,
  ExportDocumentSchema,
  FORMAT_VERSION,
  parseExactJson,
  RECORD_SIZE_MAX_BYTES,
  RECORD_VALUES_MAX,
} from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Clean } from 'typebox/value';

import { toBoatFacts } from './boat-facts.ts';
import { isJsonObject, toCanonicalJson } from './json-value.ts';
import { identifyPart } from './part-identity.ts';
import type { DocumentClaims, PartToStore } from './part-to-store.ts';
import { toStorableRecords } from './records.ts';
import {
  cutOversized,
  findRecordId,
  OVERSIZED_KEY,
  type OversizedRecord,
  scanDocument,
} from './scan-document.ts';

const isExportDocument = Compile(ExportDocumentSchema);
const ClaimsSchema = Type.Omit(ExportDocumentSchema, ['data']);

/** A decoded body to check. */
export interface PartToPrepare {
  readonly bytes: Uint8Array;
  /** Hex SHA-256 of `bytes`. */
  readonly sha256: string;
  /** The only installation whose documents are accepted. Undefined accepts every installation. */
  readonly installationId: string | undefined;
  /** The key that the sender gave with the body, if any. */
  readonly idempotencyKey: string | undefined;
}

/** A checked part with its records in stored form. It can be transferred between threads. */
export interface PreparedPart extends Pick<
  PartToStore,
  'document' | 'identity' | 'sorted' | 'sections' | 'facts'
> {
  readonly kind: 'prepared';
}

/** The result of checking a body. */
export type Preparation =
  | PreparedPart
  | { readonly kind: 'mismatch' }
  /** The document has more records or more values than the limits allow. */
  | { readonly kind: 'too_many_records' | 'too_many_values' }
  /** The body is not a document of this format. */
  | { readonly kind: 'invalid'; readonly reason: string };

/**
 * Parses and checks a body, and converts its records. `document-limits.ts` bounds the time and memory that this takes. No I/O.
 */
export function preparePart(part: PartToPrepare): Preparation {
  const scan = scanDocument(part.bytes);
  if (scan.kind !== 'within_limits') return scan;
  const text = toUtf8Text(cutOversized(part.bytes, scan.oversized));
  if (text === undefined) return { kind: 'invalid', reason: 'the body is not valid UTF-8' };
  const parsed = parseDocument(text, scan.mayHaveExactNumber ? parseExactJson : JSON.parse);
  if (parsed.kind === 'invalid') return parsed;
  const { data } = parsed.document;
  const claims = toClaims(parsed.document);
  if (part.installationId !== undefined && claims.installation_id !== part.installationId)
    return { kind: 'mismatch' };
  const identified = identifyPart(claims, part.idempotencyKey, part.sha256);
  if (identified.kind === 'contradiction') return { kind: 'invalid', reason: identified.reason };
  return {
    kind: 'prepared',
    document: claims,
    identity: identified.identity,
    sections: toSections(data),
    facts: toBoatFacts(data),
    sorted: toStorableRecords(parsed.document, {
      isPlain: scan.isPlain,
      describeOversized: (record) => describeOversized(part.bytes, scan.oversized, record),
    }),
  };
}

function describeOversized(
  bytes: Uint8Array,
  oversized: readonly OversizedRecord[],
  record: Readonly<Record<string, unknown>>,
) {
  const index = record[OVERSIZED_KEY];
  const found = typeof index === 'number' ? oversized[index] : undefined;
  if (found === undefined) return undefined;
  const reason =
    found.exceeded === 'values'
      ? `more than ${RECORD_VALUES_MAX} values`
      : `more than ${RECORD_SIZE_MAX_BYTES} bytes`;
  return { recordId: findRecordId(bytes, found), reason };
}

type ParsedDocument =
  | { readonly kind: 'document'; readonly document: ExportDocument }
  | { readonly kind: 'invalid'; readonly reason: string };

function parseDocument(text: string, parse: (text: string) => unknown): ParsedDocument {
  const value = toJson(text, parse);
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

/**
 * Returns the document's claims without members that the schema does not have, at any depth. Such a member may have a value that
 * cannot be transferred between threads, for example an `ExactNumber` or a list that nests thousands of levels deep.
 */
function toClaims({ data: _, ...members }: ExportDocument): DocumentClaims {
  // The document matches the schema, and Clean only removes members. It removes those of nested objects in place.
  return Clean(ClaimsSchema, members) as DocumentClaims;
}

/** The members of each section except its records, that is, the state of the category on board. */
function toSections(data: ExportDocument['data']): string {
  return toCanonicalJson(
    Object.fromEntries(
      CATEGORIES.flatMap((category) => {
        const section = data[category];
        if (section === undefined) return [];
        const { state = null, entry_count = null, error = null } = section;
        return [[category, { state, entry_count, error }]];
      }),
    ),
  );
}

function toUtf8Text(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function toJson(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}
