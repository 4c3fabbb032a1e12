import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buildConnector, Client, type Dispatcher } from 'undici';
import { type Transport, TransportError, type TransportPhase } from './ports.ts';
import { SILENT_CODE } from './transport-answer.ts';
import { type SilenceLimits, type SilenceWatch, watchSilence } from './transport-silence.ts';

/**
 * Longest wait for name, connection and handshake together. A dead IPv6 address costs 5 s before the next is tried, and at 2 s
 * latency a name takes 2 s, TCP 2 s and TLS 4 s: 13 s on a link that works (spec: delivery; issue: 64 kbit/s with 2 s latency).
 */
const CONNECT_TIMEOUT_MS = 15_000;

/** Longest try of one address before the next: Node's 250 ms is shorter than one round trip by satellite (spec: delivery). */
const ADDRESS_ATTEMPT_MS = 5_000;

/** Longest silence (spec: delivery, Timeouts are by progress). */
const SILENCE_MS = 30_000;

/** 64 kbit/s, the slowest link that counts as working (spec: delivery). */
const SLOWEST_BYTES_PER_SECOND = 8_000;

/** How long an unused connection is kept: between the parts of an export it saves three round trips; servers and NATs keep them longer. */
const IDLE_MS = 4_000;

/** Most bytes of an answer's headers; central's are under 1 KB. */
const HEADERS_SIZE_MAX_BYTES = 32 * 1024;

/** Statuses whose answers have no body (RFC 9110), and for which a Response may be given none. */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];

export interface TransportOptions {
  readonly connectTimeoutMs?: number;
  readonly addressAttemptMs?: number;
  readonly silenceMs?: number;
  readonly slowestBytesPerSecond?: number;
  readonly idleMs?: number;
  /** PEM of an authority to trust instead of the system's. */
  readonly authority?: string;
}

/** The machine's HTTP client. Proxies named in the environment are not used; it speaks HTTP/1.1. */
export interface HttpTransport {
  /** See `Transport`. A body of the answer that is not read falls silent like any other, and is then cut. */
  readonly transport: Transport;
  /** After a change of network: no connection made before is used again. Exchanges under way go on. */
  reset(): void;
  /** Ends every exchange (`aborted`) and connection. */
  close(): void;
}

/** One connection at most, used by one exchange at a time: that is how an exchange knows which socket is its own. */
interface Lane {
  readonly origin: string;
  readonly client: Client;
  readonly generation: number;
  stage: TransportPhase;
  socket: Socket | undefined;
  watch: SilenceWatch | undefined;
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
  const idle = new Map<string, Lane>();
  const endings = new Set<(error: TransportError) => void>();
  let generation = 0;
  const take = (origin: string): Lane => {
    const lane = idle.get(origin);
    idle.delete(origin);
    return lane ?? openLane(origin, generation, settings);
  };
  const giveBack = (lane: Lane): void => {
    if (lane.generation === generation && !lane.client.destroyed && !idle.has(lane.origin))
      idle.set(lane.origin, lane);
    else destroyLane(lane);
  };
  const reset = (): void => {
    generation += 1;
    for (const lane of idle.values()) destroyLane(lane);
    idle.clear();
  };
  return {
    transport: (request, signal) => exchange(request, signal, settings, { take, giveBack, endings }),
    reset,
    close: () => {
      reset();
      for (const end of endings) end(new TransportError('aborted', 'CLOSED', 'The transport was closed'));
    },
  };
}

function openLane(origin: string, generation: number, settings: Settings): Lane {
  const connect = buildConnector({
    timeout: settings.connectTimeoutMs,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: settings.addressAttemptMs,
    allowH2: false,
    ...(settings.authority === undefined ? {} : { ca: settings.authority }),
  });
  const client = new Client(origin, {
    connect: (target, callback) => {
      lane.stage = 'connect';
      lane.watch?.connecting(settings.connectTimeoutMs);
      // Declared to give nothing, it gives the socket; without it the stages below stay `connect`, and nothing else is lost.
      const socket: unknown = connect(target, (...result) => {
        if (result[0] === null) lane.stage = 'exchange';
        lane.watch?.connected();
        callback(...result);
      });
      if (!(socket instanceof Socket)) return;
      lane.socket = socket;
      if (target.protocol === 'https:')
        socket.once('connect', () => {
          if (lane.stage === 'connect') lane.stage = 'tls';
        });
    },
    // Silence is watched here, by bytes: these would count from the last chunk that filled a socket's buffer.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: settings.idleMs,
    keepAliveMaxTimeout: settings.idleMs,
    maxHeaderSize: HEADERS_SIZE_MAX_BYTES,
  });
  const lane: Lane = { origin, client, generation, stage: 'connect', socket: undefined, watch: undefined };
  return lane;
}

function destroyLane(lane: Lane, error?: TransportError): void {
  // Resolves when the socket is closed, which nobody waits for; it does not reject.
  void lane.client.destroy(error ?? null);
  // A connection still being made is not the client's yet.
  lane.socket?.destroy();
}

