import { globSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { bundleTestPrograms } from './test-programs.ts';

const ROOT = join(import.meta.dirname, '..');
const TEST_FOLDERS = ['packages/*/src', 'tests', 'scripts', 'bench', 'mutation', 'fuzz', 'boat-lab'];

/**
 * Number of test files that run at once: one more than the smallest machine has cores, because tests also wait for files and
 * timers.
 */
const FILES_AT_ONCE = 3;
/** Folder for compiled code from earlier runs. It shortens each program start by a third. `npm ci` removes it. */
const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'compile');

export type Tier = 'quick' | 'long';

/**
 * Lists the test files of a tier as paths from the root. Files that start programs or simulate boats come first, so that short
 * files fill the gaps at the end.
 */
export function listTests(tier: Tier): readonly string[] {
  const all = globSync(
    TEST_FOLDERS.map((folder) => `${folder}/**/*.test.ts`),
    { cwd: ROOT },
  );
  const isSlow = (file: string): boolean => /^(tests|packages\/(sim|central))\//.test(file);
  return all
    .filter((file) => file.endsWith('.long.test.ts') === (tier === 'long'))
    .toSorted((a, b) => Number(isSlow(b)) - Number(isSlow(a)) || a.localeCompare(b));
}

/** Runs test files in the given order, three at a time, and prints Node's report. Resolves to true if every test passed. */
export async function runTests(files: readonly string[], testMaxMs: number): Promise<boolean> {
  mkdirSync(COMPILE_CACHE, { recursive: true });
  process.env['NODE_COMPILE_CACHE'] = COMPILE_CACHE;
  bundleTestPrograms();
  const report = run({
    cwd: ROOT,
    files: files.map((file) => join(ROOT, file)),
    concurrency: FILES_AT_ONCE,
    timeout: testMaxMs,
    execArgv: ['--conditions=development', '--disable-warning=ExperimentalWarning'],
  });
  let hasFailed = false;
  report.on('test:fail', () => {
    hasFailed = true;
  });
  for await (const text of report.compose(spec)) process.stdout.write(text);
  return !hasFailed;
}
