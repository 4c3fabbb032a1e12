// `npm run boat-lab [-- OPTIONS]`: an emulated Raspberry Pi that loses power while it exports.
// Exits with 1 if a promise was broken, if a control run found no loss, or if a test failed.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { parseOptions } from '../scripts/parse-options.ts';
import { LAB_CACHE } from '../tests/support/booted-root.ts';
import { createProcesses } from '../tests/support/processes.ts';
import { runArm64Tests } from './arm64-tests.ts';
import { findLabObstacle } from './builder.ts';
import { clearLabCache } from './lab-cache.ts';
import { type Emulator, openEmulator, openLab } from './lab.ts';
import { keepCard, type Lab, live, REAL_BOOT_ONE_IN } from './life.ts';
import { describeStarts, type RunCounts, describeRun } from './report.ts';
import { type Control, runControl } from './self-check.ts';

const USAGE = `Usage: npm run boat-lab [-- OPTIONS]
       npm run boat-lab -- --tests [FILE …]

Emulates a Raspberry Pi with the arm64 package installed, and cuts its power while it exports and
uploads to a central on this machine. Each life ends with one or two power cuts; afterwards central is
compared with the boat's sources. Needs root on Linux. The boat's system and card are kept in
${LAB_CACHE}.

  --lives N     number of lives; default: 100
  --seed N      seed of the first life; each further life uses the next seed
  --self-check  break durability instead, without fsync and with a card that ignores flushes; the
                lab must report losses
  --tests       run the boat's and the protocol's tests once on the emulated machine instead, or only
                the given files
  --fresh       rebuild everything in the cache
  --help        show this help
`;

/** The exit code of a skipped run, as in Automake's tests. */
const SKIPPED = 77;
const CONTROLS: readonly Control[] = ['without fsync', 'flush ignored'];

const { values, positionals } = parseOptions(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      lives: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
      'self-check': { type: 'boolean', default: false },
      tests: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
    },
  }),
);

function toCount(name: 'lives' | 'seed'): number {
  const text = values[name];
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  console.error(`boat-lab: --${name} expects a whole number, not "${text}"`);
  process.exit(2);
}

/** Runs the lives. Resolves to the number of failed lives. */
async function runLives(lab: Lab, seed: number, lives: number): Promise<number> {
  const counts: RunCounts = {
    lives: 0,
    boots: 0,
    cuts: 0,
    acknowledged: 0,
    delivered: 0,
    failed: 0,
    starts: [],
  };
  for (let life = 0; life < lives; life += 1) {
    const lifeSeed = seed + life;
    counts.lives += 1;
    try {
      const result = await live(lab, lifeSeed, lifeSeed % REAL_BOOT_ONE_IN === 0 ? 'boots' : 'stays off');
      counts.boots += result.boots;
      counts.cuts += result.cuts;
      counts.acknowledged += result.acknowledged;
      counts.delivered += result.delivered;
      if (result.started !== undefined) counts.starts.push(result.started);
    } catch (error) {
      counts.failed += 1;
      console.error(`FAILED, replay: npm run boat-lab -- --lives 1 --seed ${lifeSeed}`);
      const card = keepCard(lab, LAB_CACHE, lifeSeed);
      if (card !== undefined) console.error(`The card is kept as ${card}.`);
      console.error(error);
    }
  }
  console.log(describeStarts(lab.card.measured, counts.starts, loadavg()));
  console.log(`boat-lab, seed ${seed}: ${describeRun(counts)}`);
  return counts.failed;
}

/** Runs the controls. Resolves to the number of those that found no loss. */
async function runControls(lab: Lab, seed: number): Promise<number> {
  let blind = 0;
  for (const control of CONTROLS) {
    const { lives, acknowledged, lost } = await runControl(lab, control, seed);
    console.log(
      `boat-lab, seed ${seed}, ${control}: ${lives} lives, ${acknowledged} exports acknowledged, ${lost} lost${lost === 0 ? ': the lab FAILED to find losses' : ''}`,
    );
    if (lost === 0) blind += 1;
  }
  return blind;
}

/** Runs the tests on the emulated machine. Resolves to the number of failed tests, or to 1 if no test passed. */
async function runTests(emulator: Emulator): Promise<number> {
  const { passed, failed, skipped, minutes, report } = await runArm64Tests(emulator, positionals);
  if (failed !== 0) console.log(report);
  console.log(
    `boat-lab, tests on arm64: ${passed} passed, ${failed} failed, ${skipped} skipped, ${minutes.toFixed(0)} minutes`,
  );
  return passed > 0 ? failed : 1;
}

async function main(): Promise<number> {
  const [seed, lives] = [toCount('seed'), toCount('lives')];
  if (positionals.length > 0 && !values.tests) {
    console.error(`boat-lab: ${positionals.join(', ')}: files need --tests`);
    return 2;
  }
  const obstacle = findLabObstacle();
  if (obstacle !== undefined) {
    console.log(`boat-lab: skipped: ${obstacle}`);
    return SKIPPED;
  }
  if (values.fresh) clearLabCache();
  const endings: (() => Promise<void>)[] = [];
  const processes = createProcesses({ after: (ending) => void endings.push(ending) });
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        console.error(`boat-lab: interrupted by ${signal}`);
        resolve(1);
      });
  });
  const run = async (): Promise<number> => {
    const report = (line: string): void => console.log(line);
    if (values.tests) return (await runTests(await openEmulator(processes, report))) === 0 ? 0 : 1;
    const lab = await openLab(processes, report);
    const failures = values['self-check'] ? await runControls(lab, seed) : await runLives(lab, seed, lives);
    return failures === 0 ? 0 : 1;
  };
  try {
    return await Promise.race([run(), interrupted]);
  } finally {
    for (const ending of endings) await ending();
  }
}

// The run may still be waiting for a program that was killed.
process.exit(await main());
