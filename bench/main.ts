// npm run bench -- NAME [--json] [--rows N] [--repetitions N] [--idle-seconds N] [--folder DIR]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions } from '../scripts/parse-options.ts';
import { benchCentral, benchImports } from './central.ts';
import { measureFlatness } from './central-flat.ts';
import { benchInline } from './central-inline.ts';
import { benchNodes } from './central-nodes.ts';
import { benchCollect } from './collect.ts';
import { benchDeliver } from './deliver.ts';
import { type Figure, toTable } from './figure.ts';
import { benchFleet } from './fleet.ts';
import { benchHostile } from './hostile.ts';
import { benchPages } from './pages.ts';
import { benchQueue } from './queue.ts';
import type { Bench, BenchOptions } from './run.ts';
import { benchScale } from './scale.ts';
import { benchStart } from './start.ts';

const BENCHES: ReadonlyMap<string, { readonly bench: Bench; readonly what: string }> = new Map([
  [
    'central',
    { bench: benchCentral, what: 'imports compared with the bare database, and costs that must not grow' },
  ],
  [
    'imports',
    {
      bench: benchImports,
      what: 'only ordinary exports from `central`, with the CPU time of one export',
    },
  ],
  [
    'inline',
    { bench: benchInline, what: 'the size up to which a body is prepared faster without another thread' },
  ],
  [
    'nodes',
    { bench: benchNodes, what: 'whether a second node of central and a second core store more exports' },
  ],
  ['collect', { bench: benchCollect, what: 'export of a large boatlog and its effect on the daemon' }],
  [
    'hostile',
    { bench: benchHostile, what: 'an honest boat and the health answers while hostile boats attack central' },
  ],
  [
    'flat',
    {
      bench: measureFlatness,
      what: 'only the costs of central that must not grow with records and boats',
    },
  ],
  ['fleet', { bench: benchFleet, what: 'the fleet page with 10,000 boats, and its queries with 100,000' }],
  ['scale', { bench: benchScale, what: 'what one daily export costs central; the input of npm run scale' }],
  [
    'start',
    { bench: benchStart, what: 'time from starting the export manager to the first answer of its API' },
  ],
  ['queue', { bench: benchQueue, what: 'durable queue cycles and fsyncs per delivered export' }],
  [
    'pages',
    {
      bench: benchPages,
      what: "size, start and scrolling of the boat's page, and its cost in an idle daemon",
    },
  ],
  [
    'deliver',
    {
      bench: benchDeliver,
      what: 'time to the receipt, recovery after a link failure, bytes sent in 30 days, and an idle boat',
    },
  ],
]);
const USAGE = `Usage: npm run bench -- NAME [--json] [--rows N] [--repetitions N] [--idle-seconds N] [--folder DIR]

  --json            print one line of JSON per figure instead of a table
  --rows            boatlog entries on the large boat (collect and central; default 1000000)
  --repetitions     measurements of each side, interleaved; figures are medians (default 3)
  --idle-seconds    duration of the idle measurement (deliver, pages; default 60, published figures use 600)
  --folder          parent folder of the run, on the disk to be measured (default: the temporary folder)

Benchmarks:
${[...BENCHES].map(([name, { what }]) => `  ${name.padEnd(10)}${what}`).join('\n')}
`;

interface Invocation {
  readonly name: string;
  readonly output: 'json' | 'table';
  readonly parent: string;
  readonly options: BenchOptions;
}

function parseInvocation(): Invocation | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      repetitions: { type: 'string', default: '3' },
      'idle-seconds': { type: 'string', default: '60' },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const [name, ...more] = positionals;
  if (name === undefined) return undefined;
  if (more.length > 0) throw new Error(`expected one name, got ${positionals.join(' ')}`);
  return {
    name,
    output: values.json ? 'json' : 'table',
    parent: values.folder,
    options: {
      rows: parseCount('--rows', values.rows, 100),
      repetitions: parseCount('--repetitions', values.repetitions, 1),
      idleSeconds: parseCount('--idle-seconds', values['idle-seconds'], 1),
    },
  };
}

function parseCount(name: string, text: string, min: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min)
    throw new Error(`${name} expects an integer of at least ${min}, got ${text}`);
  return value;
}

async function runBench(bench: Bench, invocation: Invocation): Promise<void> {
  const stopping = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stopping.abort(new Error(`stopped by ${name}`)));
  const folder = mkdtempSync(join(invocation.parent, `d3kos-bench-${invocation.name}-`));
  const figures: Figure[] = [];
  try {
    await bench({
      options: invocation.options,
      folder,
      signal: stopping.signal,
      report: (figure) => {
        figures.push(figure);
        if (invocation.output === 'json') process.stdout.write(`${JSON.stringify(figure)}\n`);
      },
      logProgress: (text) => process.stderr.write(`bench: ${text}\n`),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    // Figures that were measured before a failure are also printed.
    if (invocation.output === 'table') for (const line of toTable(figures)) console.log(line);
  }
}

async function main(): Promise<number> {
  const invocation = parseOptions(USAGE, parseInvocation);
  if (invocation === undefined) {
    console.log(USAGE);
    return 0;
  }
  const found = BENCHES.get(invocation.name);
  if (found === undefined) {
    process.stderr.write(`unknown benchmark ${invocation.name}\n\n${USAGE}`);
    return 2;
  }
  await runBench(found.bench, invocation);
  return 0;
}

process.exitCode = await main();
