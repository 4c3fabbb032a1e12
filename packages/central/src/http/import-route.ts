import {
  BUNDLE_KEY_HEADER,
  type ContentCoding,
  type ImportAnswer,
  LEDGER_ID_HEADER,
  parseContentDigest,
} from '@d3kos/protocol';
import type { AdmittedRequest } from '../admission/admission.ts';
import type { Lane } from '../admission/policy.ts';
import { toInstallationFraction, toQuotaReturnS } from '../admission/return-policy.ts';
import type { RefusalOf } from '../api/contract.ts';
import { type ImportOutcome, type ImportWorld, importBody } from '../import/import-body.ts';
import { learnBundleKey, type LearntKey } from '../installations/bundle-keys.ts';
import { newImportId } from '../import/new-import-id.ts';
import { DECODED_RATIO_MAX } from '../import/decode-body.ts';
import { RECORDS_MAX, VALUES_MAX } from '../import/document-limits.ts';
import type { MeasureStage } from '../import/import-stage.ts';
import type { QuotaAmount } from '../import/quota-policy.ts';
import { chargeWork, type Preparer } from '../import/preparer.ts';
import { isUseWritten } from '../import/store-part.ts';
import { mayDecodeOnMainThread, toMainThreadLimit } from '../import/thread-policy.ts';
import { parseContentCoding, receiveBody } from './body.ts';
import type { AppContext } from './context.ts';
import type { RouteRequest } from './route-request.ts';
import { answer, type Refused, type Reply, refuse, refuseAdmission } from './reply.ts';

type ImportRefused = Refused<RefusalOf<'importPart'>>;

/**
 * Handles `POST /api/v1/data/import`: receives the body, checks its digest, waits for a permit, decodes the body and stores it.
 * Any step may refuse the request, but only the last one stores anything.
 */
export async function handleImport(
  context: AppContext,
  request: RouteRequest<'importPart'>,
): Promise<Reply<'importPart'>> {
  const amount = context.quotaGuard.blockedBy(request.installationId);
  if (amount !== undefined) return refuseOverQuota(context, request.installationId, amount);
  try {
    return await importRequest(context, request);
  } finally {
    // A stored part was already billed in its transaction. A request that fails costs its sender as much as any other.
    await context.quotaGuard.settle(request.installationId);
  }
}

async function importRequest(
  context: AppContext,
  request: RouteRequest<'importPart'>,
): Promise<Reply<'importPart'>> {
  const { raw, installationId, credential, admitted } = request;
  if (await context.isStorageShort()) {
    context.log.write('error', "import refused: the database's disk has less free space than its reserve");
    return refuse('UNAVAILABLE', 'central is short of disk space');
  }
  const measure = createStageMeasure(context);
  const received = await measure('receive', () => receiveChecked(context, request));
  if (received.kind === 'refused') return received;
  const body = await decodeReceived(context, received, admitted, measure);
  if (body.kind === 'refused') return body;
  const { contentCoding, wireSizeBytes } = received;
  const decodedSizeBytes = body.bytes.byteLength;
  const { store, quota, meter } = context;
  const bill: ImportWorld['bill'] = (storeBilled) =>
    meter.bill(installationId, (unbilled) => storeBilled({ quota, unbilled }), isUseWritten);
  const outcome = await importBody(
    { store, preparer: body.preparer, rank: admitted.rank, charge: admitted.charge, measure, bill },
    {
      bytes: body.bytes,
      sha256: body.sha256,
      credential,
      installationId,
      idempotencyKey: raw.headers.get('Idempotency-Key') ?? undefined,
      arrival: { kind: 'network', senderLedgerId: raw.headers.get(LEDGER_ID_HEADER) ?? undefined },
      contentCoding,
      wireSizeBytes,
      receivedMs: context.wall(),
      importId: newImportId(context.randomHex),
    },
  );
  // Otherwise the boat could make this node check one part after the other without storing any.
  if (outcome.kind === 'over_quota') context.quotaGuard.block(installationId, outcome.amount);
  const key = raw.headers.get(BUNDLE_KEY_HEADER);
  // The key is kept before the receipt is sent, because the boat stops sending the key once it has the receipt.
  if (key !== null && (outcome.kind === 'stored' || outcome.kind === 'repeated'))
    await keepBundleKey(context, { installationId, credential, key });
  return toReply(context, installationId, outcome, { decodedSizeBytes, wireSizeBytes });
}

async function keepBundleKey({ store, wall, log }: AppContext, learnt: LearntKey): Promise<void> {
  if ((await learnBundleKey(store, learnt, wall())) === 'offered')
    log.write('warn', 'a boat signs its bundles with another key: see d3kos-central bundle-key', {
      installation: learnt.installationId,
    });
}

