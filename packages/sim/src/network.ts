import { type Network, type Transport, TransportError } from '../../boat/src/platform/ports.ts';
import type { MachineClock, VirtualClock } from './clock.ts';
import {
  drawFault,
  type Fault,
  type FaultProbabilities,
  gatewayAnswer,
  portalAnswer,
} from './network-faults.ts';
import type { SimRandom } from './random.ts';
import type { Trace } from './trace.ts';
import { never, type Power } from './power.ts';

/** A server of the simulation: central's real handler, or a stand-in. */
export type Handler = (request: Request) => Promise<Response>;

/** What the boat's link is: `portal` has a network whose every answer is the portal's. */
export type LinkState = 'up' | 'down' | 'portal';

/** How many bytes and connections left the boat, to others than itself. */
export interface Traffic {
  /** Exchanges begun: names looked up or connections opened. 0 is what tier 0 must leave. */
  readonly attempts: number;
  /** Connections that came about. */
  readonly connections: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** A TLS certificate's validity, on the true clock. */
export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface SimNetworkOptions {
  readonly clock: VirtualClock;
  readonly random: SimRandom;
  readonly trace: Trace;
}

/** The network between one boat and the servers. It outlives the boots of the boat. */
export interface SimNetwork {
  /** Puts a server at an origin (`https://central.example`). Servers on the boat itself never fail by the network. */
  serve(origin: string, where: 'boat' | 'internet', handler: Handler): void;
  /** The boat's side, for one boot. */
  boot(clock: MachineClock, power: Power): { readonly transport: Transport; readonly network: Network };
  setLink(state: LinkState): void;
  /** Every connection there is breaks, as where a server is started anew. */
  breakConnections(): void;
  link(): LinkState;
  traffic(): Traffic;
  /** Chances from the next exchange on. */
  faults: FaultProbabilities;
  /** Whether the connection in use costs by the byte. */
  isMetered: boolean;
  /** Speed of the link in both directions; 8,000 is the 64 kbit/s that has to work. */
  bytesPerSecond: number;
  /** A request with a larger body is cut off once this much of it is sent. */
  carriedBytesMax: number;
  /** Longest time one way, without the bytes' own. */
  latencyMaxMs: number;
  /** Validity of the servers' certificates: a boat whose clock is outside of it trusts none. */
  certificates: Validity;
}

/** Silence after which the boat's transport gives up (delivery.md: no byte for 30 s). */
const SILENCE_MAX_MS = 30_000;

/** Time after which a connection that does not come about is given up. */
const CONNECT_MAX_MS = 10_000;

/** Longest that a request whose sender gave up is still on its way. */
const LATE_MAX_MS = 10 * 60_000;

/** A network without faults, until told otherwise. */
export function createSimNetwork({ clock, random, trace }: SimNetworkOptions): SimNetwork {
  const servers = new Map<string, Server>();
  const waiting = new Set<() => void>();
  let link: LinkState = 'up';
  let breaks = 0;
  let exchanges = 0;
  const traffic = { attempts: 0, connections: 0, sentBytes: 0, receivedBytes: 0 };
  const ask = createServerSide(clock);

  const network: SimNetwork = {
    faults: {},
    isMetered: false,
    bytesPerSecond: 1_000_000,
    carriedBytesMax: Number.POSITIVE_INFINITY,
    latencyMaxMs: 200,
    certificates: { fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY },
    serve: (origin, where, handler) => {
      servers.set(origin, { origin, where, handler });
    },
    setLink: (state) => {
      if (state === link) return;
      link = state;
      breaks += 1;
      trace.add(`link ${state}`);
      for (const wake of [...waiting]) wake();
    },
    link: () => link,
    breakConnections: () => {
      breaks += 1;
      trace.add('all connections break');
    },
    traffic: () => ({ ...traffic }),
    boot: (machineClock, power) => ({
      transport: async (request, signal) => {
        if (!power.isOn()) return never();
        exchanges += 1;
        const server = servers.get(new URL(request.url).origin);
        const begunAt = breaks;
        const exchange: Exchange = {
          isBroken: () => breaks !== begunAt,
          number: exchanges,
          server,
          request,
          signal,
          clock: machineClock,
          random: random.fork(`exchange ${exchanges}`),
          traffic,
          network,
          link,
          ask,
          late: (atMs, fire) => void clock.at(atMs, fire),
          nowMs: clock.now,
        };
        return told(exchange, trace, power);
      },
      network: {
        isMetered: async () => network.isMetered,
        changed: (signal) =>
          new Promise((resolve, reject) => {
            if (!power.isOn()) return;
            if (signal.aborted) return reject(signal.reason);
            const end = () => {
              waiting.delete(wake);
              signal.removeEventListener('abort', abort);
            };
            const abort = () => {
              end();
              if (power.isOn()) reject(signal.reason);
            };
            const wake = () => {
              end();
              if (power.isOn()) resolve();
            };
            waiting.add(wake);
            signal.addEventListener('abort', abort, { once: true });
          }),
      },
    }),
  };
  return network;
}

interface Server {
  readonly origin: string;
  readonly where: 'boat' | 'internet';
  readonly handler: Handler;
}

interface Exchange {
  readonly number: number;
  readonly server: Server | undefined;
  readonly request: Request;
  readonly signal: AbortSignal;
  readonly clock: MachineClock;
  readonly random: SimRandom;
  readonly traffic: { attempts: number; connections: number; sentBytes: number; receivedBytes: number };
  readonly network: SimNetwork;
  readonly link: LinkState;
  /** The link changed since, or the server was started anew. */
  isBroken(): boolean;
  readonly ask: ServerSide;
  late(atMs: number, fire: () => void): void;
  nowMs(): number;
}

/** An answer with its body read, so that it can be cut or counted. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Servers take requests one after another, so that two runs of a seed see them in one order. */
type ServerSide = (server: Server, request: Request, bytes: Uint8Array) => Promise<Answer>;

function createServerSide(clock: VirtualClock): ServerSide {
  let last: Promise<unknown> = Promise.resolve();
  return (server, request, bytes) => {
    const turn = last.then(async () => {
      const answer = await server.handler(copyOf(request, bytes));
      return toAnswer(answer);
    });
    // The next request waits for this one's end, however it ends; its failure goes to its sender.
    last = turn.then(
      () => undefined,
      () => undefined,
    );
    return clock.outside(`${request.method} ${request.url}`, turn);
  };
}

function copyOf(request: Request, bytes: Uint8Array): Request {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    // A fresh copy: the handler may keep or detach it. Uint8Array over ArrayBuffer, which `slice` makes.
    body: hasBody ? (bytes.slice() as Uint8Array<ArrayBuffer>) : null,
  });
}

