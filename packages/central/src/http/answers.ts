import { type CentralError, type CentralErrorCode, CONTENT_CODINGS } from '@d3kos/protocol';

/** How long a boat is asked to stay away when a node is full or its database does not answer: a few imports' time. */
export const RETRY_AFTER_S = 10;

/** What every refusal's HTTP status is (docs/spec/protocol.md R38). */
const STATUS_OF: Readonly<Record<CentralErrorCode, number>> = {
  INVALID_FORMAT: 400,
  INVALID_DIGEST: 400,
  INVALID_TOKEN: 401,
  INSTALLATION_MISMATCH: 403,
  INSTALLATION_DISABLED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  IDEMPOTENCY_CONFLICT: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  TOO_MANY_REQUESTS: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
};

/** The codings boats may use: they learn them from `Accept-Encoding` of any answer (RFC 9110, 12.5.3). */
const ACCEPTED_CODINGS = CONTENT_CODINGS.filter((coding) => coding !== 'identity').join(', ');

/** Headers every answer carries: nothing of it may be cached, sniffed or framed. */
export const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Accept-Encoding': ACCEPTED_CODINGS,
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

/** A JSON answer. */
export function toJsonAnswer(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...headers },
  });
}

/** A refusal in central's one form; the status follows from the code. `facts` are further members of the body. */
export function refuse(
  code: CentralErrorCode,
  message: string,
  facts: { readonly requiredVersion?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const body: CentralError = {
    status: 'error',
    error_code: code,
    message,
    ...(facts.requiredVersion === undefined ? {} : { required_version: facts.requiredVersion }),
  };
  return toJsonAnswer(body, STATUS_OF[code], { ...headersOf(code), ...facts.headers });
}

function headersOf(code: CentralErrorCode): Readonly<Record<string, string>> {
  if (code === 'UNAVAILABLE' || code === 'TOO_MANY_REQUESTS') return { 'Retry-After': String(RETRY_AFTER_S) };
  if (code === 'INVALID_TOKEN') return { 'WWW-Authenticate': 'Bearer realm="d3kos-central"' };
  return {};
}
