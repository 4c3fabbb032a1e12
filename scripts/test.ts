// The whole suite: every *.test.ts of the packages, then those under tests/ that start real processes.
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Longest one test may take. The slowest, 200 kills of a real boat, is bounded by its own count and takes minutes. */
const TEST_TIMEOUT_MS = 13 * 60_000;

const asked = process.argv.slice(2);
const files =
  asked.length > 0
    ? asked
    : globSync(
        [
          'packages/*/src/**/*.test.ts',
          'scripts/**/*.test.ts',
          'bench/**/*.test.ts',
          'mutation/**/*.test.ts',
          'tests/**/*.test.ts',
        ],
        {
          cwd: root,
        },
      ).sort();
const { status } = spawnSync(
  process.execPath,
  [
    '--conditions=development',
    '--test',
    '--test-concurrency=2',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    '--test-reporter=spec',
    ...files,
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  },
);
process.exitCode = status ?? 1;
