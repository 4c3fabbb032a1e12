import { createHash } from 'node:crypto';
import {
  BUNDLE_KEY_HEADER,
  type ContentCoding,
  IMPORT_PATH,
  LEDGER_ID_HEADER,
  type Part,
  toContentDigest,
  toIdempotencyKey,
} from '@d3kos/protocol';
import type { Clock, Compressor, Transport, TransportError } from '../platform/ports.ts';
import {
  type AnswerBody,
  parseJsonBytes,
  readAnswer,
  SILENT_CODE,
  toTransportFailure,
} from '../platform/transport-answer.ts';
import type { Outcome } from './outcome.ts';
import { type PartAnswer, type RecognisedAnswer, recogniseAnswer } from './policy/answer.ts';
import { parseAcceptEncoding, parseHttpDate, parseRetryAfter } from './policy/http-headers.ts';
import { findReceiptMismatch } from './policy/receipt.ts';

/**
 * Maximum size of an answer, in bytes. Even a receipt that rejects every record in a part is far smaller. A portal's page may be
 * any size.
 */
const ANSWER_SIZE_MAX_BYTES = 1024 * 1024;

/** Size of the chunks passed to the transport. Chunks of 64 KiB were 3.4 times slower. */
const CHUNK_BYTES = 256 * 1024;
/** Minimum chunk size for a rate-limited upload. With smaller chunks, packet headers would outweigh the content. */
const PACED_CHUNK_MIN_BYTES = 1_024;

export interface SendDeps {
  readonly transport: Transport;
  readonly compressor: Compressor;
  readonly clock: Clock;
  /** Returns whether a time service has set the boat's clock. */
  readonly clockSynchronized: (signal: AbortSignal) => Promise<boolean>;
  /** Called whenever the link accepts a chunk. */
  readonly progressed?: () => void;
}

/** One part to send. */
export interface PartToSend {
  /** Central's URL, without a trailing slash. */
  readonly centralUrl: string;
  readonly token: string;
  /** The boat's current ledger. The part may belong to a lost ledger. */
  readonly ledgerId: string;
  /** The public half of the key that signs bundles. Undefined if it should not be sent. */
  readonly bundlePublicKey: string | undefined;
  readonly exportId: string;
  readonly part: Part;
  /** The uncompressed body: a complete document. A receipt must contain its SHA-256. */
  readonly body: Uint8Array;
  readonly coding: ContentCoding;
  /** The owner's rate limit, which keeps the link usable while a backlog is sent. Undefined if there is no limit. */
  readonly bytesPerSecondMax: number | undefined;
}

/** The outcome of sending a part, and the number of bytes it cost. */
export interface SentPart {
  readonly outcome: Outcome;
  /** Size of the complete compressed body, in bytes, even if only part of it was sent. */
  readonly wireSizeBytes: number;
}

/**
 * Sends one part (docs/spec/delivery.md, "On the wire, exactly"). Answers and link failures are returned as outcomes. A receipt
 * counts only if its export, part and SHA-256 match the sent part. Resending a part is harmless, because its key stays the same.
 * The body is sent uncompressed if compression does not make it smaller. Rejects with the signal's reason when aborted.
 */
export async function sendPart(deps: SendDeps, sent: PartToSend, signal: AbortSignal): Promise<SentPart> {
  const { bytes, coding } = await encode(deps.compressor, sent.body, sent.coding);
  signal.throwIfAborted();
  const request = toRequest(deps, sent, bytes, coding, signal);
  const outcome = await exchange(deps, request, signal, (response, body) =>
    toOutcome(response, body, sent, deps.clock.wall()),
  );
  return { outcome, wireSizeBytes: bytes.byteLength };
}

async function encode(
  compressor: Compressor,
  body: Uint8Array,
  coding: ContentCoding,
): Promise<{ readonly bytes: Uint8Array; readonly coding: ContentCoding }> {
  if (coding === 'identity') return { bytes: body, coding };
  const bytes = await compressor.compress(body, coding);
  // docs/spec/protocol.md R24: "A boat MAY send a body uncompressed if compression does not make it smaller."
  return bytes.byteLength < body.byteLength ? { bytes, coding } : { bytes: body, coding: 'identity' };
}

function toRequest(
  { clock, progressed }: SendDeps,
  sent: PartToSend,
  bytes: Uint8Array,
  coding: ContentCoding,
  signal: AbortSignal,
): Request {
  return new Request(`${sent.centralUrl}${IMPORT_PATH}`, {
    method: 'POST',
    // docs/spec/protocol.md R2: "A boat MUST NOT follow a redirect."
    redirect: 'manual',
    headers: {
      // docs/spec/protocol.md R4: "A boat MUST authenticate each request except the health request with
      // `Authorization: Bearer <device token>`."
      authorization: `Bearer ${sent.token}`,
      'content-type': 'application/json',
      ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
      'content-length': String(bytes.byteLength),
      // docs/spec/protocol.md R20: "A boat MUST send `Content-Digest` with the SHA-256 of the body as sent, after
      // compression."
      'content-digest': toContentDigest(createHash('sha256').update(bytes).digest('base64')),
      // docs/spec/protocol.md R16: "A boat MUST send `Idempotency-Key: <export_id>/<part index>` with each part,
      // counting parts from 1."
      'idempotency-key': toIdempotencyKey(sent.exportId, sent.part.index),
      // docs/spec/protocol.md R75: "A boat MUST send the ID of the ledger that it uses in the header `Ledger-Id` with each part."
      [LEDGER_ID_HEADER]: sent.ledgerId,
      ...(sent.bundlePublicKey === undefined ? {} : { [BUNDLE_KEY_HEADER]: sent.bundlePublicKey }),
      accept: 'application/json',
      'accept-encoding': 'identity',
    },
    body:
      sent.bytesPerSecondMax === undefined
        ? toStream(bytes, progressed)
        : toPacedStream(bytes, sent.bytesPerSecondMax, { clock, progressed }, signal),
    duplex: 'half',
  });
}

