import { EXPORT_ERROR_CODES, ExportError, type ExportErrorCode } from '../platform/errors.ts';
import type { Transport, TransportError } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';
import { errorAnswer, healthAnswer } from './api-answers.ts';

/** Largest answer that is read: a queue or history of 10,000 entries is about 6 MB, a preview's samples a few records. */
const ANSWER_SIZE_MAX_BYTES = 64 * 1024 * 1024;

/** Recognises one kind of answer. */
export interface AnswerShape<T> {
  Check(value: unknown): value is T;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** With its query; from the root. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>;
}

/** An answer: as it came, for `--json`, and what of it is known. */
export interface ApiAnswer<T> {
  readonly raw: unknown;
  readonly value: T;
}

/** A file that is read while it arrives. */
export interface Download {
  /** The name the answer gives it; '' where it gives none. */
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** The running export manager, asked over its HTTP API. How long an answer may stay silent is the transport's to say. */
export interface Api {
  /** `http://127.0.0.1:8094`. */
  readonly url: string;
  /**
   * One exchange. Throws what the export manager refused with (its code, message and hint), or DAEMON_UNREACHABLE where
   * nobody answers or somebody else does. Rejects with the signal's reason when aborted.
   */
  call<T>(request: ApiRequest, shape: AnswerShape<T>): Promise<ApiAnswer<T>>;
  /**
   * A file as the answer, undefined where the answer is that there is nothing. Throws as `call`; the pieces throw
   * DAEMON_UNREACHABLE where the answer breaks off.
   */
  download(request: ApiRequest): Promise<Download | undefined>;
  /** Throws DAEMON_UNREACHABLE unless the export manager itself answers: a process that runs is not yet one that answers. */
  checkHealth(): Promise<void>;
}

export function createApi(transport: Transport, url: string, signal: AbortSignal): Api {
  /** Runs a step of an exchange and tells a lost link as DAEMON_UNREACHABLE. */
  const told = async <T>(request: ApiRequest, step: () => Promise<T>): Promise<T> => {
    try {
      return await step();
    } catch (error) {
      throw unreachable(url, request, toTransportFailure(error, signal));
    }
  };
  const send = (request: ApiRequest): Promise<Response> =>
    told(request, () =>
      transport(
        new Request(`${url}${request.path}`, {
          method: request.method,
          redirect: 'manual',
          headers: { accept: 'application/json', 'content-type': 'application/json' },
          ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        }),
        signal,
      ),
    );
  const readJson = (request: ApiRequest, response: Response): Promise<unknown> =>
    told(request, async () => {
      const body = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
      return body.kind === 'whole' ? parseJsonBytes(body.bytes)?.value : undefined;
    });
  const stranger = (request: ApiRequest, status: number): ExportError =>
    new ExportError(
      'DAEMON_UNREACHABLE',
      `What answers at ${url} is not the export manager of this version (HTTP ${status})`,
      {
        op: `${request.method} ${request.path}`,
        hint: 'See which program has the port (ss -ltnp), and whether EXPORT_PORT is the same for both.',
      },
    );

  const call: Api['call'] = async (request, shape) => {
    const response = await send(request);
    const raw = await readJson(request, response);
    if (errorAnswer.Check(raw)) throw toRefusal(raw, request);
    if (response.status === 200 && shape.Check(raw)) return { raw, value: raw };
    throw stranger(request, response.status);
  };
  return {
    url,
    call,
    async download(request) {
      const response = await send(request);
      if (response.status === 204) return undefined;
      const isFile = response.headers.get('content-type') === 'application/octet-stream';
      if (response.status === 200 && isFile)
        return {
          name: /filename="([^"]*)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? '',
          pieces: toPieces(response, (step) => told(request, step)),
        };
      const raw = await readJson(request, response);
      throw errorAnswer.Check(raw) ? toRefusal(raw, request) : stranger(request, response.status);
    },
    async checkHealth() {
      await call({ method: 'GET', path: '/health' }, healthAnswer);
    },
  };
}

async function* toPieces(
  response: Response,
  told: <T>(step: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await told(() => reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Whoever stops early, on a full stick, lets the connection go.
    await reader.cancel().catch(() => undefined);
  }
}

function toRefusal(
  answer: { readonly error: string; readonly code: string; readonly hint?: string },
  request: ApiRequest,
): ExportError {
  return new ExportError(toKnownCode(answer.code), answer.error, {
    op: `${request.method} ${request.path}`,
    hint: answer.hint ?? 'See its journal: journalctl -u d3kos-export-manager.service.',
  });
}

/** A code this version does not know is told as INTERNAL; the message is the export manager's own. */
function toKnownCode(code: string): ExportErrorCode {
  return EXPORT_ERROR_CODES.find((known) => known === code) ?? 'INTERNAL';
}

function unreachable(url: string, request: ApiRequest, cause: TransportError): ExportError {
  const op = `${request.method} ${request.path}`;
  if (cause.phase === 'connect')
    return new ExportError(
      'DAEMON_UNREACHABLE',
      `The export manager does not answer at ${url} (${cause.code})`,
      {
        op,
        hint: 'Start it: sudo systemctl start d3kos-export-manager.service, or d3kos-export serve.',
        cause,
      },
    );
  return new ExportError('DAEMON_UNREACHABLE', `The answer of the export manager was lost (${cause.code})`, {
    op,
    hint: 'It may have done what was asked: see d3kos-export status, and journalctl -u d3kos-export-manager.service.',
    cause,
  });
}
