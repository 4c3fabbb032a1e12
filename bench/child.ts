import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';

/** The root of the checkout. */
export const REPOSITORY = join(import.meta.dirname, '..');

/** Timeout for a measured program. The legacy exporter takes half a minute for a million rows, and longer on a slow machine. */
const RUN_MAX_MS = 10 * 60_000;
/** Time allowed for a program to end after SIGTERM. */
const STOP_MAX_MS = 20_000;
/** Maximum number of characters of a failed program's output that its error includes. */
const TAIL_LENGTH = 2_000;

/** Options for running a program. */
export interface ChildOptions {
  readonly signal: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
  /** File for standard output. Without it, the output is returned. */
  readonly outputFile?: string;
}

/** Runs a program until it exits and returns its output. Throws if it fails, is stopped, or takes too long. */
export async function runChild(argv: readonly string[], options: ChildOptions): Promise<string> {
  const [program = '', ...args] = argv;
  const output = options.outputFile === undefined ? 'pipe' : openSync(options.outputFile, 'w');
  const child = spawn(program, args, {
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, ...options.environment },
    signal: AbortSignal.any([options.signal, AbortSignal.timeout(RUN_MAX_MS)]),
  });
  const written = collectText(child.stdout);
  const errors = collectText(child.stderr);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', resolve);
  const code = await promise;
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} failed with ${code}: ${errors().slice(-TAIL_LENGTH)}`);
  return written();
}

function collectText(stream: ChildProcess['stdout']): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Sends SIGTERM and waits for the program to end. Kills the program if it does not end. */
export async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
  await ended;
  clearTimeout(timer);
}

/** Returns true if the program can be started on this machine. */
export function hasProgram(name: string, probe: readonly string[] = ['--version']): boolean {
  return spawnSync(name, probe, { stdio: 'ignore' }).status === 0;
}

/** Polls `isReady` every few milliseconds. Throws after `maxMs` with `what` in the message. */
export async function waitUntil(
  what: string,
  maxMs: number,
  signal: AbortSignal,
  isReady: () => Promise<boolean> | boolean,
): Promise<void> {
  const began = performance.now();
  while (!(await isReady())) {
    signal.throwIfAborted();
    if (performance.now() - began > maxMs) throw new Error(`${what} took longer than ${maxMs / 1000} s`);
    await sleep(10, signal);
  }
}

/** Waits `delayMs`. Rejects when aborted. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** Parses a JSON object from a measured program. Throws if the string is not a JSON object. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`expected an object, got ${text}`);
  return { ...value };
}

/** Returns a number in the object. Throws if the value is not a number. */
export function numberOf(object: Readonly<Record<string, unknown>>, key: string): number {
  const value = object[key];
  if (typeof value !== 'number') throw new Error(`"${key}" is not a number in ${JSON.stringify(object)}`);
  return value;
}

/** Returns a string in the object. Throws if the value is not a string. */
export function textOf(object: Readonly<Record<string, unknown>>, key: string): string {
  const value = object[key];
  if (typeof value !== 'string') throw new Error(`"${key}" is not a string in ${JSON.stringify(object)}`);
  return value;
}
