import { createHash } from 'node:crypto';
import {
  type CentralErrorCode,
  type ContentCoding,
  type ExportDocument,
  ExportDocumentSchema,
  FORMAT_VERSION,
  parseContentDigest,
} from '@d3kos/protocol';
import { Compile } from 'typebox/compile';
import { isJsonObject, parseExactJson } from '../import/json-value.ts';
import { identifyPart, type PartIdentity } from '../import/policy.ts';
import { type StoreOutcome, storePart } from '../import/store-part.ts';
import type { Authentication } from '../installations/authenticate.ts';
import { refuse, toJsonAnswer } from './answers.ts';
import type { AppContext } from './app.ts';
import { decodeBody, parseContentCoding, receiveBody } from './body.ts';
import { countAnswer } from './metrics.ts';

const isExportDocument = Compile(ExportDocumentSchema);

/** A step's result, or the answer that ends the request. */
type Step<T> =
  | { readonly kind: 'next'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: CentralErrorCode; readonly answer: Response };

/** Random bytes of an import's id: enough that ids of all nodes never meet. */
const IMPORT_ID_SIZE_BYTES = 12;

/**
 * `POST /api/v1/data/import`: who, whether there is room, what came, what it says, storing it (spec: central). Each step may
 * refuse; nothing is stored before the last.
 */
export async function handleImport(
  context: AppContext,
  request: Request,
  who: Authentication,
): Promise<Response> {
  const result = await importRequest(context, request, who);
  countAnswer(context.counters, result.code);
  return result.answer;
}

interface ImportAnswer {
  readonly code: CentralErrorCode | 'STORED' | 'REPEATED';
  readonly answer: Response;
}

async function importRequest(
  context: AppContext,
  request: Request,
  who: Authentication,
): Promise<ImportAnswer> {
  switch (who.kind) {
    case 'invalid':
      return refused('INVALID_TOKEN', 'the device token is unknown or was revoked: ask for a new one');
    case 'disabled':
      return refused('INSTALLATION_DISABLED', 'this installation is disabled by the operator');
    case 'accepted':
      break;
  }
  const { installationId } = who;
  switch (context.admission.enter(installationId)) {
    case 'busy_installation':
      return refused('TOO_MANY_REQUESTS', 'other imports of this installation are still under way');
    case 'busy_node':
      return refused('UNAVAILABLE', 'this node has as many imports under way as it takes');
    case 'admit':
      break;
  }
  try {
    return await admittedImport(context, request, installationId);
  } finally {
    context.admission.leave(installationId);
  }
}

async function admittedImport(
  context: AppContext,
  request: Request,
  installationId: string,
): Promise<ImportAnswer> {
  const body = await receiveDecoded(context, request);
  if (body.kind === 'refused') return body;
  const parsed = parseDocument(body.value.text);
  if (parsed.kind === 'refused') return parsed;
  const document = parsed.value;
  if (document.installation_id !== installationId)
    return refused('INSTALLATION_MISMATCH', 'the document is of another installation than the token');
  const identified = identifyPart(
    document,
    request.headers.get('Idempotency-Key') ?? undefined,
    body.value.sha256,
  );
  if (identified.kind === 'contradiction') return refused('INVALID_FORMAT', identified.reason);
  const outcome = await storePart(context.store, {
    document,
    identity: identified.identity,
    sha256: body.value.sha256,
    contentCoding: body.value.contentCoding,
    wireSizeBytes: body.value.wireSizeBytes,
    decodedSizeBytes: body.value.decodedSizeBytes,
    receivedMs: context.wall(),
    importId: `import_${context.randomHex(IMPORT_ID_SIZE_BYTES)}`,
  });
  context.counters.wireBytes += body.value.wireSizeBytes;
  context.counters.decodedBytes += body.value.decodedSizeBytes;
  return answerOutcome(context, outcome, identified.identity, installationId);
}

