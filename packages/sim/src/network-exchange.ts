import { TransportError } from '../../boat/src/platform/ports.ts';
import type { MachineClock, VirtualClock } from './clock.ts';
import type { NetworkConditions } from './network-conditions.ts';
import { type Answer, toBrokenResponse, toRequest, toResponse } from './network-bodies.ts';
import {
  drawFault,
  drawPortalFault,
  type ExchangeFault,
  type Fault,
  gatewayAnswer,
  type LinkState,
  portalAnswer,
} from './network-faults.ts';
import { findProxyRefusal } from './network-proxy.ts';
import type { SimRandom } from './random.ts';
import type { Trace } from './trace.ts';
import { never, type Power } from './power.ts';

/** A server in the simulation: central's real handlers, or a stand-in for another service. */
export interface Server {
  readonly origin: string;
  readonly where: 'boat' | 'internet';
  readonly handler: (request: Request) => Promise<Response>;
}

/** Passes a request to a server and reads the whole answer. */
export type ServerSide = (server: Server, request: Request, bytes: Uint8Array) => Promise<Answer>;

/** A request that the boat is sending, and the network's state when the request began. */
export interface Exchange {
  readonly number: number;
  readonly server: Server | undefined;
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly clock: MachineClock;
  readonly random: SimRandom;
  readonly traffic: { attempts: number; connections: number; sentBytes: number; receivedBytes: number };
  readonly conditions: Readonly<NetworkConditions>;
  readonly link: LinkState;
  /** True if the link has changed since the exchange began, or the server was restarted. */
  isBroken(): boolean;
  readonly send: ServerSide;
  sendLater(delayMs: number, send: () => void): void;
}

/** Time without data after which the boat's transport ends an exchange (docs/spec/delivery.md: 30 s). */
const SILENCE_MAX_MS = 30_000;

/** Timeout for connecting. */
const CONNECT_MAX_MS = 10_000;

/** Maximum delay with which a request may still reach the server after its sender timed out. */
const LATE_MAX_MS = 10 * 60_000;

/** If the length of a request is unknown, a loss occurs within this many bytes. */
const LOST_WITHIN_BYTES = 64 * 1024;

