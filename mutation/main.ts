import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions } from '../scripts/parse-options.ts';
import { runTests } from './run-tests.ts';
import { runTool } from './run-tool.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { type MutantResult, tryMutant } from './try-mutant.ts';
import { createTypeErrorFinder } from './type-errors.ts';
import { createWorkingCopy, type WorkingCopy } from './working-copy.ts';

const USAGE = `Applies one mutant at a time to the product and runs the tests that should detect it. Exits with 1 if a mutant survives.

Usage:
  npm run mutation [-- --only NAME …]       the mutants written by hand, or only some of them
  npm run mutation -- --list                list them
  npm run mutation -- --tool [POLICY.ts …]  the mutants that a tool generates in pure policies
`;

/**
 * Number of working copies in use at once. The reference machine has two cores, and tests that wait for a core would time out.
 */
const COPIES = 2;
/** Timeout for a test file without a mutant. The slowest file takes 20 s on a loaded machine. */
const WHOLE_RUN_MAX_MS = 180_000;
/**
 * Timeout for a run with a mutant: this minimum, or this multiple of the time without a mutant, whichever is longer. A run that
 * exceeds it counts as hung.
 */
const RUN_MAX_MS = { least: 60_000, times: 5 } as const;

const { values, positionals } = parseOptions(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', multiple: true },
      list: { type: 'boolean', default: false },
      tool: { type: 'boolean', default: false },
    },
  }),
);
const original = join(import.meta.dirname, '..');
if (values.tool) process.exit(runTool(original, positionals));
const selected = MUTANTS.filter(({ name }) => values.only?.includes(name) ?? true);
const unknown = (values.only ?? []).filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  console.error(
    `Unknown mutant: "${unknown.join('", "')}". \`npm run mutation -- --list\` lists all mutants.`,
  );
  process.exit(2);
}
if (values.list) {
  for (const { name, file } of MUTANTS) console.log(`${name} (${file})`);
  process.exit(0);
}

const copies: WorkingCopy[] = [];
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort(new Error('Stopped.')));
process.once('SIGTERM', () => stopping.abort(new Error('Stopped.')));
/** Each test file's duration without a mutant, in milliseconds. */
const wholeMs = new Map<string, number>();
try {
  for (let made = 0; made < COPIES; made += 1) copies.push(createWorkingCopy(original));
  process.exitCode = (await passesWithoutMutants()) ? await tryAll() : 1;
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  console.error('mutation: stopped');
  process.exitCode = 130;
} finally {
  for (const copy of copies) copy.remove();
}

/** Processes each item in the next free working copy. */
async function share<T>(
  items: readonly T[],
  work: (item: T, copy: WorkingCopy) => Promise<void>,
): Promise<void> {
  const left = [...items];
  await Promise.all(
    copies.map(async (copy) => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item, copy);
    }),
  );
}

/** Runs all tests without a mutant. A test that already fails here proves nothing about a mutant. */
async function passesWithoutMutants(): Promise<boolean> {
  const files = [...new Set(selected.flatMap(({ killedBy }) => killedBy))];
  let isPassing = true;
  await share(files, async (file, copy) => {
    const run = await runTests(copy, [file], WHOLE_RUN_MAX_MS, stopping.signal);
    if (run.kind === 'passed') wholeMs.set(file, run.tookMs);
    else {
      isPassing = false;
      console.error(`FAILED ${file} without a mutant: ${run.kind === 'failed' ? run.failure : 'timed out'}`);
      if (run.kind === 'failed') console.error(run.output);
    }
  });
  return isPassing;
}

async function tryAll(): Promise<0 | 1> {
  const [first] = copies;
  const findTypeErrors = createTypeErrorFinder(first?.root ?? original);
  const counts: Record<MutantResult['kind'], number> = {
    killed: 0,
    survived: 0,
    misplaced: 0,
    not_compiling: 0,
  };
  await share(selected, async (mutant, copy) => {
    const result = await tryMutant(copy, mutant, toLimitMs(mutant), findTypeErrors, stopping.signal);
    counts[result.kind] += 1;
    console.log(`${describe(result)}: ${mutant.name} (${mutant.file})`);
  });
  const unfit = counts.misplaced + counts.not_compiling;
  console.log(
    `mutation: ${counts.killed} killed, ${counts.survived} survived${unfit === 0 ? '' : `, ${unfit} do not match the code`}`,
  );
  return counts.killed === selected.length ? 0 : 1;
}

function toLimitMs({ killedBy }: Mutant): number {
  const ms = killedBy.reduce((sum, file) => sum + (wholeMs.get(file) ?? 0), 0);
  return Math.round(Math.max(RUN_MAX_MS.least, ms * RUN_MAX_MS.times));
}

function describe(result: MutantResult): string {
  switch (result.kind) {
    case 'killed':
      return `killed by "${result.by}"`;
    case 'survived':
      return 'SURVIVED';
    case 'misplaced':
      return `MISPLACED, its text occurs ${result.times} times`;
    case 'not_compiling':
      return `NOT COMPILING, ${result.error}`;
    default:
      return result satisfies never;
  }
}
