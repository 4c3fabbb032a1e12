import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

/** Timeout for a started program to answer. The slowest step is initdb on a slow disk. */
const READY_MAX_MS = 60_000;
/** Timeout for a program to end after SIGTERM. */
const STOP_MAX_MS = 15_000;

/** A program that this script has started and will stop. */
export interface Program {
  readonly name: string;
  /** Returns the last lines that the program wrote, for error messages. */
  tail(): string;
  stop(): Promise<void>;
}

const TAIL_LINES = 15;

/**
 * Starts a program and resolves once `isReady` resolves. Rejects with the program's last lines if it ends or is not ready in
 * time.
 */
export async function startProgram(
  name: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
  isReady: () => Promise<boolean>,
): Promise<Program> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    // Ctrl-C reaches only this script, which stops the programs in order.
    detached: true,
  });
  const lines: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => {
    lines.push(...chunk.toString('utf8').split('\n').filter(Boolean));
    lines.splice(0, Math.max(0, lines.length - TAIL_LINES));
  });
  const program: Program = { name, tail: () => lines.join('\n'), stop: () => stopChild(child) };
  const began = performance.now();
  while (!(await isReady().catch(() => false))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}:\n${program.tail()}`);
    if (performance.now() - began > READY_MAX_MS) {
      await program.stop();
      throw new Error(`${name} was not ready after ${READY_MAX_MS / 1000} s:\n${program.tail()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return program;
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MAX_MS);
  await ended;
  clearTimeout(timer);
}

/** Runs a command until it exits and resolves to the JSON that it printed. Rejects with its output if it fails. */
export async function runJson(
  argv: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<unknown> {
  const [file = '', ...args] = argv;
  const child = spawn(file, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} failed with ${code}:\n${errors}${output}`);
  return JSON.parse(output);
}

/** Resolves to true if no program listens on the loopback port. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
