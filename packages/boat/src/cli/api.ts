import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  type Answer,
  ErrorSchema,
  type Input,
  type JsonRouteName,
  type RouteName,
  ROUTES,
  toRequestPath,
} from '../api/index.ts';
import { EXPORT_ERROR_CODES, ExportError, type ExportErrorCode } from '../platform/errors.ts';
import type { Transport, TransportError } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';

/** Maximum size of an answer, in bytes. A queue or history of 10,000 entries is about 6 MB. */
const ANSWER_SIZE_MAX_BYTES = 64 * 1024 * 1024;

/** An answer, both as received (for `--json`) and parsed to its contract type. */
export interface ApiAnswer<N extends JsonRouteName> {
  readonly raw: unknown;
  readonly value: Answer<N>;
}

/** A file that is read while it is being downloaded. */
export interface Download {
  /** The file name from the answer, or an empty string if the answer has none. */
  readonly name: string;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** A client for the running export manager's HTTP API. The transport limits how long the server may be silent. */
export interface Api {
  /** For example `http://127.0.0.1:8094`. */
  readonly url: string;
  /**
   * Sends a request and reads the answer. Throws the export manager's error with its code, message and hint, or
   * DAEMON_UNREACHABLE if there is no answer or a different program answers. Rejects with the signal's reason when aborted.
   */
  call<N extends JsonRouteName>(name: N, input?: Partial<Input<N>>): Promise<ApiAnswer<N>>;
  /**
   * Downloads a file. Returns undefined for an empty answer. Throws the same errors as `call`. Reading the chunks throws
   * DAEMON_UNREACHABLE if the connection breaks.
   */
  download<N extends 'bundle'>(name: N, input: Partial<Input<N>>): Promise<Download | undefined>;
}

/** A request and its description for error messages. */
interface ApiRequest {
  readonly op: string;
  readonly request: Request;
}

export function createApi(transport: Transport, url: string, signal: AbortSignal): Api {
  /** Runs one step of an exchange and converts transport errors. */
  const step = async <T>(op: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw toUnreachable(url, op, toTransportFailure(error, signal));
    }
  };
  const send = ({ op, request }: ApiRequest): Promise<Response> => step(op, () => transport(request, signal));
  const readJson = (op: string, response: Response): Promise<unknown> =>
    step(op, async () => {
      const body = await readAnswer(response, ANSWER_SIZE_MAX_BYTES);
      return body.kind === 'whole' ? parseJsonBytes(body.bytes)?.value : undefined;
    });
  const toFailure = async (op: string, response: Response, raw: unknown): Promise<ExportError> =>
    isErrorAnswer(raw) ? toRefusal(raw, op) : toForeignAnswer(url, op, response.status);
  return {
    url,
    async call(name, input) {
      const request = toRequest(url, name, input);
      const response = await send(request);
      const raw = await readJson(request.op, response);
      if (response.status === 200 && isAnswer(name, raw)) return { raw, value: raw };
      throw await toFailure(request.op, response, raw);
    },
    async download(name, input) {
      const request = toRequest(url, name, input);
      const response = await send(request);
      if (response.status === 204) return undefined;
      const isFile = response.headers.get('content-type') === ROUTES[name].answer.mediaType;
      if (response.status === 200 && isFile)
        return {
          name: /filename="([^"]*)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? '',
          pieces: readPieces(response, (read) => step(request.op, read)),
        };
      throw await toFailure(request.op, response, await readJson(request.op, response));
    },
  };
}

function toRequest<N extends RouteName>(url: string, name: N, input: Partial<Input<N>> = {}): ApiRequest {
  const route = ROUTES[name];
  const path = toRequestPath(route, input.params, input.query);
  return {
    op: `${route.method} ${path}`,
    request: new Request(`${url}${path}`, {
      method: route.method,
      redirect: 'manual',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
    }),
  };
}

/** Returns true if the value matches the route's answer schema. Extra keys from a later export manager are allowed. */
export function isAnswer<N extends JsonRouteName>(name: N, value: unknown): value is Answer<N> {
  return Compile(ROUTES[name].answer.schema).Check(value);
}

function isErrorAnswer(value: unknown): value is Static<typeof ErrorSchema> {
  return Compile(ErrorSchema).Check(value);
}

async function* readPieces(
  response: Response,
  step: <T>(read: () => Promise<T>) => Promise<T>,
): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await step(() => reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    // Releases the connection if the reader stops early, for example because the USB drive is full.
    await reader.cancel().catch(() => undefined);
  }
}

function toRefusal({ error, code, hint }: Static<typeof ErrorSchema>, op: string): ExportError {
  return new ExportError(toKnownCode(code), error, { op, hint });
}

/** Returns INTERNAL for a code that this version does not know. The export manager's message is kept. */
function toKnownCode(code: string): ExportErrorCode {
  return EXPORT_ERROR_CODES.find((known) => known === code) ?? 'INTERNAL';
}

function toForeignAnswer(url: string, op: string, status: number): ExportError {
  return new ExportError(
    'DAEMON_UNREACHABLE',
    `The program at ${url} is not an export manager of this version (HTTP ${status})`,
    {
      op,
      hint: 'Find out which program uses the port (ss -ltnp), and check that EXPORT_PORT is the same for the service and this command.',
    },
  );
}

function toUnreachable(url: string, op: string, cause: TransportError): ExportError {
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
  return new ExportError('DAEMON_UNREACHABLE', `The export manager's answer was lost (${cause.code})`, {
    op,
    hint: 'The request may have been carried out. Check with d3kos-export status and journalctl -u d3kos-export-manager.service.',
    cause,
  });
}