async function toAnswer(response: Response): Promise<Answer> {
  return {
    status: response.status,
    headers: new Headers(response.headers),
    bytes: new Uint8Array(await response.arrayBuffer()),
  };
}

/** Runs one exchange, tells the trace of it, and ends it never when the boat has lost its power meanwhile. */
async function told(exchange: Exchange, trace: Trace, power: Power): Promise<Response> {
  const { number, request } = exchange;
  const name = `net ${number} ${request.method} ${new URL(request.url).pathname}`;
  try {
    const { fault, response } = await run(exchange);
    if (!power.isOn()) return never();
    trace.add(`${name} ${fault} ${response.status}`);
    return response;
  } catch (error) {
    if (!power.isOn()) return never();
    const failure = exchange.signal.aborted ? abortedBy(exchange.signal) : error;
    trace.add(
      `${name} ${failure instanceof TransportError ? `${failure.phase} ${failure.code}` : String(failure)}`,
    );
    throw failure;
  }
}

interface Ended {
  readonly fault: Fault | 'none';
  readonly response: Response;
}

async function run(exchange: Exchange): Promise<Ended> {
  const { server, signal, traffic, random } = exchange;
  signal.throwIfAborted();
  if (server?.where === 'boat') {
    const answer = await exchange.ask(
      server,
      exchange.request,
      await readBody(exchange, Number.POSITIVE_INFINITY),
    );
    return { fault: 'none', response: whole(answer) };
  }
  traffic.attempts += 1;
  const fault = exchange.link === 'portal' ? portalFault(random) : drawFault(exchange.network.faults, random);
  await pause(exchange);
  await connect(exchange, fault);
  traffic.connections += 1;
  // `connect` throws where there is no server.
  if (server === undefined) throw new TypeError(`no server at ${exchange.request.url}`);
  return { fault, response: await converse(exchange, server, fault) };
}

