import { gunzipSync } from 'node:zlib';

/** Sends a request to an implementation. */
export type Send = (request: Request) => Promise<Response>;
type Json = Record<string, unknown>;

/** Returns an implementation that answers like `send`, except where `change` returns another response. */
function withAnswers(change: (response: Response, request: Request) => Promise<Response> | Response) {
  return (send: Send): Send =>
    async (request) =>
      change(await send(request.clone()), request);
}

/** Changes the JSON of answers that have this status. */
function withJson(status: number, change: (json: Json, request: Request) => Json) {
  return withAnswers(async (response, request) => {
    const isJson = response.headers.get('Content-Type')?.startsWith('application/json') === true;
    if (response.status !== status || !isJson) return response;
    const json = change((await response.json()) as Json, request);
    return new Response(JSON.stringify(json), { status, headers: response.headers });
  });
}

/** Replaces the answer to each import whose decoded document matches. */
function withImports(matches: (document: string) => boolean, answer: () => Response) {
  return withAnswers(async (response, request) => {
    if (!isImport(request)) return response;
    return matches(await readDocument(request)) ? answer() : response;
  });
}

async function readDocument(request: Request): Promise<string> {
  const body = Buffer.from(await request.arrayBuffer());
  const isGzip =
    request.headers.get('Content-Encoding') === 'gzip' && body.byteLength < DOCUMENT_SIZE_MAX_BYTES;
  return (isGzip ? gunzipSync(body) : body).toString();
}

/** A larger body comes from the check of R25, and no test should decode it. */
const DOCUMENT_SIZE_MAX_BYTES = 10_000;

function withoutHeader(name: string) {
  return withAnswers((response) => {
    response.headers.delete(name);
    return response;
  });
}

/** Changes the status of refusals that have this code, even to 200. */
function withStatus(code: string, status: number) {
  return withAnswers(async (response) => {
    const text = await response.text();
    if (!text.includes(`"${code}"`)) return new Response(text, response);
    return new Response(text, { status, headers: response.headers });
  });
}

/** Makes each import unique, for an implementation that does not recognise repetitions. */
let answers = 0;

const isImport = (request: Request): boolean => request.method === 'POST';

/** Implementations that each have one fault, with the requirements that it breaks. */
export const FAULTY_CENTRALS: Readonly<
  Record<string, { readonly change: (send: Send) => Send; readonly breaks: readonly string[] }>