interface Lanes {
  readonly take: (origin: string) => Lane;
  readonly giveBack: (lane: Lane) => void;
  /** How to end each exchange under way. */
  readonly endings: Set<(error: TransportError) => void>;
}

async function exchange(
  request: Request,
  signal: AbortSignal,
  settings: Settings,
  lanes: Lanes,
): Promise<Response> {
  if (signal.aborted) throw toAborted(signal);
  const { origin, pathname, search } = new URL(request.url);
  const lane = lanes.take(origin);
  const running = supervise(lane, signal, settings, lanes);
  try {
    const answer = await lane.client.request({
      path: `${pathname}${search}`,
      // Undici's list of methods is open in what it does, and closed in its types.
      method: request.method as Dispatcher.HttpMethod,
      headers: Object.fromEntries(request.headers),
      body: request.body === null ? null : Readable.from(measure(request.body, running.watch)),
    });
    running.watch.received();
    return toResponse(answer, running);
  } catch (error) {
    throw running.fail(error);
  }
}

/** One exchange on a lane, until its answer is read: it ends once, by finishing or by failing. */
interface Running {
  readonly watch: SilenceWatch;
  /** The answer was read to its end. */
  finish(): void;
  /** Ends the exchange and its connection, and gives what to throw: the first failure, whatever it caused. */
  fail(error: unknown): TransportError;
}

function supervise(lane: Lane, signal: AbortSignal, limits: SilenceLimits, lanes: Lanes): Running {
  let failure: TransportError | undefined;
  let isOver = false;
  const end = (): boolean => {
    if (isOver) return false;
    isOver = true;
    watch.stop();
    lane.watch = undefined;
    signal.removeEventListener('abort', abort);
    lanes.endings.delete(fail);
    return true;
  };
  const fail = (error: unknown): TransportError => {
    failure ??= error instanceof TransportError ? error : toTransportError(error, lane.stage);
    if (end()) destroyLane(lane, failure);
    return failure;
  };
  const abort = (): void => {
    fail(toAborted(signal));
  };
  const watch = watchSilence(limits, () => {
    fail(new TransportError('exchange', SILENT_CODE, `No byte for ${limits.silenceMs} ms`));
  });
  lane.watch = watch;
  signal.addEventListener('abort', abort, { once: true });
  lanes.endings.add(fail);
  return {
    watch,
    finish: () => {
      if (end()) lanes.giveBack(lane);
    },
    fail,
  };
}

async function* measure(body: ReadableStream<Uint8Array>, watch: SilenceWatch): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    watch.sent(chunk.byteLength);
    yield chunk;
  }
}

function toResponse(answer: Dispatcher.ResponseData, running: Running): Response {
  const status = answer.statusCode;
  // Outside this range there is no Response; no HTTP server gives such a status.
  if (status < 200 || status > 599)
    throw new TransportError('exchange', 'HTTP_STATUS_INVALID', `The answer has the status ${status}`);
  const headers = toHeaders(answer.headers);
  const body = toStream(answer.body, running);
  if (!BODILESS_STATUSES.includes(status)) return new Response(body, { status, headers });
  void body.cancel();
  return new Response(null, { status, headers });
}

/** Headers as the standard has them; a value it cannot hold (a portal may send any bytes) is left out. */
function toHeaders(received: Dispatcher.ResponseData['headers']): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received))
    for (const single of Array.isArray(value) ? value : [value ?? ''])
      if (/^[\t\x20-\x7e\x80-\xff]*$/.test(single)) headers.append(name, single);
  return headers;
}

function toStream(body: Dispatcher.ResponseData['body'], running: Running): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          // Undici's bodies are streams of Buffers; their iterator is typed for any stream.
          const next = (await chunks.next()) as IteratorResult<Uint8Array, undefined>;
          if (next.done === true) {
            running.finish();
            controller.close();
            return;
          }
          running.watch.received();
          controller.enqueue(next.value);
        } catch (error) {
          controller.error(running.fail(error));
        }
      },
      cancel: () => {
        running.fail(new TransportError('aborted', 'CANCELLED', 'The answer was not wanted any more'));
      },
    },
    { highWaterMark: 0 },
  );
}

function toAborted(signal: AbortSignal): TransportError {
  return new TransportError('aborted', 'ABORTED', 'The exchange was aborted', { cause: signal.reason });
}

/** Undici's names, by those the system has or by what they mean. */
const SYSTEM_CODES: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  HTTPParserError: 'HTTP_INVALID',
};

function toTransportError(error: unknown, phase: TransportPhase): TransportError {
  const code = toCode(error);
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError(phase, SYSTEM_CODES[code] ?? code, message, { cause: error });
}

function toCode(error: unknown): string {
  if (!(error instanceof Error)) return 'UNKNOWN';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return error.cause === undefined ? error.name : toCode(error.cause);
}