function answerOutcome(
  context: AppContext,
  outcome: StoreOutcome,
  { idempotencyKey }: PartIdentity,
  installationId: string,
): ImportAnswer {
  switch (outcome.kind) {
    case 'stored':
      context.log.write('info', 'import stored', {
        installation: installationId,
        key: idempotencyKey,
        rejected: outcome.receipt.rejected_records.length,
      });
      return { code: 'STORED', answer: toJsonAnswer(outcome.receipt) };
    case 'repeated':
      return { code: 'REPEATED', answer: toJsonAnswer(outcome.receipt) };
    case 'conflict':
      return refused('IDEMPOTENCY_CONFLICT', `${idempotencyKey} was stored with other content`);
    case 'disabled':
      return refused('INSTALLATION_DISABLED', 'this installation is disabled by the operator');
  }
}

interface DecodedRequest {
  readonly text: string;
  readonly sha256: string;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
  readonly decodedSizeBytes: number;
}

/** The body as text: received whole, equal to its digest, decoded within the limit, valid UTF-8. */
async function receiveDecoded({ limits, log }: AppContext, request: Request): Promise<Step<DecodedRequest>> {
  const mediaType = (request.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    return refused('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json');
  const contentCoding = parseContentCoding(request.headers.get('Content-Encoding'));
  if (contentCoding === undefined)
    return refused('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding must be one of gzip, br, zstd, identity');
  const received = await receiveBody(request, limits.bodySizeMaxBytes);
  if (received.kind === 'too_large') return tooLarge(limits.bodySizeMaxBytes);
  if (received.kind === 'incomplete') {
    log.write('info', 'a body ended early');
    // 408 is "try again" to a boat; 400 would make it give the export up.
    return {
      kind: 'refused',
      code: 'UNAVAILABLE',
      answer: new Response(refuse('UNAVAILABLE', 'the body ended early').body, {
        status: 408,
        headers: { 'Content-Type': 'application/json; charset=utf-8' },
      }),
    };
  }
  const digestHeader = request.headers.get('Content-Digest');
  const claimed = digestHeader === null ? undefined : parseContentDigest(digestHeader);
  if (claimed !== undefined && claimed !== received.sha256Base64)
    return refused('INVALID_DIGEST', 'the body does not match its Content-Digest');
  const decoded = decodeBody(received.bytes, contentCoding, limits.bodySizeMaxBytes);
  if (decoded.kind === 'too_large') return tooLarge(limits.bodySizeMaxBytes);
  if (decoded.kind === 'damaged') return refused('INVALID_FORMAT', `the body is not valid ${contentCoding}`);
  const text = toUtf8Text(decoded.bytes);
  if (text === undefined) return refused('INVALID_FORMAT', 'the body is not valid UTF-8');
  return {
    kind: 'next',
    value: {
      text,
      sha256: createHash('sha256').update(decoded.bytes).digest('hex'),
      contentCoding,
      wireSizeBytes: received.bytes.byteLength,
      decodedSizeBytes: decoded.bytes.byteLength,
    },
  };
}

function parseDocument(text: string): Step<ExportDocument> {
  const value = toJson(text);
  if (!isJsonObject(value)) return invalidFormat('the body is not a JSON object');
  if (value['format_version'] !== FORMAT_VERSION)
    return invalidFormat(`format_version must be ${FORMAT_VERSION}`);
  if (!isExportDocument.Check(value)) {
    const [first] = isExportDocument.Errors(value);
    return invalidFormat(
      first === undefined ? 'not an export document' : `${first.instancePath || '/'} ${first.message}`,
    );
  }
  return { kind: 'next', value };
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

function tooLarge(sizeMaxBytes: number) {
  return refused('BODY_TOO_LARGE', `a body may hold ${sizeMaxBytes} bytes, decoded: send smaller parts`);
}

function invalidFormat(message: string) {
  return refused('INVALID_FORMAT', message);
}

function refused(code: CentralErrorCode, message: string) {
  return {
    kind: 'refused',
    code,
    answer: refuse(code, message, code === 'INVALID_FORMAT' ? { requiredVersion: FORMAT_VERSION } : {}),
  } as const;
}
