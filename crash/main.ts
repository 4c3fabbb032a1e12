import { parseArgs } from 'node:util';
import { parseOptions } from '../scripts/parse-options.ts';
import { createProcesses, type Processes } from '../tests/support/processes.ts';
import { insertCard } from './card.ts';
import { CARD_SIZE_BYTES, cutPower } from './cut-power.ts';
import { killBoat } from './kill-boat.ts';
import { killCentral } from './kill-central.ts';
import type { CrashCounts, CrashRun } from './run.ts';

const USAGE = `Kills real processes and cuts the power of a card, in rounds. Exits with 1 if anything was lost, stored twice or stuck.

Usage: npm run crash [-- OPTIONS]

  --kills N  kills of the boat and of central; default: 500
  --cuts N   power cuts of a boat with its own card; default: 100
  --seed N   seed for the kills and cuts; default: a new one, which is printed
`;

/**
 * Maximum number of kills or cuts in a round. Each round has a new boat and a new central, so that a failure can be replayed
 * within minutes.
 */
const KILLS_PER_ROUND = 100;
const CUTS_PER_ROUND = 25;
/** One kill in CENTRAL_ONE_IN kills central. After each of these, central and its database must be started again. */
const CENTRAL_ONE_IN = 10;

const { values } = parseOptions(USAGE, () =>
  parseArgs({
    options: {
      kills: { type: 'string', default: '500' },
      cuts: { type: 'string', default: '100' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    },
  }),
);
const requested = { kills: toCount('kills'), cuts: toCount('cuts'), seed: toCount('seed') };

function toCount(name: keyof typeof values): number {
  const text = values[name];
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  console.error(`--${name} expects a whole number, not "${text}".`);
  process.exit(2);
}

const done = { boatKills: 0, centralKills: 0, cuts: 0, acknowledged: 0, delivered: 0, failures: 0 };

/** Runs one round with its own processes, which have all ended when it returns. */
async function runRound(
  name: string,
  run: Omit<CrashRun, 'report'>,
  replay: string,
  work: (processes: Processes, run: CrashRun) => Promise<CrashCounts>,
): Promise<void> {
  const endings: (() => Promise<void>)[] = [];
  const processes = createProcesses({ after: (ending) => void endings.push(ending) });
  try {
    const report = (line: string): void => console.log(`${name}, seed ${run.seed}: ${line}`);
    const counts = await work(processes, { ...run, report });
    done.acknowledged += counts.acknowledged;
    done.delivered += counts.delivered;
  } catch (error) {
    done.failures += 1;
    console.error(`FAILED ${name}, replay: npm run crash -- ${replay} --seed ${run.seed}`);
    console.error(error);
  } finally {
    for (const ending of endings) await ending();
  }
}

/** Splits a count into rounds of at most `most` each. */
function toRounds(count: number, most: number): readonly number[] {
  return Array.from({ length: Math.ceil(count / most) }, (_, round) => Math.min(most, count - round * most));
}

for (const [round, times] of toRounds(requested.kills, KILLS_PER_ROUND).entries()) {
  const seed = requested.seed + round;
  const replay = `--kills ${times} --cuts 0`;
  const centralKills = Math.floor(times / CENTRAL_ONE_IN);
  const boatKills = times - centralKills;
  await runRound(`${boatKills} kills of the boat`, { times: boatKills, seed }, replay, killBoat);
  done.boatKills += boatKills;
  if (centralKills === 0) continue;
  await runRound(`${centralKills} kills of central`, { times: centralKills, seed }, replay, killCentral);
  done.centralKills += centralKills;
}

let skipped = '';
for (const [round, times] of toRounds(requested.cuts, CUTS_PER_ROUND).entries()) {
  const card = insertCard(CARD_SIZE_BYTES);
  if (card.kind === 'unavailable') {
    skipped = ` (skipped: ${card.reason})`;
    break;
  }
  const run = { times, seed: requested.seed + round };
  await runRound(`${times} power cuts`, run, `--kills 0 --cuts ${times}`, (processes, reported) => {
    processes.atEnd(() => card.close());
    return cutPower(processes, card, reported);
  });
  done.cuts += times;
}

const outcome = done.failures === 0 ? '0 lost, 0 twice, 0 stuck' : `${done.failures} rounds FAILED`;
console.log(
  `crash, seed ${requested.seed}: ${done.boatKills} kills of the boat, ${done.centralKills} of central, ${done.cuts} power cuts${skipped}; ` +
    `${done.acknowledged} acknowledged of ${done.delivered} delivered exports: ${outcome}`,
);
process.exitCode = done.failures === 0 ? 0 : 1;