/** Brings the connection about, or throws what stands in its way. */
async function connect(exchange: Exchange, fault: Fault | 'none'): Promise<void> {
  const { link, server, clock, signal, network } = exchange;
  if (link === 'down') throw new TransportError('connect', 'ENETUNREACH', 'no network');
  if (fault === 'dns_failure' || server === undefined)
    throw new TransportError('connect', 'ENOTFOUND', 'the name is not known');
  if (fault === 'connection_refused')
    throw new TransportError('connect', 'ECONNREFUSED', 'connection refused');
  if (fault === 'connect_timeout') {
    await clock.sleep(CONNECT_MAX_MS, signal);
    throw new TransportError('connect', 'ETIMEDOUT', 'no connection in time');
  }
  if (!server.origin.startsWith('https:')) return;
  if (fault === 'foreign_certificate')
    throw new TransportError('tls', 'ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for another name');
  const wallMs = clock.wall();
  if (wallMs < network.certificates.fromMs)
    throw new TransportError('tls', 'CERT_NOT_YET_VALID', 'the certificate is not yet valid');
  if (wallMs > network.certificates.untilMs)
    throw new TransportError('tls', 'CERT_HAS_EXPIRED', 'the certificate has expired');
}

/** The exchange on a connection, with the fault it was dealt. */
async function converse(exchange: Exchange, server: Server, fault: Fault | 'none'): Promise<Response> {
  const { request, random, network, ask } = exchange;
  if (Number(request.headers.get('content-length') ?? 0) > network.carriedBytesMax) {
    await readBody(exchange, network.carriedBytesMax);
    return silence(exchange, 'lost');
  }
  switch (fault) {
    case 'request_lost':
    case 'request_stalled':
      await readBody(
        exchange,
        random.integer(Number(request.headers.get('content-length') ?? LOST_WITHIN_BYTES)),
      );
      return silence(exchange, fault === 'request_stalled' ? 'stalled' : 'lost');
    case 'request_late': {
      const bytes = await readBody(exchange, Number.POSITIVE_INFINITY);
      const atMs = exchange.nowMs() + SILENCE_MAX_MS + random.integer(LATE_MAX_MS);
      // Nobody waits for this answer; the server's own failure is not the boat's.
      exchange.late(atMs, () => void ask(server, request, bytes).catch(() => undefined));
      return silence(exchange, 'stalled');
    }
    case 'portal_page':
    case 'portal_redirect':
    case 'portal_511':
    case 'portal_json':
      await readBody(exchange, Number.POSITIVE_INFINITY);
      return answered(exchange, await toAnswer(portalAnswer(fault)));
    case 'gateway_502':
      await readBody(exchange, Number.POSITIVE_INFINITY);
      return answered(exchange, await toAnswer(gatewayAnswer(502)));
    default: {
      const bytes = await readBody(exchange, Number.POSITIVE_INFINITY);
      // The last byte reaches the server only while there is a link.
      if (exchange.isBroken()) return silence(exchange, 'lost');
      if (fault === 'request_doubled') await ask(server, request, bytes);
      return afterWork(exchange, await ask(server, request, bytes), fault);
    }
  }
}

/** Where in a request of unknown length a loss falls. */
const LOST_WITHIN_BYTES = 64 * 1024;