function toReply(
  context: AppContext,
  installationId: string,
  outcome: ImportOutcome,
  { decodedSizeBytes, wireSizeBytes }: { readonly decodedSizeBytes: number; readonly wireSizeBytes: number },
): Reply<'importPart'> {
  switch (outcome.kind) {
    case 'mismatch':
      // R9: "Central MUST answer 403 `INSTALLATION_MISMATCH` to a document from an installation that the token does not belong
      // to."
      return refuse('INSTALLATION_MISMATCH', 'the document and the token belong to different installations');
    case 'invalid':
      return refuse('INVALID_FORMAT', outcome.reason);
    case 'too_many_records':
      return refuse(
        'BODY_TOO_LARGE',
        `a document may contain at most ${RECORDS_MAX} records: send smaller parts`,
      );
    case 'too_many_values':
      return refuse(
        'BODY_TOO_LARGE',
        `a document may contain at most ${VALUES_MAX} values: send smaller parts`,
      );
    case 'too_costly':
      return refuseTooCostly(outcome.limit);
    default:
      context.metrics.countBody({ wireSizeBytes, decodedSizeBytes });
  }
  switch (outcome.kind) {
    case 'stored':
      context.database.noteStored();
      context.log.write('info', 'import stored', {
        installation: outcome.installationId,
        key: outcome.idempotencyKey,
        rejected: outcome.receipt.rejected_records.length,
      });
      return answer<'importPart'>(toAnswer(outcome));
    case 'repeated':
      return answer<'importPart'>(toAnswer(outcome));
    case 'conflict':
      // R29: "If a key is repeated with a different digest, central MUST answer 409 `IDEMPOTENCY_CONFLICT`."
      return refuse('IDEMPOTENCY_CONFLICT', `${outcome.idempotencyKey} is stored with different content`);
    case 'diverged':
      context.log.write('warn', 'a ledger diverged: a card was restored from an image or copied', {
        installation: outcome.installationId,
        held_export: outcome.knownExportId,
      });
      // R73: "Central MUST answer 409 `LEDGER_DIVERGED`, without a receipt, to an export if another export of the same ledger,
      // held or listed in `open_exports`, has its sequence." R103: "Central MUST answer 409 `LEDGER_DIVERGED`, without a
      // receipt, to an export if it lists in `open_exports` a sequence that a different export of the same ledger has."
      return refuse(
        'LEDGER_DIVERGED',
        `export ${outcome.knownExportId} already has a sequence that this document uses: the ledger returned to an older state, or a second machine uses it`,
      );
    case 'disabled':
      return refuse('INSTALLATION_DISABLED', 'the operator disabled this installation');
    case 'revoked':
      return refuse('INVALID_TOKEN', 'the token was revoked or expired while the body arrived');
    case 'over_quota':
      context.log.write('warn', 'import refused: daily quota exceeded', { amount: outcome.amount });
      return refuseOverQuota(context, installationId, outcome.amount);
  }
}

function toAnswer({ receipt, missing }: Extract<ImportOutcome, { receipt: unknown }>): ImportAnswer {
  return missing === undefined ? receipt : { ...receipt, missing_sequences: [...missing] };
}

/** Returns a function that adds a stage's duration to the metrics, even if the stage fails. */
function createStageMeasure({ metrics, monotonic }: AppContext): MeasureStage {
  return async (stage, work) => {
    const startedMs = monotonic();
    try {
      return await work();
    } finally {
      metrics.observeStage(stage, monotonic() - startedMs);
    }
  };
}

interface ReceivedRequest {
  readonly kind: 'received';
  readonly bytes: Uint8Array;
  readonly contentCoding: ContentCoding;
  readonly wireSizeBytes: number;
}

