import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { RequestMeter, type SentBytes, sumSent } from './request-meter.ts';

/** A link's faults. A fault applies to the bytes that pass while it is set. */
export interface LinkFaults {
  /** The delay in each direction. */
  readonly latencyMs?: number;
  /** The bandwidth in each direction, shared by all connections. */
  readonly bytesPerSecond?: number;
  /** Resets a connection after it has transferred this many bytes to central. */
  readonly resetAfterSentBytes?: number;
  /** Resets a connection after this many bytes of answers. By then, central has handled the request. */
  readonly resetAfterAnsweredBytes?: number;
  /** Closes a connection after this many bytes of answers, like a proxy that times out. */
  readonly truncateAfterAnsweredBytes?: number;
  /** Raw HTTP text sent as the answer to every request in place of central's. */
  readonly portal?: string;
}

/** A link's traffic so far. */
export interface Traffic extends SentBytes {
  readonly connections: number;
  /** All bytes that the boat sent, answered or not. */
  readonly sentBytes: number;
  /** All answers as text. */
  readonly answers: string;
}

/** A real TCP proxy on loopback that simulates the link between a boat and central. */
export interface FaultProxy {
  readonly url: string;
  readonly port: number;
  /** Replaces the link's faults. */
  set(faults: LinkFaults): void;
  /**
   * Makes all current connections half-open: bytes on them are lost in both directions without an error. New connections work.
   */
  silence(): void;
  /** Resets all current connections. */
  reset(): void;
  /** Resets all connections and refuses new ones until `restore` is called. */
  cut(): Promise<void>;
  restore(): Promise<void>;
  /**
   * Cuts the link for `downMs` each time `up` resolves, until `stop` is called, which aborts the signal passed to `up`. Calls
   * `onBack` when the link is up again.
   */
  dropEach(
    up: (signal: AbortSignal) => Promise<void>,
    downMs: number,
    onBack: () => void,
  ): { stop(): Promise<{ readonly drops: number }> };
  traffic(): Traffic;
  close(): Promise<void>;
}

/** Maximum number of bytes that cross a slow link at once, which determines the precision of a cut. */
const PIECE_BYTES = 4 * 1024;

/** The two sockets of a connection, and the numbers of bytes transferred between them. */
interface Passage {
  readonly boat: Socket;
  readonly central: Socket;
  readonly meter: RequestMeter;
  sentBytes: number;
  answeredBytes: number;
  isSilent: boolean;
}

/** One direction of the link, whose bandwidth all connections share. */
interface Way {
  readonly name: 'sent' | 'answered';
  /** The moment at which the link is free for the next byte. */
  freeAtMs: number;
}

/** Starts a proxy to the loopback port `target`. Without `listenOn`, the proxy listens on a free port. */
export async function startFaultProxy(target: number, listenOn = 0): Promise<FaultProxy> {
  const passages = new Set<Passage>();
  const meters: RequestMeter[] = [];
  const ways = {
    sent: { name: 'sent', freeAtMs: 0 },
    answered: { name: 'answered', freeAtMs: 0 },
  } satisfies Record<string, Way>;
  let faults: LinkFaults = {};
  let sentBytes = 0;
  const answers: string[] = [];

  const reset = (passage: Passage): void => {
    passage.boat.resetAndDestroy();
    passage.central.destroy();
    passages.delete(passage);
  };
  const end = (passage: Passage, of: Socket): void => {
    if (passage.isSilent) return;
    of.end();
    if (passage.boat.destroyed && passage.central.destroyed) passages.delete(passage);
  };
  const receive = (passage: Passage, piece: Buffer): void => {
    if (passage.boat.destroyed) return;
    const limitBytes = faults.truncateAfterAnsweredBytes ?? Number.POSITIVE_INFINITY;
    const left = piece.subarray(0, Math.max(0, limitBytes - passage.answeredBytes));
    passage.answeredBytes += piece.length;
    if (passage.answeredBytes > (faults.resetAfterAnsweredBytes ?? Number.POSITIVE_INFINITY)) {
      reset(passage);
      return;
    }
    answers.push(left.toString('latin1'));
    passage.boat.write(left);
    if (left.length < piece.length) passage.boat.end();
  };
  const send = (passage: Passage, piece: Buffer): void => {
    passage.sentBytes += piece.length;
    sentBytes += piece.length;
    const isRequestWhole = passage.meter.add(piece);
    if (faults.portal !== undefined) {
      if (isRequestWhole) passage.boat.end(faults.portal);
      return;
    }
    if (!passage.central.destroyed) passage.central.write(piece);
    if (passage.sentBytes > (faults.resetAfterSentBytes ?? Number.POSITIVE_INFINITY)) reset(passage);
  };
  const carry = async (passage: Passage, way: Way): Promise<void> => {
    const [from, to] =
      way.name === 'sent' ? [passage.boat, passage.central] : [passage.central, passage.boat];
    const arrive = (piece: Buffer): void => {
      if (passage.isSilent || !passages.has(passage)) return;
      if (way.name === 'sent') send(passage, piece);
      else receive(passage, piece);
    };
    // Bytes in transit do not delay the bytes after them.
    let arriving = Promise.resolve();
    for await (const chunk of from) {
      // A socket without an encoding emits Buffers.
      for (const piece of toPieces(chunk as Buffer)) {
        if (!passages.has(passage)) return;
        await overLink(way, piece.length, faults);
        const arrivesAtMs = performance.now() + (faults.latencyMs ?? 0);
        arriving = arriving.then(() => sleepUntil(arrivesAtMs)).then(() => arrive(piece));
      }
    }
    await arriving;
    end(passage, to);
  };
  const take = (boat: Socket): void => {
    const central = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const meter = new RequestMeter();
    const passage: Passage = { boat, central, meter, sentBytes: 0, answeredBytes: 0, isSilent: false };
    passages.add(passage);
    meters.push(meter);
    // A failure on one side ends the other side, unless the connection is half-open.
    for (const socket of [boat, central])
      socket.on('error', () => {
        if (!passage.isSilent) reset(passage);
      });
    for (const way of Object.values(ways))
      carry(passage, way).catch(() => {
        // The reader receives the same failure.
        if (!passage.isSilent) reset(passage);
      });
  };

  const resetAll = (): void => {
    for (const passage of passages) reset(passage);
  };
  let server: Server | undefined = await listen(take, listenOn);
  const port = toPort(server);
  const proxy: FaultProxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    set: (next) => {
      faults = next;
    },
    silence: () => {
      for (const passage of passages) passage.isSilent = true;
    },
    reset: resetAll,
    cut: async () => {
      const closing = server;
      server = undefined;
      const closed = new Promise((resolve) => (closing === undefined ? resolve(0) : closing.close(resolve)));
      resetAll();
      await closed;
    },
    restore: async () => {
      server ??= await listen(take, port);
    },
    dropEach: (up, downMs, onBack) => dropEach(proxy, up, downMs, onBack),
    traffic: () => ({
      ...sumSent(meters),
      connections: meters.length,
      sentBytes,
      answers: answers.join(''),
    }),
    close: () => proxy.cut(),
  };
  return proxy;
}

