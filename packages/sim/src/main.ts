import { parseArgs } from 'node:util';
import { parsePoint, runEveryOperation, runPoint, toPointText } from './every-operation.ts';
import { toCoverageTable } from './coverage-table.ts';
import { openCentralDatabase, planLines, runSeed, toReplay } from './run-seed.ts';
import type { PlantedDefect } from './run-plan.ts';
import type { CentralDatabase } from './simulated-central.ts';

const { values } = parseArgs({
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
});

const defects: readonly (readonly [
  flag: 'fsync-ignored' | 'directory-sync-ignored',
  defect: PlantedDefect,
])[] = [
  ['fsync-ignored', { fsync: 'ignored' }],
  ['directory-sync-ignored', { fsync: 'files_only' }],
];
const [flag, defect] = defects.find(([name]) => values[name]) ?? [undefined, {}];
const suffix = flag === undefined ? '' : ` --${flag}`;

/** Seeds that share a database of the central, which holds in memory every boat it ever had: some MB each. */
const SEEDS_PER_DATABASE = 100;

const began = performance.now();
const { at } = values;
if (at !== undefined) await withCentral((central) => tryPoint(central, at));
else if (values['every-operation']) await withCentral(tryEveryOperation);
else await trySeeds();

async function withCentral(work: (central: CentralDatabase) => Promise<void>): Promise<void> {
  const central = await openCentralDatabase();
  try {
    await work(central);
  } finally {
    await central.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function finish(brokenCount: number, told: string): void {
  say(`${told}, in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  process.exitCode = brokenCount === 0 ? 0 : 1;
}

async function trySeeds(): Promise<void> {
  const from = toNumber('from', values.from ?? '1');
  const seeds =
    values.seed === undefined
      ? Array.from({ length: toNumber('seeds', values.seeds ?? '100') }, (_, i) => from + i)
      : [toNumber('seed', values.seed)];
  const days = values.days === undefined ? undefined : toNumber('days', values.days);
  const totals: Record<string, number> = {};
  const met: ReadonlyMap<string, number>[] = [];
  let broken = 0;
  const trySeed = async (central: CentralDatabase, seed: number): Promise<void> => {
    if (seeds.length === 1) for (const line of planLines(seed, days)) say(`plan  ${line}`);
    const result = await runSeed(central, seed, days, defect);
    if (values.trace) for (const line of result.lines) say(`trace ${line}`);
    for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count;
    met.push(result.met);
    if (result.violations.length === 0) {
      say(`seed ${seed} clean`);
      return;
    }
    broken += 1;
    for (const violation of result.violations) say(`seed ${seed} BROKEN: ${violation}`);
    say(`again: ${toReplay(seed, result.days)}${suffix}`);
  };
  for (let done = 0; done < seeds.length; done += SEEDS_PER_DATABASE)
    await withCentral(async (central) => {
      for (const seed of seeds.slice(done, done + SEEDS_PER_DATABASE)) await trySeed(central, seed);
    });
  for (const line of toCoverageTable(met)) say(line);
  const told = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
  finish(broken, `${seeds.length} seeds, each twice, ${broken} broken: ${told.join(', ')}`);
}

async function tryEveryOperation(central: CentralDatabase): Promise<void> {
  const share = { every: toNumber('share', values.share), from: toNumber('from', values.from ?? '0') };
  const result = await runEveryOperation(central, share, defect, (point, violations) => {
    for (const violation of violations) say(`${toPointText(point)} BROKEN: ${violation}`);
    say(`again: npm run sim -- --at ${toPointText(point)}${suffix}`);
  });
  for (const [op, count] of result.operations) say(`${String(count).padStart(5)} ${op}`);
  const operations = [...result.operations.values()].reduce((sum, count) => sum + count, 0);
  const part = share.every === 1 ? 'all points' : `every ${share.every}th point`;
  finish(
    result.broken.length,
    `${operations} operations, ${part}: ${result.runs} cuts at one, ${result.pageRuns} after a page of SQLite's, ${result.runsAgain} cut again while starting, ${result.broken.length} broken`,
  );
}

async function tryPoint(central: CentralDatabase, text: string): Promise<void> {
  const { lines, violations } = await runPoint(central, parsePoint(text), defect);
  if (values.trace) for (const line of lines) say(`trace ${line}`);
  for (const violation of violations) say(`${text} BROKEN: ${violation}`);
  finish(violations.length, `power cut at ${text}, ${violations.length} promises broken`);
}

function toNumber(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} is a number, not ${text}`);
  return Number(text);
}
