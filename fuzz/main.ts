// npm run fuzz -- [--seconds N] [--target NAME] [--seed N]
import { createHash, randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions } from '../scripts/parse-options.ts';
import { runTargets, type TargetReport } from './run-targets.ts';
import { TARGETS } from './targets.ts';

const FINDINGS = join(import.meta.dirname, '..', '.artifacts', 'fuzz');
const USAGE = `Usage: npm run fuzz -- [--seconds N] [--target NAME] [--seed N]

  --seconds   total time for all targets, in seconds (default 60)
  --target    fuzz only one target: ${TARGETS.map(({ name }) => name).join(', ')}
  --seed      seed for the inputs (default: a random one, which is printed)
`;

const { names, seconds, seed } = parseOptions(USAGE, () => {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const selected = TARGETS.map(({ name }) => name).filter((name) => name === (values.target ?? name));
  if (selected.length === 0) throw new Error(`unknown target: ${values.target}`);
  const parsed = { seconds: Number(values.seconds), seed: Number(values.seed ?? randomInt(2 ** 30)) };
  if (!(parsed.seconds > 0)) throw new Error(`--seconds must be a positive number, not ${values.seconds}`);
  if (!Number.isSafeInteger(parsed.seed))
    throw new Error(`--seed must be a whole number, not ${values.seed}`);
  return { names: selected, ...parsed };
});

/** Writes a finding's input to a file that can be added to the corpus. */
function saveFinding({ finding }: TargetReport): void {
  if (finding === undefined) return;
  const digest = createHash('sha256').update(finding.input).digest('hex').slice(0, 12);
  const path = join(FINDINGS, `${finding.target}-${digest}`);
  mkdirSync(FINDINGS, { recursive: true });
  writeFileSync(path, finding.input);
  console.log(`  ${finding.reason}\n  The input is ${path} (${finding.input.length} bytes).`);
}

console.log(`seed ${seed}`);
let executions = 0;
let findings = 0;
for await (const report of runTargets(names, { seconds, seed })) {
  const { target, facts, finding } = report;
  executions += facts?.executions ?? 0;
  if (finding !== undefined) findings += 1;
  const perSecond = Math.round((facts?.executions ?? 0) / report.seconds);
  console.log(
    `${finding === undefined ? 'ok    ' : 'FOUND '} ${target}: ${facts?.executions ?? '?'} executions (${perSecond}/s), ` +
      `${facts?.growths ?? '?'} growing strings, ${facts?.pool ?? '?'} inputs kept`,
  );
  saveFinding(report);
}
console.log(`${executions} executions, ${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
