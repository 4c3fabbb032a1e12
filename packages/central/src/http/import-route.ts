import {
  type CentralErrorCode,
  type ContentCoding,
  FORMAT_VERSION,
  parseContentDigest,
} from '@d3kos/protocol';
import { type ImportOutcome, importBody } from '../import/import-body.ts';
import { RECORDS_MAX, VALUES_MAX } from '../import/records.ts';
import { newImportId } from '../import/new-import-id.ts';
import type { Authentication } from '../installations/authenticate.ts';
import type { Ticket } from './admission.ts';
import { refuse, toJsonAnswer } from './answers.ts';
import { decodeBody, parseContentCoding, receiveBody } from './body.ts';
import type { AppContext } from './context.ts';
import { countAnswer } from './metrics.ts';

const NODE_IS_FULL = 'this node has as many imports under way as it takes';

/** A step's result, or the answer that ends the request. */
type Step<T> =
  | { readonly kind: 'next'; readonly value: T }
  | { readonly kind: 'refused'; readonly code: CentralErrorCode; readonly answer: Response };

/**
 * `POST /api/v1/data/import`: who, whether there is room, what came, what it says, storing it (docs/spec/protocol.md R11). Each step may
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
  const admitted = context.admission.enter(installationId);
  switch (admitted.kind) {
    case 'busy_installation':
      return refused('TOO_MANY_REQUESTS', 'other imports of this installation are still under way');
    case 'busy_node':
      return refused('UNAVAILABLE', NODE_IS_FULL);
    case 'admit':
      break;
  }
  try {
    return await admittedImport(context, request, installationId, admitted.ticket);
  } finally {
    admitted.ticket.leave();
  }
}

async function admittedImport(
  context: AppContext,
  request: Request,
  installationId: string,
  ticket: Ticket,
): Promise<ImportAnswer> {
  const body = await receiveDecoded(context, request, ticket);
  if (body.kind === 'refused') return body;
  const { bytes, contentCoding, wireSizeBytes } = body.value;
  const outcome = await importBody(context.store, {
    bytes,
    installationId,
    idempotencyKey: request.headers.get('Idempotency-Key') ?? undefined,
    contentCoding,
    wireSizeBytes,
    receivedMs: context.wall(),
    importId: newImportId(context.randomHex),
  });
  return answerOutcome(context, outcome, body.value);
}

function answerOutcome(
  context: AppContext,
  outcome: ImportOutcome,
  { bytes, wireSizeBytes }: DecodedRequest,
): ImportAnswer {
  switch (outcome.kind) {
    case 'mismatch':
      return refused('INSTALLATION_MISMATCH', 'the document is of another installation than the token');
    case 'invalid':
      return refused('INVALID_FORMAT', outcome.reason);
    case 'too_many_records':
      return refused('BODY_TOO_LARGE', `a document may hold ${RECORDS_MAX} records: send smaller parts`);
    case 'too_many_values':
      return refused('BODY_TOO_LARGE', `a document may hold ${VALUES_MAX} values: send smaller parts`);
    default:
      context.counters.wireBytes += wireSizeBytes;
      context.counters.decodedBytes += bytes.byteLength;
  }
  switch (outcome.kind) {
    case 'stored':
      context.log.write('info', 'import stored', {
        installation: outcome.installationId,
        key: outcome.idempotencyKey,
        rejected: outcome.receipt.rejected_records.length,
      });
      return { code: 'STORED', answer: toJsonAnswer(outcome.receipt) };
    case 'repeated':
      return { code: 'REPEATED', answer: toJsonAnswer(outcome.receipt) };
    case 'conflict':
      return refused('IDEMPOTENCY_CONFLICT', `${outcome.idempotencyKey} was stored with other content`);
    case 'disabled':
      return refused('INSTALLATION_DISABLED', 'this installation is disabled by the operator');
  }
}

interface DecodedRequest {
  readonly bytes: Uint8Array;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
}

/** The body: received whole, equal to its digest and, when its turn has come, decoded within the limit. */
async function receiveDecoded(
  { limits, log }: AppContext,
  request: Request,
  ticket: Ticket,
): Promise<Step<DecodedRequest>> {
  const mediaType = (request.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    return refused('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json');
  const contentCoding = parseContentCoding(request.headers.get('Content-Encoding'));
  if (contentCoding === undefined)
    return refused('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding must be one of gzip, br, zstd, identity');
  const received = await receiveBody(request, limits.bodySizeMaxBytes, ticket.hold);
  if (received.kind === 'too_large') return tooLarge(limits.bodySizeMaxBytes);
  if (received.kind === 'no_room') return refused('UNAVAILABLE', NODE_IS_FULL);
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
  if (digestHeader !== null && parseContentDigest(digestHeader) === undefined)
    return refused('INVALID_DIGEST', 'Content-Digest names no sha-256 of the body');
  if (digestHeader !== null && parseContentDigest(digestHeader) !== received.sha256Base64)
    return refused('INVALID_DIGEST', 'the body does not match its Content-Digest');
  if (!(await ticket.turn())) return refused('UNAVAILABLE', NODE_IS_FULL);
  const decoded = decodeBody(received.bytes, contentCoding, limits.bodySizeMaxBytes);
  if (decoded.kind === 'too_large') return tooLarge(limits.bodySizeMaxBytes);
  if (decoded.kind === 'damaged') return refused('INVALID_FORMAT', `the body is not valid ${contentCoding}`);
  return {
    kind: 'next',
    value: { bytes: decoded.bytes, contentCoding, wireSizeBytes: received.bytes.byteLength },
  };
}

function tooLarge(sizeMaxBytes: number) {
  return refused('BODY_TOO_LARGE', `a body may hold ${sizeMaxBytes} bytes, decoded: send smaller parts`);
}

function refused(code: CentralErrorCode, message: string) {
  return {
    kind: 'refused',
    code,
    answer: refuse(code, message, code === 'INVALID_FORMAT' ? { requiredVersion: FORMAT_VERSION } : {}),
  } as const;
}
