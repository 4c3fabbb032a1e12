import { strict as assert } from 'node:assert';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Receipt } from '@d3kos/protocol';
import { toBoatlog, toDocument, toImportRequest } from './central-under-test.ts';

/** The folder of the bundled programs, which start faster. If unset, the program starts from source. */
const BUNDLES = process.env['D3KOS_TEST_PROGRAMS'];
export const MAIN =
  BUNDLES === undefined ? join(import.meta.dirname, '..', 'main.ts') : join(BUNDLES, 'central.mjs');
export const ID = '0123456789abcdef';

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program from the checkout on its own data folder. */
function nodeArguments(args: readonly string[]): string[] {
  return ['--conditions=development', '--disable-warning=ExperimentalWarning', MAIN, ...args];
}

function environment(dataDir: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { DATABASE_URL: _, ...rest } = process.env;
  return { ...rest, CENTRAL_DATA_DIR: dataDir, CENTRAL_PORT: '0', ...more };
}

export function run(dataDir: string, ...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      nodeArguments(args),
      { env: environment(dataDir) },
      (error, stdout, stderr) => {
        resolve({
          code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
          stdout,
          stderr,
        });
      },
    );
  });
}

export interface Serving {
  readonly url: string;
  readonly child: ChildProcess;
}

export async function serve(dataDir: string, account: { uid?: number; gid?: number } = {}): Promise<Serving> {
  const child = spawn(process.execPath, nodeArguments(['serve', '--json']), {
    env: environment(dataDir),
    stdio: ['ignore', 'pipe', 'inherit'],
    ...account,
  });
  assert.ok(child.stdout !== null);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const { listening } = JSON.parse(line) as { listening: string };
  return { url: listening, child };
}

export async function endBy(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
}

export async function send(url: string, token: string, sequence = 1): Promise<Receipt> {
  const boat = { id: ID, token };
  const document = toDocument(boat, { sequence, data: toBoatlog([{ record_id: String(sequence) }]) });
  const request = toImportRequest(boat, document, { coding: 'gzip' });
  const answer = await fetch(new Request(new URL(new URL(request.url).pathname, url), request));
  assert.equal(answer.status, 200);
  return (await answer.json()) as Receipt;
}
