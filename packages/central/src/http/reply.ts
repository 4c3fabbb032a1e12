import { type CentralError, CONTENT_CODINGS, FORMAT_VERSION } from '@d3kos/protocol';
import type { AdmissionRefusal } from '../admission/policy.ts';
import { type AnswerOf, type RefusalOf, type RouteId, ROUTES } from '../api/contract.ts';
import { ADMISSION_REFUSALS, REFUSALS, type Refusal } from '../api/refusals.ts';

type Headers = Readonly<Record<string, string>>;

/** A handler's result: an answer that matches the route's schema, or one of the refusals that the route lists. */
export type Reply<Id extends RouteId> = Answered<Id> | StreamedOf<Id> | Refused<RefusalOf<Id>>;

/** Only these routes stream their answer. */
type StreamedOf<Id extends RouteId> = Id extends 'exportInstallation' ? Streamed : never;

export interface Answered<Id extends RouteId> {
  readonly kind: 'answered';
  readonly body: AnswerOf<Id>;
  readonly headers: Headers;
}

/** An answer that is sent while it is being produced. */
export interface Streamed {
  readonly kind: 'streamed';
  readonly bytes: ReadableStream<Uint8Array>;
  readonly headers: Headers;
}

export interface Refused<R extends Refusal> {
  readonly kind: 'refused';
  readonly refusal: R;
  readonly message: string;
  readonly headers: Headers;
}

/** Returns an answer that matches the route's schema. */
export function answer<Id extends RouteId>(body: AnswerOf<Id>, headers: Headers = {}): Answered<Id> {
  return { kind: 'answered', body, headers };
}

/** A refusal. Its status follows from the contract. */
export function refuse<R extends Refusal>(refusal: R, message: string, headers: Headers = {}): Refused<R> {
  return { kind: 'refused', refusal, message, headers };
}

/** Returns the refusal of a request that exceeds a limit of `admission/policy.ts`. */
export function refuseAdmission(kind: AdmissionRefusal): Refused<'TOO_MANY_REQUESTS' | 'UNAVAILABLE'> {
  const { refusal, message } = ADMISSION_REFUSALS[kind];
  return refuse(refusal, message);
}

/**
 * Headers of every answer. Answers must not be cached, and browsers must not guess their type. R22: "Central MUST list the
 * content codings that it accepts in the `Accept-Encoding` header of every answer."
 */
export const COMMON_HEADERS: Headers = {
  'Accept-Encoding': CONTENT_CODINGS.filter((coding) => coding !== 'identity').join(', '),
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

/** Maximum length of an answer that fits into a connection's buffers, so that a receiver cannot delay it. */
const BUFFERED_ANSWER_LENGTH_MAX = 16_384;

/**
 * Converts a reply to an HTTP response. `onSent` is called once the connection has accepted the complete answer or is closed. An
 * answer that a client does not read occupies memory, so its request stays in progress.
 */
export function toResponse<Id extends RouteId>(id: Id, reply: Reply<Id>, onSent: () => void): Response {
  if (reply.kind === 'refused') {
    onSent();
    return toRefusalResponse(reply);
  }
  const { contentType } = ROUTES[id].answer;
  if (reply.kind === 'streamed') {
    onSent();
    return new Response(reply.bytes, { headers: { 'Content-Type': contentType, ...reply.headers } });
  }
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
  const headers = { 'Content-Type': contentType, ...reply.headers };
  if (text.length > BUFFERED_ANSWER_LENGTH_MAX) return new Response(toStream(text, onSent), { headers });
  onSent();
  return new Response(text, { headers });
}

function toStream(text: string, onSent: () => void): ReadableStream<Uint8Array> {
  let bytes: Uint8Array | undefined = new TextEncoder().encode(text);
  return new ReadableStream(
    {
      pull(controller) {
        // The second pull comes only after the connection has accepted the bytes of the first.
        if (bytes === undefined) {
          controller.close();
          onSent();
        } else controller.enqueue(bytes);
        bytes = undefined;
      },
      cancel: onSent,
    },
    { highWaterMark: 0 },
  );
}

/**
 * Converts a refusal to an HTTP response. R38: "A refusal by central MUST have the form
 * `{"status":"error","error_code":…,"message":…}`, with `required_version` if the code is `INVALID_FORMAT`."
 */
export function toRefusalResponse({ refusal, message, headers }: Refused<Refusal>): Response {
  const { status, code } = REFUSALS[refusal];
  const body: CentralError = {
    status: 'error',
    error_code: code,
    message,
    ...(code === 'INVALID_FORMAT' ? { required_version: FORMAT_VERSION } : {}),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ...toRefusalHeaders(status),
      ...headers,
    },
  });
}

/** `return-times.ts` adds `Retry-After` to 429 and 503, because it depends on the node's load. */
function toRefusalHeaders(status: number): Headers {
  return status === 401 ? { 'WWW-Authenticate': 'Bearer realm="d3kos-central"' } : {};
}
