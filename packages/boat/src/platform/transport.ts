import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestPlain,
} from 'node:http';
import { Agent as HttpsAgent, request as requestSecure } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { type Transport, TransportError, type TransportPhase } from './ports.ts';
import { SILENT_CODE, SLOW_CODE } from './transport-answer.ts';
import { type PeerName, watchPeerName } from './transport-peer.ts';
import { type SilenceWatch, watchSilence } from './transport-silence.ts';

/**
 * Combined timeout for name lookup, connection and handshake. A dead IPv6 address takes 5 s before the next address is tried. At
 * 2 s latency the lookup takes 2 s, TCP 2 s and TLS 4 s (docs/spec/delivery.md, "Delivering"). On a working link, this adds up to
 * 13 s.
 */
const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Timeout for connecting to one address before the next is tried. Node's default of 250 ms is shorter than one satellite
 * round trip (docs/spec/delivery.md, "Delivering").
 */
const ADDRESS_ATTEMPT_MS = 5_000;

/** Timeout after which a silent exchange is aborted (docs/spec/protocol.md R3). */
const SILENCE_MS = 30_000;

/** 64 kbit/s, the slowest link that counts as working (docs/spec/delivery.md, "Delivering"). */
const SLOWEST_BYTES_PER_SECOND = 8_000;

/**
 * How long an idle connection is kept. Reusing it saves three round trips between an export's parts. Servers and NATs keep
 * connections longer than this.
 */
const IDLE_MS = 4_000;

/** TCP keep-alive probes would start after this multiple of `idleMs`, but the connection is closed before then. */
const KEEP_ALIVE_PROBE_FACTOR = 10;

/** Prefix of error codes from Node's HTTP parser. */
const PARSER_CODES = 'HPE_';

/** Maximum size of an answer's headers, in bytes. Central's headers are under 1 KB. */
const HEADERS_SIZE_MAX_BYTES = 32 * 1024;

/**
 * Maximum number of informational responses (1xx) before the answer. Servers send one or two (100, 103). Reading an endless
 * series would keep a CPU core busy.
 */
const INFORMATIONAL_MAX = 16;

/** Status codes of answers that have no body (RFC 9110). The Response constructor rejects a body for them. */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];

export interface TransportOptions {
  readonly connectTimeoutMs?: number;
  readonly addressAttemptMs?: number;
  readonly silenceMs?: number;
  readonly slowestBytesPerSecond?: number;
  readonly idleMs?: number;
  /** PEM certificate of the authority to trust instead of the system's certificate authorities. */
  readonly authority?: string;
}

/** The machine's HTTP/1.1 client. It ignores proxies set in environment variables. */
export interface HttpTransport {
  /** See `Transport`. If the caller does not read an answer's body, the answer counts as silent and is aborted. */
  readonly transport: Transport;
  /** Must be called after a network change. Existing connections are no longer reused, but running exchanges continue. */
  reset(): void;
  /** Aborts every exchange (phase `aborted`) and closes every connection. */
  close(): void;
}

type Settings = Required<Omit<TransportOptions, 'authority'>> & Pick<TransportOptions, 'authority'>;

export function createTransport(options: TransportOptions = {}): HttpTransport {
  const settings: Settings = {
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    addressAttemptMs: ADDRESS_ATTEMPT_MS,
    silenceMs: SILENCE_MS,
    slowestBytesPerSecond: SLOWEST_BYTES_PER_SECOND,
    idleMs: IDLE_MS,
    ...options,
  };
  const endings = new Set<(error: TransportError) => void>();
  let connections = openConnections(settings);
  const reset = (): void => {
    const { plain, secure } = connections;
    connections = openConnections(settings);
    for (const agent of [plain, secure]) {
      // A connection in use closes when its exchange ends.
      agent.maxFreeSockets = 0;
      for (const free of Object.values(agent.freeSockets)) for (const socket of free ?? []) socket.destroy();
    }
  };
  return {
    transport: (request, signal) => exchange(request, signal, { settings, connections, endings }),
    reset,
    close: () => {
      reset();
      for (const end of endings) end(new TransportError('aborted', 'CLOSED', 'The transport was closed'));
    },
  };
}

