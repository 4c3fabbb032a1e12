// Breaks the product one line at a time and sees that its tests notice; exits non-zero where they do not.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runTests } from './run-tests.ts';
import type { Mutant } from './mutant.ts';
import { MUTANTS } from './mutants.ts';
import { type MutantResult, tryMutant } from './try-mutant.ts';
import { createTypeErrorFinder } from './type-errors.ts';
import { createWorkingCopy, type WorkingCopy } from './working-copy.ts';

/** Copies at work at once: the machine that runs this has two cores, and tests that starve fail for that reason. */
const COPIES = 2;
/** Longest a whole test file may take: the slowest that is named here takes 20 s on a loaded machine. */
const WHOLE_RUN_MAX_MS = 180_000;
/** Shortest time limit of a mutated run, and how many times the whole one's time it may take: much longer is no end. */
const RUN_MAX_MS = { least: 60_000, times: 5 } as const;

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, list: { type: 'boolean', default: false } },
});
const asked = MUTANTS.filter(({ name }) => values.only?.includes(name) ?? true);
const unknown = (values.only ?? []).filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) {
  console.error(`There is no mutant "${unknown.join('", "')}": see npm run mutation -- --list`);
  process.exit(2);
}
if (values.list) {
  for (const { name, file } of MUTANTS) console.log(`${name} (${file})`);
  process.exit(0);
}

const original = join(import.meta.dirname, '..');
const copies: WorkingCopy[] = [];
const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort(new Error('Stopped.')));
process.once('SIGTERM', () => stopping.abort(new Error('Stopped.')));
/** How long each test file takes without a mutant. */
const wholeMs = new Map<string, number>();
try {
  for (let made = 0; made < COPIES; made += 1) copies.push(createWorkingCopy(original));
  process.exitCode = (await proveWhole()) ? await breakAll() : 1;
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  console.error('mutation: stopped');
  process.exitCode = 130;
} finally {
  for (const copy of copies) copy.remove();
}

/** Gives each item to the next copy that is free. */
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

/** A test that fails without a mutant says nothing about one. */
async function proveWhole(): Promise<boolean> {
  const files = [...new Set(asked.flatMap(({ killedBy }) => killedBy))];
  let isWhole = true;
  await share(files, async (file, copy) => {
    const run = await runTests(copy, [file], WHOLE_RUN_MAX_MS, stopping.signal);
    if (run.kind === 'passed') wholeMs.set(file, run.tookMs);
    else {
      isWhole = false;
      console.error(`FAILED ${file} without any mutant: ${run.kind === 'failed' ? run.failure : 'no end'}`);
      if (run.kind === 'failed') console.error(run.output);
    }
  });
  return isWhole;
}

async function breakAll(): Promise<0 | 1> {
  const [first] = copies;
  const findTypeErrors = createTypeErrorFinder(first?.root ?? original);
  const counts: Record<MutantResult['kind'], number> = {
    killed: 0,
    survived: 0,
    misplaced: 0,
    not_compiling: 0,
  };
  await share(asked, async (mutant, copy) => {
    const result = await tryMutant(copy, mutant, toLimitMs(mutant), findTypeErrors, stopping.signal);
    counts[result.kind] += 1;
    console.log(`${describe(result)}: ${mutant.name} (${mutant.file})`);
  });
  const unfit = counts.misplaced + counts.not_compiling;
  console.log(
    `mutation: ${counts.killed} killed, ${counts.survived} survived${unfit === 0 ? '' : `, ${unfit} do not fit the code`}`,
  );
  return counts.killed === asked.length ? 0 : 1;
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
      return `MISPLACED, its text is there ${result.times} times`;
    case 'not_compiling':
      return `NOT COMPILING, ${result.error}`;
    default:
      return result satisfies never;
  }
}
