import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BenchBoat } from './boat.ts';
import {
  hasProgram,
  numberOf,
  parseObject,
  REPOSITORY,
  runChild,
  stopChild,
  textOf,
  waitUntil,
} from './child.ts';
import { type LoopDelay, LOOP_RESOLUTION_MS } from './loop-delay.ts';
import { type ProcessFacts, readProcess } from './process-facts.ts';

/** Time within which a started program must answer. The slowest step is initdb on a slow disk. */
const READY_MAX_MS = 60_000;
const TAIL_LINES = 15;

/** The result of one `POST /export/generate` and the time until its answer. */
export interface Generated {
  readonly queueId: string;
  readonly records: number;
  readonly sizeBytes: number;
  /** `performance.now()` at the request. */
  readonly beganMs: number;
  readonly seconds: number;
}

/** The built export manager, as on a boat, in a separate process. */
export interface Daemon {
  readonly url: string;
  readonly pid: number;
  generate(type: 'full' | 'incremental'): Promise<Generated>;
  facts(): ProcessFacts;
  /** Samples the event loop delay until `stopLoopDelay` is called. */
  startLoopDelay(): void;
  stopLoopDelay(): Promise<LoopDelay>;
  stop(): Promise<void>;
}

/** Starts a boat's daemon. If `centralUrl` is undefined, exports are created but not sent. */
export async function startDaemon(
  boat: BenchBoat,
  signal: AbortSignal,
  links: { readonly centralUrl?: string; readonly tierApiUrl?: string } = {},
): Promise<Daemon> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const preload = pathToFileURL(join(import.meta.dirname, 'loop-delay-preload.mjs'));
  const child = spawn(
    // Starts the installed program, because its Node options affect its memory use.
    join(REPOSITORY, 'packages/boat/bin/d3kos-export.js'),
    ['serve'],
    {
      env: {
        PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
        NODE_OPTIONS: `--import=${preload.href}`,
        BENCH_LOOP_RESOLUTION_MS: String(LOOP_RESOLUTION_MS),
        D3KOS_ROOT: boat.root,
        EXPORT_PORT: String(port),
        EXPORT_RECORDINGS_PATH: join(boat.root, 'camera-recordings'),
        // No service listens on port 9, so the tier comes from the licence file.
        TIER_API_URL: links.tierApiUrl ?? 'http://127.0.0.1:9',
        ...(links.centralUrl === undefined ? {} : { CENTRAL_API_URL: links.centralUrl }),
      },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      signal,
    },
  );
  await waitForAnswer('the export manager', child, signal, () => answers(`${url}/health`));
  if (child.pid === undefined) throw new Error('a running daemon has no process id');
  const { pid } = child;
  return {
    url,
    pid,
    generate: (type) => generate(url, type, signal),
    facts: () => readProcess(pid),
    startLoopDelay: () => void child.send('start'),
    stopLoopDelay: async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      child.once('message', resolve);
      child.send('stop');
      const reply = parseObject(JSON.stringify(await promise));
      return { p99Ms: numberOf(reply, 'p99Ms'), maxMs: numberOf(reply, 'maxMs') };
    },
    stop: () => stopChild(child),
  };
}

/** A real central with its embedded PostgreSQL. */
export interface Central {
  readonly port: number;
  readonly pid: number;
  /** The data directory, which `borrowEmbeddedPostgres` uses to find the database. */
  readonly dataDir: string;
  enroll(installationId: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts central on a free port with its data in `folder`, or in the database of the setting `DATABASE_URL`. */
export async function startCentral(
  folder: string,
  signal: AbortSignal,
  settings: Readonly<Record<string, string>> = {},
): Promise<Central> {
  const database = 'DATABASE_URL' in settings ? {} : { CENTRAL_DATA_DIR: folder };
  const environment = { ...database, CENTRAL_PORT: '0', ...settings };
  const main = join(REPOSITORY, 'packages/central/dist/main.js');
  const child = spawn(process.execPath, [main, 'serve', '--json'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let written = '';
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk.toString('utf8');
  });
  await waitForAnswer('central', child, signal, async () => written.includes('\n'));
  const url = textOf(parseObject(written.split('\n')[0] ?? ''), 'listening');
  if (child.pid === undefined) throw new Error('a running central has no process id');
  return {
    port: Number(new URL(url).port),
    pid: child.pid,
    dataDir: folder,
    enroll: async (installationId) =>
      textOf(
        parseObject(
          await runChild([process.execPath, main, 'enroll', installationId, '--tier', '2', '--json'], {
            signal,
            environment,
          }),
        ),
        'token',
      ),
    stop: () => stopChild(child),
  };
}

async function waitForAnswer(
  name: string,
  child: ChildProcess,
  signal: AbortSignal,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const lines: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString('utf8').split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - TAIL_LINES));
  });
  // Aborting the run ends the child, which emits an error.
  child.on('error', (error) => lines.push(error.message));
  try {
    await waitUntil(`the start of ${name}`, READY_MAX_MS, signal, async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended`);
      return isReady();
    });
  } catch (error) {
    await stopChild(child);
    throw new Error(`${name} did not start:\n${lines.join('\n')}`, { cause: error });
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    // The program does not listen yet.
    return false;
  }
}

async function generate(url: string, type: 'full' | 'incremental', signal: AbortSignal): Promise<Generated> {
  const beganMs = performance.now();
  const response = await fetch(`${url}/export/generate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ type }),
    signal,
  });
  const text = await response.text();
  const seconds = (performance.now() - beganMs) / 1000;
  const answer = parseObject(text);
  if (answer['queued'] !== true) throw new Error(`no export was created: ${text}`);
  return {
    queueId: textOf(answer, 'queue_id'),
    records: numberOf(answer, 'record_count'),
    sizeBytes: numberOf(answer, 'file_size_bytes'),
    beganMs,
    seconds,
  };
}

/** Returns a free loopback port. */
function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
      server.close(() => resolve(address.port));
    });
  });
}

/** Detects deliveries through the daemon's events. */
export interface Deliveries {
  /** Resolves to `performance.now()` when the daemon reports the receipt. */
  waitFor(queueId: string, maxMs: number): Promise<number>;
  close(): void;
}

/** Watches the daemon's server-sent events. */
export async function watchDeliveries(daemon: Daemon, signal: AbortSignal): Promise<Deliveries> {
  const closing = new AbortController();
  const response = await fetch(`${daemon.url}/export/events`, {
    signal: AbortSignal.any([signal, closing.signal]),
  });
  const deliveredAt = new Map<string, number>();
  const reading = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) {
        if (!line.startsWith('data: {"kind":"delivered"')) continue;
        deliveredAt.set(textOf(parseObject(line.slice('data: '.length)), 'queueId'), performance.now());
      }
    }
  })();
  // The loop throws when the stream is closed or the daemon ends. A pending wait then times out.
  reading.catch(() => undefined);
  return {
    waitFor: async (queueId, maxMs) => {
      await waitUntil(`the receipt for ${queueId}`, maxMs, signal, () => deliveredAt.has(queueId));
      return deliveredAt.get(queueId) ?? Number.NaN;
    },
    close: () => closing.abort(),
  };
}

/** Returns true if this user may trace system calls. */
export function canTrace(): boolean {
  return hasProgram('strace', ['-f', '-o', '/dev/null', 'true']);
}