/** Connections opened since the last network change. Idle connections are kept open for the next exchange. */
interface Connections {
  readonly plain: HttpAgent;
  readonly secure: HttpsAgent;
}

function openConnections(settings: Settings): Connections {
  const options = {
    keepAlive: true,
    // Keep-alive probes would start only after an idle connection has been closed, so an idle boat sends no packets.
    keepAliveMsecs: KEEP_ALIVE_PROBE_FACTOR * settings.idleMs,
    timeout: settings.idleMs,
    maxFreeSockets: 1,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: settings.addressAttemptMs,
  };
  const trust = settings.authority === undefined ? {} : { ca: settings.authority };
  // Without this option, Node would not verify certificates if NODE_TLS_REJECT_UNAUTHORIZED is 0 in the environment.
  const secure = new HttpsAgent({ ...options, ...trust, rejectUnauthorized: true });
  return { plain: new HttpAgent(options), secure };
}

interface Exchanging {
  readonly settings: Settings;
  readonly connections: Connections;
  /** Functions that abort the running exchanges. */
  readonly endings: Set<(error: TransportError) => void>;
}

async function exchange(request: Request, signal: AbortSignal, exchanging: Exchanging): Promise<Response> {
  if (signal.aborted) throw toAborted(signal);
  const url = new URL(request.url);
  const isSecure = url.protocol === 'https:';
  const sent = (isSecure ? requestSecure : requestPlain)(url, {
    agent: isSecure ? exchanging.connections.secure : exchanging.connections.plain,
    method: request.method,
    headers: Object.fromEntries(request.headers),
    maxHeaderSize: HEADERS_SIZE_MAX_BYTES,
  });
  const running = supervise(sent, isSecure, signal, exchanging);
  try {
    const answer = await send(sent, request.body, running);
    running.watch.received(0);
    return toResponse(answer, running);
  } catch (error) {
    throw running.fail(error);
  }
}

/** One exchange, up to the end of its answer. It ends once, with `finish` or `fail`. */
interface Running {
  readonly watch: SilenceWatch;
  /** Called when the answer has been read completely. */
  finish(): void;
  /** Ends the exchange and its connection, and returns the error to throw, which is that of the first failure. */
  fail(error: unknown): TransportError;
}

function supervise(
  sent: ClientRequest,
  isSecure: boolean,
  signal: AbortSignal,
  { settings, endings }: Exchanging,
): Running {
  let stage: TransportPhase = 'connect';
  let failure: TransportError | undefined;
  let isOver = false;
  let peer: PeerName | undefined;
  const end = (): boolean => {
    if (isOver) return false;
    isOver = true;
    watch.stop();
    clearTimeout(connecting);
    signal.removeEventListener('abort', abort);
    endings.delete(fail);
    return true;
  };
  const fail = (error: unknown): TransportError => {
    failure ??= error instanceof TransportError ? error : toTransportError(error, stage, peer);
    if (end()) sent.destroy(failure);
    return failure;
  };
  const abort = (): void => {
    fail(toAborted(signal));
  };
  const watch = watchSilence(settings, (cause) => {
    fail(
      cause === 'silent'
        ? new TransportError('exchange', SILENT_CODE, `No data transferred for ${settings.silenceMs} ms`)
        : new TransportError('exchange', SLOW_CODE, 'The answer arrived too slowly'),
    );
  });
  watch.connecting(settings.connectTimeoutMs);
  const connecting = setTimeout(() => {
    fail(new TransportError(stage, 'ETIMEDOUT', `No connection within ${settings.connectTimeoutMs} ms`));
  }, settings.connectTimeoutMs);
  const connected = (): void => {
    clearTimeout(connecting);
    stage = 'exchange';
    watch.connected();
  };
  sent.once('socket', (socket) => {
    if (sent.reusedSocket) connected();
    else if (isSecure) {
      // The HTTPS agent creates only TLS sockets.
      watchPeerName(socket as TLSSocket, sent.host, (name) => {
        peer = name;
      });
      socket.once('connect', () => {
        stage = 'tls';
      });
      socket.once('secureConnect', connected);
    } else socket.once('connect', connected);
  });
  signal.addEventListener('abort', abort, { once: true });
  endings.add(fail);
  return {
    watch,
    finish: () => {
      // The answer may arrive before the whole body has been sent. The rest of the body must not become part of the next
      // exchange.
      if (end() && !sent.writableFinished) sent.destroy();
    },
    fail,
  };
}

