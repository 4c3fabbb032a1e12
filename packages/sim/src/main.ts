import { parseArgs } from 'node:util';
import { parseOptions } from '../../../scripts/parse-options.ts';
import { toCoverageTable } from './coverage-table.ts';
import type { Coverage } from './coverage.ts';
import { type BrokenPoint, runEveryOperation, runPoint } from './every-operation.ts';
import { runSeed, toPlanLines, toReplay } from './run-seed.ts';
import type { PlantedDefect } from './run-plan.ts';
import { type CentralDatabase, openCentralDatabase } from './simulated-central.ts';
import { parsePoint, toPointText } from './small-scenario.ts';

const USAGE = `Runs the real boat and the real central in simulated time, with faults and power cuts.

Usage:
  npm run sim -- [--seeds N] [--from N] [--days N]
  npm run sim -- --seed N [--days N] [--trace]
  npm run sim -- --every-operation [--share N] [--from N]
  npm run sim -- --at POINT [--trace]

Options:
  --seeds N             run N seeds, each twice (default: 100)
  --from N              first seed (default: 1), or first point of a share (default: 0)
  --seed N              run one seed and print its plan
  --days N              virtual days (default: 3, and 40 for every tenth seed)
  --trace               print every event
  --every-operation     cut the power at every operation of a small scenario
  --share N             run only every Nth point (default: 1)
  --at POINT            cut the power at one point, for example 1.17-lost
  --fsync-ignored       planted defect: the card ignores fsync
  --directory-sync-ignored
                        planted defect: the card ignores fsync of directories
  --help                print this help
`;

const { values } = parseOptions(USAGE, () =>
  parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      from: { type: 'string' },
      days: { type: 'string' },
      trace: { type: 'boolean', default: false },
      'every-operation': { type: 'boolean', default: false },
      share: { type: 'string', default: '1' },
      at: { type: 'string' },
      'fsync-ignored': { type: 'boolean', default: false },
      'directory-sync-ignored': { type: 'boolean', default: false },
    },
  }),
);

const DEFECTS = [
  ['fsync-ignored', { fsync: 'ignored' }],
  ['directory-sync-ignored', { fsync: 'files_only' }],
] as const;
const [flag, defect]: readonly [string | undefined, PlantedDefect] = DEFECTS.find(
  ([name]) => values[name],
) ?? [undefined, {}];
const suffix = flag === undefined ? '' : ` --${flag}`;

/** Number of points between two lines of progress. They take minutes. */
const POINTS_PER_PROGRESS = 250;
/** Number of seeds that share one database. The database keeps a few MB in memory for each boat it has ever stored. */
const SEEDS_PER_DATABASE = 100;

const beganMs = performance.now();
const { at } = values;
if (at !== undefined) await withCentral((central) => runOnePoint(central, at));
else if (values['every-operation']) await withCentral(runAllPoints);
else await runSeeds();

async function withCentral(work: (central: CentralDatabase) => Promise<void>): Promise<void> {
  const central = await openCentralDatabase();
  try {
    await work(central);
  } finally {
    await central.close();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function finish(brokenCount: number, summary: string): void {
  print(`${summary}, in ${((performance.now() - beganMs) / 1_000).toFixed(1)} s`);
  process.exitCode = brokenCount === 0 ? 0 : 1;
}

async function runSeeds(): Promise<void> {
  const from = toNumber('from', values.from ?? '1');
  const seeds =
    values.seed === undefined
      ? Array.from({ length: toNumber('seeds', values.seeds ?? '100') }, (_, i) => from + i)
      : [toNumber('seed', values.seed)];
  const days = values.days === undefined ? undefined : toNumber('days', values.days);
  const totals: Record<string, number> = {};
  const coverages: Coverage[] = [];
  let broken = 0;
  const runOne = async (central: CentralDatabase, seed: number): Promise<void> => {
    if (seeds.length === 1) for (const line of toPlanLines(seed, days)) print(`plan  ${line}`);
    const result = await runSeed(central, seed, { days, defect });
    if (values.trace) for (const line of result.lines) print(`trace ${line}`);
    for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count;
    coverages.push(result.coverage);
    if (result.violations.length === 0) {
      print(`seed ${seed} clean`);
      return;
    }
    broken += 1;
    for (const violation of result.violations) print(`seed ${seed} BROKEN: ${violation}`);
    print(`replay: ${toReplay(seed, result.days)}${suffix}`);
  };
  for (let done = 0; done < seeds.length; done += SEEDS_PER_DATABASE)
    await withCentral(async (central) => {
      for (const seed of seeds.slice(done, done + SEEDS_PER_DATABASE)) await runOne(central, seed);
    });
  for (const line of toCoverageTable(coverages)) print(line);
  const counts = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
  finish(broken, `${seeds.length} seeds, each run twice, ${broken} broken: ${counts.join(', ')}`);
}

async function runAllPoints(central: CentralDatabase): Promise<void> {
  const share = { every: toNumber('share', values.share), from: toNumber('from', values.from ?? '0') };
  const report = ({ point, violations }: BrokenPoint): void => {
    for (const violation of violations) print(`${toPointText(point)} BROKEN: ${violation}`);
    print(`replay: npm run sim -- --at ${toPointText(point)}${suffix}`);
  };
  const logProgress = (done: number, all: number): void => {
    if (done % POINTS_PER_PROGRESS === 0) console.error(`${done} of ${all} points`);
  };
  const result = await runEveryOperation(central, share, { defect }, report, logProgress);
  for (const [op, count] of result.operations) print(`${String(count).padStart(5)} ${op}`);
  const operations = [...result.operations.values()].reduce((sum, count) => sum + count, 0);
  const points = share.every === 1 ? 'all points' : `every ${share.every}th point`;
  finish(
    result.broken.length,
    `${operations} operations, ${points}: ${result.runs} cuts at an operation, ${result.pageRuns} after a page that SQLite wrote, ${result.runsAgain} cut again during the next start, ${result.broken.length} broken`,
  );
}

async function runOnePoint(central: CentralDatabase, text: string): Promise<void> {
  const { lines, violations } = await runPoint(central, parsePoint(text), { defect });
  if (values.trace) for (const line of lines) print(`trace ${line}`);
  for (const violation of violations) print(`${text} BROKEN: ${violation}`);
  finish(violations.length, `power cut at ${text}, ${violations.length} promises broken`);
}

function toNumber(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} expects a number, not ${text}`);
  return Number(text);
}