/** The server has done its work; what the boat learns of it. */
async function afterWork(exchange: Exchange, answer: Answer, fault: Fault | 'none'): Promise<Response> {
  const { random } = exchange;
  switch (fault) {
    case 'answer_lost':
      return silence(exchange, 'lost');
    case 'answer_stalled':
      return silence(exchange, 'stalled');
    case 'gateway_504':
      return answered(exchange, await toAnswer(gatewayAnswer(504)));
    case 'answer_broken':
      await receive(exchange, answer);
      return broken(answer, random.integer(Math.max(1, answer.bytes.length)));
    case 'answer_short':
      return answered(exchange, {
        ...answer,
        bytes: answer.bytes.slice(0, random.integer(answer.bytes.length)),
      });
    default:
      return answered(exchange, answer);
  }
}

async function answered(exchange: Exchange, answer: Answer): Promise<Response> {
  await receive(exchange, answer);
  if (exchange.isBroken()) return silence(exchange, 'lost');
  return whole(answer);
}

async function receive(exchange: Exchange, answer: Answer): Promise<void> {
  exchange.traffic.receivedBytes += answer.bytes.length;
  await pause(exchange);
  await exchange.clock.sleep(timeOf(exchange, answer.bytes.length), exchange.signal);
}

/** The connection says nothing more: it breaks, or the boat gives up after its silence. */
async function silence(exchange: Exchange, how: 'lost' | 'stalled'): Promise<never> {
  if (how === 'lost') {
    await pause(exchange);
    throw new TransportError('exchange', 'ECONNRESET', 'the connection broke');
  }
  await exchange.clock.sleep(SILENCE_MAX_MS, exchange.signal);
  throw new TransportError('exchange', 'SILENT', 'no byte in time');
}

/** Reads the request's body at the speed of the link, up to `untilBytes`; what is beyond never leaves the boat. */
async function readBody(exchange: Exchange, untilBytes: number): Promise<Uint8Array> {
  const { request, clock, signal, traffic, server } = exchange;
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  // A body that waits for its own disk must not hold up an abort.
  const stop = () => void reader.cancel(signal.reason).catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (sizeBytes < untilBytes) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) break;
      // Bodies are streams of bytes; the type of `Request.body` does not say so.
      const chunk = value as Uint8Array;
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (server?.where === 'boat') continue;
      traffic.sentBytes += Math.min(chunk.length, untilBytes - (sizeBytes - chunk.length));
      await clock.sleep(timeOf(exchange, chunk.length), signal);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    if (sizeBytes >= untilBytes) await reader.cancel().catch(() => undefined);
  }
  return Buffer.concat(chunks);
}

function timeOf(exchange: Exchange, sizeBytes: number): number {
  return (sizeBytes / exchange.network.bytesPerSecond) * 1_000;
}

async function pause(exchange: Exchange): Promise<void> {
  await exchange.clock.sleep(exchange.random.fraction() * exchange.network.latencyMaxMs, exchange.signal);
}

function portalFault(random: SimRandom): Fault {
  return random.pick([
    'portal_page',
    'portal_redirect',
    'portal_511',
    'portal_json',
    'foreign_certificate',
  ] as const);
}

/** Statuses whose answers have no body. */
const EMPTY_STATUSES = new Set([204, 205, 304]);

function whole({ status, headers, bytes }: Answer): Response {
  // `slice` makes an own ArrayBuffer, which is what a body may be.
  const body = EMPTY_STATUSES.has(status) ? null : (bytes.slice() as Uint8Array<ArrayBuffer>);
  return new Response(body, { status, headers });
}

/** An answer whose connection breaks within the body. */
function broken({ status, headers, bytes }: Answer, lengthBytes: number): Response {
  const failure = new TransportError('exchange', 'ECONNRESET', 'the connection broke within the answer');
  const chunks = [bytes.slice(0, lengthBytes)];
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const chunk = chunks.pop();
      if (chunk === undefined || chunk.length === 0) controller.error(failure);
      else controller.enqueue(chunk);
    },
  });
  return new Response(body, { status, headers });
}

function abortedBy(signal: AbortSignal): TransportError {
  return new TransportError('aborted', 'ABORTED', 'the exchange was given up', { cause: signal.reason });
}