/**
 * Sends the body and resolves with the answer's headers, which may arrive before the whole body has been sent. A proxy that
 * refuses a body answers and then closes the connection, so its answer must not be lost when sending the rest fails.
 */
function send(
  sent: ClientRequest,
  body: ReadableStream<Uint8Array> | null,
  running: Running,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let isAnswered = false;
  const failSending = (error: unknown): void => {
    // If the answer also breaks off, reading it will fail.
    if (!isAnswered) reject(running.fail(error));
  };
  let informational = 0;
  const countInformational = (): void => {
    informational += 1;
    if (informational > INFORMATIONAL_MAX)
      failSending(new TransportError('exchange', 'HTTP_INFORMATIONAL', 'Too many informational responses'));
  };
  sent.on('information', countInformational);
  sent.once('response', (answer) => {
    isAnswered = true;
    resolve(answer);
  });
  // `on` instead of `once`, because a later error without a listener would crash the process.
  sent.on('error', failSending);
  sent.once('close', () => failSending(new TransportError('exchange', 'ECONNRESET', 'No answer')));
  if (body === null) sent.end();
  else pipeline(measure(body, running.watch), sent).catch(failSending);
  return promise;
}

async function* measure(body: ReadableStream<Uint8Array>, watch: SilenceWatch): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    watch.sent(chunk.byteLength);
    // If the answer has arrived, stop sending and read it. Writing to a connection that the server has closed would discard it.
    await setImmediate();
    yield chunk;
  }
}

function toResponse(answer: IncomingMessage, running: Running): Response {
  const status = answer.statusCode ?? 0;
  // The Response constructor rejects a status outside this range, and no HTTP server sends one.
  if (status < 200 || status > 599)
    throw new TransportError(
      'exchange',
      'HTTP_STATUS_INVALID',
      `The answer has the invalid status ${status}`,
    );
  const headers = toHeaders(answer.rawHeaders);
  const body = toStream(answer, running);
  if (!BODILESS_STATUSES.includes(status)) return new Response(body, { status, headers });
  void body.cancel();
  return new Response(null, { status, headers });
}

/** Returns the answer's headers, except for values that `Headers` rejects. A captive portal may send any bytes. */
function toHeaders(rawHeaders: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) headers.append(name, value);
  }
  return headers;
}

function toStream(answer: IncomingMessage, running: Running): ReadableStream<Uint8Array> {
  const chunks = answer[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          // Without a text encoding the stream yields Buffers, but its iterator has a more general type.
          const next = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
          if (next.done === true) {
            running.finish();
            controller.close();
            return;
          }
          running.watch.received(next.value.byteLength);
          controller.enqueue(next.value);
        } catch (error) {
          controller.error(running.fail(error));
        }
      },
      cancel: () => {
        running.fail(new TransportError('aborted', 'CANCELLED', 'The caller cancelled reading the answer'));
      },
    },
    { highWaterMark: 0 },
  );
}

function toAborted(signal: AbortSignal): TransportError {
  return new TransportError('aborted', 'ABORTED', 'The exchange was aborted', { cause: signal.reason });
}

function toTransportError(error: unknown, phase: TransportPhase, peer: PeerName | undefined): TransportError {
  // A portal's certificate is for a different name, whether or not its authority is known.
  const code = phase === 'tls' && peer === 'other' && isChainError(error) ? OTHER_NAME_CODE : toCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError(phase, code.startsWith(PARSER_CODES) ? 'HTTP_INVALID' : code, message, {
    cause: error,
  });
}

/** Node's error code for a certificate with a different name. Node checks the name only if the certificate chain is valid. */
const OTHER_NAME_CODE = 'ERR_TLS_CERT_ALTNAME_INVALID';

function isChainError(error: unknown): boolean {
  return /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/.test(toCode(error));
}

function toCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : toCode(error.cause);
}
