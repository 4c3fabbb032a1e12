// `npm run test:long [-- NAME …]`: the long tier, every *.long.test.ts, then the mutants. A NAME matches every step whose name
// starts with it. Prints one line per step.
import { spawn } from 'node:child_process';
import { basename, join } from 'node:path';
import { listTests } from './run-tests.ts';
import { bundleTestPrograms } from './test-programs.ts';

const ROOT = join(import.meta.dirname, '..');

/** Number of steps that run at once: one for each core of the smallest machine. The mutants alone use both cores. */
const STEPS_AT_ONCE = 2;
/** Timeout for one test. The longest test takes 15 minutes on an idle core. */
const TEST_MAX_MS = 90 * 60_000;

interface Step {
  readonly name: string;
  readonly args: readonly string[];
}

const toTestStep = (file: string): Step => ({
  name: basename(file, '.long.test.ts'),
  args: ['--test', '--test-reporter=spec', `--test-timeout=${TEST_MAX_MS}`, file],
});
const TESTS = listTests('long').map(toTestStep);
const MUTATION: Step = { name: 'mutation', args: ['mutation/main.ts'] };

/**
 * Runs a step to its end and prints its line, with the reasons for skipped tests. Prints all of its output only if the step failed.
 * Resolves to true if it passed.
 */
async function runStep({ name, args }: Step): Promise<boolean> {
  const began = performance.now();
  const child = spawn(
    process.execPath,
    ['--conditions=development', '--disable-warning=ExperimentalWarning', ...args],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const hasPassed = code === 0;
  if (!hasPassed) console.log(output);
  const seconds = Math.round((performance.now() - began) / 1_000);
  const reasons = new Set([...output.matchAll(/^ *﹣ .* # (.+)$/gm)].map(([, reason]) => reason));
  const skipped = reasons.size === 0 ? '' : `; skipped: ${[...reasons].join('; ')}`;
  console.log(`${hasPassed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${skipped}`);
  return hasPassed;
}

/** Runs steps in the given order, `atOnce` at a time. Resolves to the number of steps that passed. */
async function runSteps(steps: readonly Step[], atOnce: number): Promise<number> {
  const left = [...steps];
  let passed = 0;
  const work = async (): Promise<void> => {
    for (let step = left.shift(); step !== undefined; step = left.shift())
      if (await runStep(step)) passed += 1;
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return passed;
}

const asked = process.argv.slice(2);
const all = [...TESTS, MUTATION];
const isAsked = ({ name }: Step): boolean =>
  asked.length === 0 || asked.some((start) => name.startsWith(start));
const unknown = asked.filter((name) => !all.some((step) => step.name.startsWith(name)));
if (unknown.length > 0) {
  console.error(
    `Unknown step: ${unknown.join(', ')}. The steps are ${all.map(({ name }) => name).join(', ')}.`,
  );
  process.exit(2);
}
bundleTestPrograms();
const passed =
  (await runSteps(TESTS.filter(isAsked), STEPS_AT_ONCE)) + (await runSteps([MUTATION].filter(isAsked), 1));
const failed = all.filter(isAsked).length - passed;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
