import { parseArgs } from 'node:util';
import { openShoreDatabase, planLines, runSeed, toReplay } from './run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    days: { type: 'string', default: '3' },
    trace: { type: 'boolean', default: false },
    'fsync-ignored': { type: 'boolean', default: false },
  },
});

const days = toNumber('days', values.days);
const seeds =
  values.seed === undefined
    ? Array.from(
        { length: toNumber('seeds', values.seeds ?? '100') },
        (_, i) => toNumber('from', values.from) + i,
      )
    : [toNumber('seed', values.seed)];

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const database = await openShoreDatabase();
const totals: Record<string, number> = {};
let failed = 0;
const began = performance.now();
for (const seed of seeds) {
  if (seeds.length === 1) for (const line of planLines(seed, days)) say(`plan  ${line}`);
  const result = await runSeed(database, seed, days, {
    isFsyncIgnored: values['fsync-ignored'],
  });
  if (values.trace) for (const line of result.lines) say(`trace ${line}`);
  for (const [name, count] of Object.entries(result.counts)) totals[name] = (totals[name] ?? 0) + count;
  if (result.violations.length === 0) {
    say(`seed ${seed} clean`);
    continue;
  }
  failed += 1;
  for (const violation of result.violations) say(`seed ${seed} BROKEN: ${violation}`);
  say(`again: ${toReplay(seed, days)}${values['fsync-ignored'] ? ' --fsync-ignored' : ''}`);
}
await database.close();
const seconds = ((performance.now() - began) / 1_000).toFixed(1);
const told = Object.entries(totals).map(([name, count]) => `${count} ${name}`);
say(`${seeds.length} seeds, ${failed} broken, ${days} days each, twice, in ${seconds} s: ${told.join(', ')}`);
process.exitCode = failed === 0 ? 0 : 1;

function toNumber(name: string, text: string): number {
  if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} is a number, not ${text}`);
  return Number(text);
}
