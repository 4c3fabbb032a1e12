import { type ContentCoding, parseContentDigest } from '@d3kos/protocol';
import type { AdmittedRequest } from '../admission/admission.ts';
import type { RefusalOf } from '../api/contract.ts';
import { type ImportOutcome, importBody } from '../import/import-body.ts';
import { newImportId } from '../import/new-import-id.ts';
import { RECORDS_MAX, VALUES_MAX } from '../import/records.ts';
import { decodeBody, parseContentCoding, receiveBody } from './body.ts';
import type { AppContext } from './context.ts';
import type { RouteRequest } from './route-request.ts';
import { answer, type Refused, type Reply, refuse, refuseAdmission } from './reply.ts';

type ImportRefused = Refused<RefusalOf<'importPart'>>;

/**
 * Handles `POST /api/v1/data/import`: receives the body, checks its digest, waits for a permit, decodes the body and stores it.
 * Every step may refuse; only the last one stores.
 */
export async function handleImport(
  context: AppContext,
  { raw, installationId, admitted }: RouteRequest<'importPart'>,
): Promise<Reply<'importPart'>> {
  const body = await receiveDecoded(context, raw, admitted);
  if (body.kind === 'refused') return body;
  const outcome = await importBody(context.store, {
    bytes: body.bytes,
    installationId,
    idempotencyKey: raw.headers.get('Idempotency-Key') ?? undefined,
    contentCoding: body.contentCoding,
    wireSizeBytes: body.wireSizeBytes,
    receivedMs: context.wall(),
    importId: newImportId(context.randomHex),
  });
  return toReply(context, outcome, body);
}

function toReply(
  context: AppContext,
  outcome: ImportOutcome,
  { bytes, wireSizeBytes }: DecodedRequest,
): Reply<'importPart'> {
  switch (outcome.kind) {
    case 'mismatch':
      // R9: "Central MUST answer 403 `INSTALLATION_MISMATCH` to a document from an installation that the token does not belong to."
      return refuse(
        'INSTALLATION_MISMATCH',
        'the document belongs to a different installation than the token',
      );
    case 'invalid':
      return refuse('INVALID_FORMAT', outcome.reason);
    case 'too_many_records':
      return refuse('BODY_TOO_LARGE', `a document may hold ${RECORDS_MAX} records: send smaller parts`);
    case 'too_many_values':
      return refuse('BODY_TOO_LARGE', `a document may hold ${VALUES_MAX} values: send smaller parts`);
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
      return answer<'importPart'>(outcome.receipt);
    case 'repeated':
      return answer<'importPart'>(outcome.receipt);
    case 'conflict':
      // R29: "If a key is repeated with a different digest, central MUST answer 409 `IDEMPOTENCY_CONFLICT`."
      return refuse('IDEMPOTENCY_CONFLICT', `${outcome.idempotencyKey} is stored with different content`);
    case 'disabled':
      return refuse('INSTALLATION_DISABLED', 'the operator disabled this installation');
  }
}

interface DecodedRequest {
  readonly kind: 'decoded';
  readonly bytes: Uint8Array;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
}

/** Returns the body once it is received whole, matches its digest, has a permit and is decoded within the limit. */
async function receiveDecoded(
  { limits, log }: AppContext,
  request: Request,
  admitted: AdmittedRequest,
): Promise<DecodedRequest | ImportRefused> {
  const mediaType = (request.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    return refuse('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json');
  const contentCoding = parseContentCoding(request.headers.get('Content-Encoding'));
  if (contentCoding === undefined)
    return refuse('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding must be gzip, br, zstd or identity');
  const received = await receiveBody(request, limits.bodySizeMaxBytes, admitted.hold);
  switch (received.kind) {
    case 'too_large':
      return refuseTooLarge(limits.bodySizeMaxBytes);
    case 'over_limit':
      return refuseAdmission('node_busy');
    case 'incomplete':
      // R26: "Central MUST answer 408 when a body ends early, because the boat can send it again."
      log.write('info', 'request body ended early');
      return refuse('BODY_INCOMPLETE', 'the body ended early');
    case 'received':
      break;
  }
  const digestFault = findDigestFault(request.headers.get('Content-Digest'), received.sha256Base64);
  if (digestFault !== undefined) return refuse('INVALID_DIGEST', digestFault);
  if (!(await admitted.acquirePermit())) return refuseAdmission('node_busy');
  const decoded = decodeBody(received.bytes, contentCoding, limits.bodySizeMaxBytes);
  switch (decoded.kind) {
    case 'too_large':
      return refuseTooLarge(limits.bodySizeMaxBytes);
    case 'damaged':
      return refuse('INVALID_FORMAT', `the body is not valid ${contentCoding}`);
    case 'decoded':
      return { ...decoded, contentCoding, wireSizeBytes: received.bytes.byteLength };
  }
}

/** R21: "Central MUST refuse a body that does not match its `Content-Digest` with 400 `INVALID_DIGEST`." */
function findDigestFault(header: string | null, sha256Base64: string): string | undefined {
  if (header === null) return undefined;
  const claimed = parseContentDigest(header);
  if (claimed === undefined) return 'Content-Digest has no valid sha-256';
  return claimed === sha256Base64 ? undefined : 'the body does not match its Content-Digest';
}

/** The refusal of a body above the limit, as received or as decoded (docs/spec/protocol.md R25). */
function refuseTooLarge(sizeMaxBytes: number) {
  return refuse('BODY_TOO_LARGE', `a body may hold ${sizeMaxBytes} bytes after decoding: send smaller parts`);
}
