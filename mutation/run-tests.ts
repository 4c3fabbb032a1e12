import { spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkingCopy } from './working-copy.ts';

/** The result of running test files. `failure` is the name of the first test that failed. */
export type TestRun =
  | { readonly kind: 'passed'; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly failure: string; readonly output: string }
  | { readonly kind: 'timed_out'; readonly limitMs: number };

/**
 * Runs test files in the working copy. After `limitMs`, it kills them and everything that they started. Rejects with the signal's
 * reason when aborted.
 */
export async function runTests(
  copy: Pick<WorkingCopy, 'root' | 'temporary'>,
  files: readonly string[],
  limitMs: number,
  signal?: AbortSignal,
): Promise<TestRun> {
  signal?.throwIfAborted();
  const folder = mkdtempSync(join(copy.temporary, 'run-'));
  // Some tests run a database as another user, who needs access to this folder.
  chmodSync(folder, 0o755);
  const outputFile = join(folder, 'output');
  const output = openSync(outputFile, 'w');
  try {
    const began = performance.now();
    const { code, isTimedOut } = await runToEnd(copy, folder, files, output, limitMs, signal);
    signal?.throwIfAborted();
    if (isTimedOut) return { kind: 'timed_out', limitMs };
    if (code === 0) return { kind: 'passed', tookMs: performance.now() - began };
    const text = readFileSync(outputFile, 'utf8');
    return { kind: 'failed', failure: firstFailure(text), output: text };
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runToEnd(
  copy: Pick<WorkingCopy, 'root'>,
  temporary: string,
  files: readonly string[],
  output: number,
  limitMs: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly code: number | null; readonly isTimedOut: boolean }> {
  // Inside a test run, Node would skip the test files.
  const { NODE_TEST_CONTEXT: _outer, ...environment } = process.env;
  const child = spawn(
    process.execPath,
    ['--conditions=development', '--test', '--test-concurrency=1', '--test-reporter=tap', ...files],
    {
      cwd: copy.root,
      env: { ...environment, TMPDIR: temporary, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
      stdio: ['ignore', output, output],
      // A separate process group, so that the tests' child processes can be killed with them.
      detached: true,
    },
  );
  const ended = Promise.withResolvers<number | null>();
  child.once('exit', ended.resolve);
  child.once('error', ended.reject);
  let isTimedOut = false;
  const stop = setTimeout(() => {
    isTimedOut = true;
    stopGroup(child.pid);
  }, limitMs);
  const abort = (): void => stopGroup(child.pid);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return { code: await ended.promise, isTimedOut };
  } finally {
    clearTimeout(stop);
    signal?.removeEventListener('abort', abort);
    stopGroup(child.pid);
  }
}

/** Kills a process group. Has no effect if the group has ended. */
function stopGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Returns the first `not ok` in a TAP report. It is the innermost test, because TAP lists subtests before their parent. */
function firstFailure(report: string): string {
  for (const [, name = '', directive = ''] of report.matchAll(/^ *not ok \d+ - (.*?)(?: # (\w+).*)?$/gm))
    if (directive === '' || directive === 'time') return name.replaceAll(/\\(.)/g, '$1');
  return report.trim().split('\n').at(-1) ?? 'no report';
}