/** Servers handle requests one after another, so that two runs of a seed handle them in the same order. */
export function createServerSide(clock: VirtualClock): ServerSide {
  let last: Promise<unknown> = Promise.resolve();
  return (server, request, bytes) => {
    const answer = last.then(async () => {
      const response = await server.handler(toRequest(request, bytes));
      return toAnswer(response);
    });
    // The next request waits until this one has settled, but only the sender receives a failure.
    last = answer.then(
      () => undefined,
      () => undefined,
    );
    return clock.outside(`${request.method} ${request.url}`, answer);
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  return {
    status: response.status,
    headers: new Headers(response.headers),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

/** Runs an exchange and records its end. The promise never settles if the boat loses power during the exchange. */
export async function runExchange(exchange: Exchange, trace: Trace, power: Power): Promise<Response> {
  const { number, request, signal } = exchange;
  const facts = {
    kind: 'exchange',
    number,
    method: request.method,
    path: new URL(request.url).pathname,
  } as const;
  try {
    const { fault, response } = await run(exchange);
    if (!power.isOn()) return never();
    trace.add({ ...facts, outcome: 'answered', fault, status: response.status });
    return response;
  } catch (error) {
    if (!power.isOn()) return never();
    const failure = signal.aborted ? toAborted(signal) : error;
    trace.add(
      failure instanceof TransportError
        ? { ...facts, outcome: 'failed', phase: failure.phase, code: failure.code }
        : { ...facts, outcome: 'threw', message: String(failure) },
    );
    throw failure;
  }
}

async function run(
  exchange: Exchange,
): Promise<{ readonly fault: ExchangeFault; readonly response: Response }> {
  const { server, signal, traffic, random, conditions } = exchange;
  signal.throwIfAborted();
  if (server?.where === 'boat') {
    const bytes = await sendBody(exchange, Number.POSITIVE_INFINITY);
    return { fault: 'none', response: toResponse(await exchange.send(server, exchange.request, bytes)) };
  }
  traffic.attempts += 1;
  const fault = exchange.link === 'portal' ? drawPortalFault(random) : drawFault(conditions.faults, random);
  await pause(exchange);
  await connect(exchange, fault);
  traffic.connections += 1;
  // `connect` throws if there is no server.
  if (server === undefined) throw new TypeError(`no server at ${exchange.request.url}`);
  const refusal = fault === 'none' ? findProxyRefusal(conditions.proxy, exchange.request) : undefined;
  if (refusal === undefined) return { fault, response: await converse(exchange, server, fault) };
  await sendBody(exchange, Number.POSITIVE_INFINITY);
  if (refusal === 'reset') return fallSilent(exchange, 'lost');
  return { fault: 'proxy_refusal', response: await deliverAnswer(exchange, await toAnswer(refusal)) };
}

/** Opens the connection. Throws a TransportError if the link, the fault or a certificate prevents it. */
async function connect(exchange: Exchange, fault: Fault | 'none'): Promise<void> {
  const { link, server, clock, signal, conditions } = exchange;
  if (link === 'down') throw new TransportError('connect', 'ENETUNREACH', 'no network');
  if (fault === 'dns_failure' || server === undefined)
    throw new TransportError('connect', 'ENOTFOUND', 'host not found');
  if (fault === 'connection_refused')
    throw new TransportError('connect', 'ECONNREFUSED', 'connection refused');
  if (fault === 'connect_timeout') {
    await clock.sleep(CONNECT_MAX_MS, signal);
    throw new TransportError('connect', 'ETIMEDOUT', 'connection timed out');
  }
  if (!server.origin.startsWith('https:')) return;
  if (fault === 'foreign_certificate')
    throw new TransportError('tls', 'ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for another name');
  const wallMs = clock.wall();
  if (wallMs < conditions.certificates.fromMs)
    throw new TransportError('tls', 'CERT_NOT_YET_VALID', 'the certificate is not yet valid');
  if (wallMs > conditions.certificates.untilMs)
    throw new TransportError('tls', 'CERT_HAS_EXPIRED', 'the certificate has expired');
}

/** Sends the request over an open connection and applies the fault drawn for it. */
async function converse(exchange: Exchange, server: Server, fault: Fault | 'none'): Promise<Response> {
  const { request, random, conditions, send } = exchange;
  const lengthBytes = request.headers.get('content-length');
  if (Number(lengthBytes ?? 0) > conditions.carriedBytesMax) {
    await sendBody(exchange, conditions.carriedBytesMax);
    return fallSilent(exchange, 'lost');
  }
  switch (fault) {
    case 'request_lost':
    case 'request_stalled':
      await sendBody(exchange, random.integer(Number(lengthBytes ?? LOST_WITHIN_BYTES)));
      return fallSilent(exchange, fault === 'request_stalled' ? 'stalled' : 'lost');
    case 'request_late': {
      const bytes = await sendBody(exchange, Number.POSITIVE_INFINITY);
      // The boat does not wait for this answer, so a server failure must not reach it.
      exchange.sendLater(SILENCE_MAX_MS + random.integer(LATE_MAX_MS), () => {
        void send(server, request, bytes).catch(() => undefined);
      });
      return fallSilent(exchange, 'stalled');
    }
    case 'portal_page':
    case 'portal_redirect':
    case 'portal_511':
    case 'portal_json':
      await sendBody(exchange, Number.POSITIVE_INFINITY);
      return deliverAnswer(exchange, await toAnswer(portalAnswer(fault)));
    case 'gateway_502':
      await sendBody(exchange, Number.POSITIVE_INFINITY);
      return deliverAnswer(exchange, await toAnswer(gatewayAnswer(502)));
    default: {
      const bytes = await sendBody(exchange, Number.POSITIVE_INFINITY);
      // The last byte reaches the server only if the link did not break.
      if (exchange.isBroken()) return fallSilent(exchange, 'lost');
      if (fault === 'request_doubled') await send(server, request, bytes);
      return returnAnswer(exchange, await send(server, request, bytes), fault);
    }
  }
}

/** Called after the server has handled the request. The fault decides how much of the answer reaches the boat. */
async function returnAnswer(exchange: Exchange, answer: Answer, fault: Fault | 'none'): Promise<Response> {
  const { random } = exchange;
  switch (fault) {
    case 'answer_lost':
      return fallSilent(exchange, 'lost');
    case 'answer_stalled':
      return fallSilent(exchange, 'stalled');
    case 'gateway_504':
      return deliverAnswer(exchange, await toAnswer(gatewayAnswer(504)));
    case 'answer_broken':
      await receive(exchange, answer);
      return toBrokenResponse(answer, random.integer(Math.max(1, answer.bytes.length)));
    case 'answer_short':
      return deliverAnswer(exchange, {
        ...answer,
        bytes: answer.bytes.slice(0, random.integer(answer.bytes.length)),
      });
    default:
      return deliverAnswer(exchange, answer);
  }
}

async function deliverAnswer(exchange: Exchange, answer: Answer): Promise<Response> {
  await receive(exchange, answer);
  if (exchange.isBroken()) return fallSilent(exchange, 'lost');
  return toResponse(answer);
}

async function receive(exchange: Exchange, answer: Answer): Promise<void> {
  exchange.traffic.receivedBytes += answer.bytes.length;
  await pause(exchange);
  await exchange.clock.sleep(toTransferMs(exchange, answer.bytes.length), exchange.signal);
}

/** Called when the connection stops transferring bytes. Either the connection breaks, or the boat times out. */
async function fallSilent(exchange: Exchange, how: 'lost' | 'stalled'): Promise<never> {
  if (how === 'lost') {
    await pause(exchange);
    throw new TransportError('exchange', 'ECONNRESET', 'the connection was reset');
  }
  await exchange.clock.sleep(SILENCE_MAX_MS, exchange.signal);
  throw new TransportError('exchange', 'SILENT', 'no byte arrived in time');
}

/** Sends the request's body at the link's speed, up to `untilBytes`. Later bytes never leave the boat. */
async function sendBody(exchange: Exchange, untilBytes: number): Promise<Uint8Array> {
  const { request, clock, signal, traffic, server } = exchange;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  // A body that is waiting for the disk must not delay an abort.
  const stop = (): void => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (sizeBytes < untilBytes) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      // Bodies are streams of bytes, although the type of `Request.body` does not say so.
      const chunk = value as Uint8Array;
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (server?.where === 'boat') continue;
      traffic.sentBytes += Math.min(chunk.length, untilBytes - (sizeBytes - chunk.length));
      await clock.sleep(toTransferMs(exchange, chunk.length), signal);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    if (sizeBytes >= untilBytes) await reader.cancel().catch(() => undefined);
  }
  return Buffer.concat(chunks);
}

function toTransferMs(exchange: Exchange, sizeBytes: number): number {
  return (sizeBytes / exchange.conditions.bytesPerSecond) * 1_000;
}

async function pause({ clock, random, conditions, signal }: Exchange): Promise<void> {
  await clock.sleep(random.fraction() * conditions.latencyMaxMs, signal);
}

function toAborted(signal: AbortSignal): TransportError {
  return new TransportError('aborted', 'ABORTED', 'the exchange was aborted', { cause: signal.reason });
}