> = {
  'does not mark a repetition': {
    change: withJson(200, (json) => ('duplicate' in json ? { ...json, duplicate: false } : json)),
    breaks: ['R28'],
  },
  'stores every repetition as another import': {
    change: withJson(200, (json, request) =>
      isImport(request) ? { ...json, import_id: `import_${(answers += 1)}` } : json,
    ),
    breaks: ['R19', 'R28', 'R30'],
  },
  'accepts different content under a known key': {
    change: withStatus('IDEMPOTENCY_CONFLICT', 200),
    breaks: ['R29'],
  },
  'does not compare the Content-Digest': {
    change: (send) => (request) => {
      request.headers.delete('Content-Digest');
      return send(request);
    },
    breaks: ['R21'],
  },
  'returns the digest of the bytes on the wire': {
    change: withJson(200, (json) => ('sha256' in json ? { ...json, sha256: 'a'.repeat(64) } : json)),
    breaks: ['R33'],
  },
  "lets a boat write and read another installation's data": {
    change: withStatus('INSTALLATION_MISMATCH', 200),
    breaks: ['R9', 'R63'],
  },
  'answers 403 to an unknown token': { change: withStatus('INVALID_TOKEN', 403), breaks: ['R7', 'R10'] },
  'reports an oversized body as invalid': { change: withStatus('BODY_TOO_LARGE', 400), breaks: ['R25'] },
  'does not name the required version': {
    change: withJson(400, ({ required_version: _, ...json }) => json),
    breaks: ['R38'],
  },
  'refuses unknown routes without an error body': {
    change: withAnswers((response) => (response.status === 404 ? new Response('gone', response) : response)),
    breaks: ['R38'],
  },
  'drops the other records of a document with an invalid one': {
    change: withJson(200, (json) =>
      Array.isArray(json['rejected_records']) && json['rejected_records'].length > 0
        ? { ...json, records_imported: {} }
        : json,
    ),
    breaks: ['R31'],
  },
  'lets a late export replace newer records': {
    change: withJson(200, (json) =>
      JSON.stringify(json).includes('"version":"new"')
        ? (JSON.parse(JSON.stringify(json).replaceAll('"version":"new"', '"version":"old"')) as Json)
        : json,
    ),
    breaks: ['R32', 'R105'],
  },
  'does not announce its content codings': { change: withoutHeader('Accept-Encoding'), breaks: ['R22'] },
  'sends no Date': { change: withoutHeader('Date'), breaks: ['R51'] },
  'sends no Retry-After': { change: withoutHeader('Retry-After'), breaks: ['R43'] },
  'sends no request ID': { change: withoutHeader('X-Request-Id'), breaks: ['R100'] },
  'has a different service name': {
    change: withJson(200, (json) => ('service' in json ? { ...json, service: 'other' } : json)),
    breaks: ['R49'],
  },
  'has no readiness route': {
    change: withAnswers((response, request) =>
      request.url.endsWith('/ready') ? new Response('{}', { status: 404 }) : response,
    ),
    breaks: ['R99'],
  },
  'lists held parts out of order': {
    change: withJson(200, (json) =>
      Array.isArray(json['parts']) ? { ...json, parts: json['parts'].toReversed() as unknown } : json,
    ),
    breaks: ['R52'],
  },
  'answers 404 for the parts of an export that it does not hold': {
    change: withAnswers((response, request) =>
      request.url.includes('/never_') ? new Response('{}', { status: 404 }) : response,
    ),
    breaks: ['R53'],
  },
  'reports no missing sequences in the status': {
    change: withJson(200, (json) => ('records_synced' in json ? { ...json, missing_sequences: [] } : json)),
    breaks: ['R60'],
  },
  'reports no missing sequences to the boat': {
    change: withJson(200, (json) => ('duplicate' in json ? { ...json, missing_sequences: [] } : json)),
    breaks: ['R87', 'R112'],
  },
  'ignores the reinstatement of a sequence': {
    change: withAnswers(async (response, request) => {
      const isReinstating =
        isImport(request) && (await readDocument(request)).includes('"reinstated_sequences"');
      if (!isReinstating) return response;
      const json = (await response.json()) as Json;
      return new Response(JSON.stringify({ ...json, missing_sequences: [] }), { headers: response.headers });
    }),
    breaks: ['R112'],
  },
  'invents values that only the boat knows': {
    change: withJson(200, (json) => ('pending_records' in json ? { ...json, pending_records: 0 } : json)),
    breaks: ['R61'],
  },
  'accepts a diverged ledger': { change: withStatus('LEDGER_DIVERGED', 200), breaks: ['R73', 'R103'] },
  'accepts another format_version': {
    change: withImports(
      (document) => document.includes('"9.9"'),
      () => new Response('{}'),
    ),
    breaks: ['R12'],
  },
  'refuses documents of legacy exporters': {
    change: withImports(
      (document) => document.includes('"legacy"'),
      () => new Response('{}', { status: 400 }),
    ),
    breaks: ['R13'],
  },
  'reports two parts for a document without `part`': {
    change: withJson(200, (json) => ('duplicate' in json ? { ...json, part: { index: 1, count: 2 } } : json)),
    breaks: ['R14'],
  },
  'trusts a key that contradicts the document': {
    change: withAnswers((response, request) =>
      request.headers.get('Idempotency-Key')?.startsWith('other_') === true ? new Response('{}') : response,
    ),
    breaks: ['R18'],
  },
  'returns no settings': {
    change: withJson(200, (json) =>
      'onboarding' in json && !JSON.stringify(json).includes('"version"')
        ? { ...json, settings: null }
        : json,
    ),
    breaks: ['R62'],
  },
};