/** Returns the body once it is completely received and matches its digest. */
async function receiveChecked(
  { limits, log }: AppContext,
  { raw, bodySource, admitted }: RouteRequest<'importPart'>,
): Promise<ReceivedRequest | ImportRefused> {
  const mediaType = (raw.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json')
    return refuse('UNSUPPORTED_MEDIA_TYPE', 'Content-Type must be application/json');
  const contentCoding = parseContentCoding(raw.headers.get('Content-Encoding'));
  if (contentCoding === undefined)
    return refuse('UNSUPPORTED_MEDIA_TYPE', 'Content-Encoding must be gzip, br, zstd or identity');
  const received = await receiveBody({ raw, bodySource }, limits.bodySizeMaxBytes, admitted.upload);
  switch (received.kind) {
    case 'too_large':
      return refuseTooLarge(limits.bodySizeMaxBytes);
    case 'refused':
      return refuseAdmission(received.refusal);
    case 'evicted':
      log.write('info', 'slow request body dropped: memory for request bodies is low');
      return refuse('UNAVAILABLE', 'the body arrived too slowly while this node was short of memory');
    case 'incomplete':
      // R26: "Central MUST answer 408 if a body ends early, because the boat can send it again."
      log.write('info', 'request body ended early');
      return refuse('BODY_INCOMPLETE', 'the body ended early');
    case 'received':
      break;
  }
  const digestFault = findDigestFault(raw.headers.get('Content-Digest'), received.sha256Base64);
  if (digestFault !== undefined) return refuse('INVALID_DIGEST', digestFault);
  return { kind: 'received', bytes: received.bytes, contentCoding, wireSizeBytes: received.bytes.byteLength };
}

interface DecodedRequest {
  readonly kind: 'decoded';
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Selects the preparer for a body of this size. */
  readonly preparer: Preparer;
}

/**
 * Waits for a permit, then returns the decoded body and the preparer that fits its size (`import/thread-policy.ts`).
 */
async function decodeReceived(
  { limits, preparer, inlinePreparer }: AppContext,
  { bytes, contentCoding, wireSizeBytes }: ReceivedRequest,
  admitted: AdmittedRequest,
  measure: MeasureStage,
): Promise<DecodedRequest | ImportRefused> {
  const acquirePermit = (lane: Lane) => measure('wait', () => admitted.acquirePermit(lane));
  const { rank, charge, upload } = admitted;
  if (mayDecodeOnMainThread(wireSizeBytes)) {
    const sizeMaxBytes = toMainThreadLimit(limits.bodySizeMaxBytes);
    const toDecode = { bytes, coding: contentCoding, sizeMaxBytes };
    const light = chargeWork(await measure('decode', () => inlinePreparer.decode(toDecode, rank)), charge);
    if (light.kind === 'done' && light.result.kind === 'decoded') {
      if (!(await acquirePermit('light'))) return refuseAdmission('node_busy');
      return { ...light.result, preparer: inlinePreparer };
    }
  }
  if (!(await acquirePermit('heavy'))) return refuseAdmission('node_busy');
  const sizeMaxBytes = limits.bodySizeMaxBytes;
  const toDecode = { bytes, coding: contentCoding, sizeMaxBytes };
  const worked = chargeWork(await measure('decode', () => preparer.decode(toDecode, rank)), charge);
  if (worked.kind === 'exceeded') return refuseTooCostly(worked.limit);
  const decoded = worked.result;
  switch (decoded.kind) {
    case 'too_large':
      return refuseTooLarge(limits.bodySizeMaxBytes);
    case 'too_compressed':
      return refuse('BODY_TOO_LARGE', `a body may decode to ${DECODED_RATIO_MAX} times its size`);
    case 'damaged':
      return refuse('INVALID_FORMAT', `the body is not valid ${contentCoding}`);
    case 'decoded': {
      // The received bytes are no longer in memory, so the decoded bytes are counted instead.
      const refusal = upload.hold(Math.max(0, decoded.bytes.byteLength - wireSizeBytes));
      return refusal === undefined ? { ...decoded, preparer } : refuseAdmission(refusal);
    }
  }
}

/** The refusal of a body that takes too much work to check. */
function refuseTooCostly(limit: 'time' | 'memory') {
  return refuse('BODY_TOO_LARGE', `checking the body takes too much ${limit}: send smaller parts`);
}

/** R77: "Central MAY answer 429 `QUOTA_EXCEEDED` when one installation exceeds its daily quota." */
function refuseOverQuota({ metrics }: AppContext, installationId: string, amount: QuotaAmount) {
  metrics.countQuotaRefusal(amount);
  return refuse(
    'QUOTA_EXCEEDED',
    `this installation has reached its daily quota of ${AMOUNT_NAMES[amount]}`,
    { 'Retry-After': String(toQuotaReturnS(toInstallationFraction(installationId))) },
  );
}

const AMOUNT_NAMES: Readonly<Record<QuotaAmount, string>> = {
  storedBytes: 'stored bytes',
  records: 'records',
  requests: 'requests',
  cpuMs: 'CPU time',
};

/** R21: "Central MUST refuse with 400 `INVALID_DIGEST` a body that does not match its `Content-Digest`." */
function findDigestFault(header: string | null, sha256Base64: string): string | undefined {
  if (header === null) return undefined;
  const claimed = parseContentDigest(header);
  if (claimed === undefined) return 'Content-Digest has no valid sha-256';
  return claimed === sha256Base64 ? undefined : 'the body does not match its Content-Digest';
}

/** The refusal of a body that exceeds the limit as received or as decoded (docs/spec/protocol.md R25). */
function refuseTooLarge(sizeMaxBytes: number) {
  return refuse(
    'BODY_TOO_LARGE',
    `a body may have at most ${sizeMaxBytes} bytes after decoding: send smaller parts`,
  );
}