function dropEach(
  link: FaultProxy,
  up: (signal: AbortSignal) => Promise<void>,
  downMs: number,
  onBack: () => void,
): ReturnType<FaultProxy['dropEach']> {
  const stopping = new AbortController();
  let drops = 0;
  const dropping = (async () => {
    for (;;) {
      await up(stopping.signal);
      if (stopping.signal.aborted) return;
      drops += 1;
      await link.cut();
      await sleep(downMs);
      await link.restore();
      onBack();
    }
  })();
  return {
    stop: async () => {
      stopping.abort();
      await dropping;
      return { drops };
    },
  };
}

/** Waits until `sizeBytes` have been sent over the link. */
async function overLink(way: Way, sizeBytes: number, { bytesPerSecond }: LinkFaults): Promise<void> {
  if (bytesPerSecond === undefined) return;
  way.freeAtMs = Math.max(way.freeAtMs, performance.now()) + (sizeBytes / bytesPerSecond) * 1_000;
  await sleepUntil(way.freeAtMs);
}

async function sleepUntil(atMs: number): Promise<void> {
  const leftMs = atMs - performance.now();
  if (leftMs > 0) await sleep(leftMs);
}

function* toPieces(chunk: Buffer): Generator<Buffer> {
  for (let start = 0; start < chunk.length; start += PIECE_BYTES)
    yield chunk.subarray(start, start + PIECE_BYTES);
}

function listen(take: (socket: Socket) => void, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, take);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

function toPort(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** A port that drops packets, so that a connection to it is neither accepted nor refused. */
export interface Blackhole {
  readonly port: number;
  /** Stops listening. From then on connections are refused at once. */
  close(): Promise<void>;
}

/** Listens with a short queue, posts the port, and never accepts a connection, because the thread then blocks. */
const SLEEPING_LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer();
  server.listen({ ...workerData, backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
  server.on('error', (error) => { throw error; });
`;
/** Timeout for a loopback connection. A connection that takes longer counts as not accepted. */
const LOOPBACK_CONNECT_MAX_MS = 300;
/** Number of connections: more than any short queue can contain. */
const QUEUE_MAX = 16;

/** Starts a listener whose queue is full, so that the kernel drops every further SYN. */
export async function startBlackhole(host = '127.0.0.1', listenOn = 0): Promise<Blackhole> {
  const worker = new Worker(SLEEPING_LISTENER, { eval: true, workerData: { host, port: listenOn } });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const queued: Socket[] = [];
  const close = async (): Promise<void> => {
    for (const socket of queued) socket.destroy();
    await worker.terminate();
  };
  for (let isQueueFull = false; !isQueueFull;) {
    if (queued.length === QUEUE_MAX) {
      await close();
      throw new Error(`The queue of port ${port} does not become full. Every connection is accepted.`);
    }
    const socket = connect({ port, host });
    socket.on('error', () => undefined);
    queued.push(socket);
    isQueueFull = await Promise.race([
      new Promise<boolean>((resolve) => socket.once('connect', () => resolve(false))),
      sleep(LOOPBACK_CONNECT_MAX_MS, true),
    ]);
  }
  return { port, close };
}