/** Streams the body in chunks, each created when the link can accept it. */
function toStream(bytes: Uint8Array, progressed: SendDeps['progressed']): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        progressed?.();
        const chunk = bytes.subarray(offset, offset + CHUNK_BYTES);
        offset += chunk.byteLength;
        if (chunk.byteLength > 0) controller.enqueue(chunk);
        if (offset >= bytes.byteLength) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * Like `toStream`, but waits before each chunk to keep the average rate below `bytesPerSecondMax`. At that rate, a chunk takes
 * about 0.1 s.
 */
function toPacedStream(
  bytes: Uint8Array,
  bytesPerSecondMax: number,
  { clock, progressed }: { readonly clock: Clock; readonly progressed: SendDeps['progressed'] },
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const chunkBytes = Math.max(
    PACED_CHUNK_MIN_BYTES,
    Math.min(CHUNK_BYTES, Math.floor(bytesPerSecondMax / 10)),
  );
  let offset = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (offset > 0) await clock.sleep((chunkBytes / bytesPerSecondMax) * 1_000, signal);
        progressed?.();
        const chunk = bytes.subarray(offset, offset + chunkBytes);
        offset += chunk.byteLength;
        if (chunk.byteLength > 0) controller.enqueue(chunk);
        if (offset >= bytes.byteLength) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

async function exchange(
  deps: SendDeps,
  request: Request,
  signal: AbortSignal,
  read: (response: Response, body: AnswerBody) => Outcome,
): Promise<Outcome> {
  try {
    const response = await deps.transport(request, signal);
    return read(response, await readAnswer(response, ANSWER_SIZE_MAX_BYTES));
  } catch (error) {
    return toFailure(toTransportFailure(error, signal), deps, signal);
  }
}

async function toFailure(error: TransportError, deps: SendDeps, signal: AbortSignal): Promise<Outcome> {
  switch (error.phase) {
    case 'connect':
      return { kind: 'no_connection', phase: 'connect', code: error.code };
    case 'tls': {
      // The clock's state matters only here. Querying it can take seconds, and a receipt must not wait for the result.
      const clockSynchronized = await deps.clockSynchronized(signal);
      return { kind: 'no_connection', phase: 'tls', code: error.code, clockSynchronized };
    }
    case 'exchange':
      return error.code === SILENT_CODE ? { kind: 'stalled' } : { kind: 'answer_lost', code: error.code };
    case 'aborted':
      return { kind: 'answer_lost', code: error.code };
    default:
      return error.phase satisfies never;
  }
}

function toOutcome(response: Response, body: AnswerBody, sent: PartToSend, nowWallMs: number): Outcome {
  const { status, headers } = response;
  const answer = recogniseAnswer(toPartAnswer(response, body, sent.centralUrl));
  switch (answer.kind) {
    case 'receipt':
      return checkReceipt(answer, sent, parseAcceptEncoding(headers.get('accept-encoding')));
    case 'refusal': {
      const { errorCode, message } = answer;
      return { kind: 'refused', status, errorCode, message, ...toRetryAfter(headers, nowWallMs) };
    }
    case 'foreign': {
      const { reason, detail } = answer;
      return { kind: 'not_central', reason, status, detail, ...toRetryAfter(headers, nowWallMs) };
    }
    default:
      return answer satisfies never;
  }
}

function toPartAnswer({ status, headers }: Response, body: AnswerBody, centralUrl: string): PartAnswer {
  return {
    status,
    redirectHost: toRedirectHost(headers.get('location'), centralUrl),
    contentType: headers.get('content-type') ?? undefined,
    body: body.kind === 'too_large' ? body : toPartAnswerBody(body.bytes),
  };
}

function toPartAnswerBody(bytes: Uint8Array): PartAnswer['body'] {
  const json = parseJsonBytes(bytes);
  if (json !== undefined) return { kind: 'json', value: json.value };
  return { kind: 'other', start: new TextDecoder('latin1').decode(bytes.subarray(0, 256)) };
}

function checkReceipt(
  { receipt, missing }: Extract<RecognisedAnswer, { kind: 'receipt' }>,
  sent: PartToSend,
  offers: readonly ContentCoding[],
): Outcome {
  const bodySha256 = createHash('sha256').update(sent.body).digest('hex');
  const mismatch = findReceiptMismatch(receipt, { exportId: sent.exportId, part: sent.part, bodySha256 });
  return mismatch === undefined
    ? { kind: 'receipt', receipt, offers, missing }
    : { kind: 'receipt_mismatch', detail: mismatch };
}

/** Interprets a date relative to the answer's own `Date`, or to the boat's clock if the answer has none. */
function toRetryAfter(headers: Headers, nowWallMs: number): { readonly retryAfterMs?: number } {
  const value = headers.get('retry-after');
  if (value === null) return {};
  const theirNow = parseHttpDate(headers.get('date') ?? '') ?? nowWallMs;
  const retryAfterMs = parseRetryAfter(value, theirNow);
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** Returns only the host of a redirect, because the rest of a portal's URL may identify this device. */
function toRedirectHost(location: string | null, base: string): string {
  if (location === null || !URL.canParse(location, base)) return 'nowhere';
  return new URL(location, base).host;
}
