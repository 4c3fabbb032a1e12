import { type Invocation, parseArguments } from './cli/arguments.ts';
import { runCommand } from './cli/commands.ts';
import { toExitCode } from './cli/exit-code.ts';
import { toHelpText } from './cli/help.ts';
import { runList } from './cli/list-command.ts';
import { openStore, startCentral } from './compose.ts';
import { runChecks, toResultLine } from './conformance/run-checks.ts';
import { type Config, parseConfig } from './config.ts';
import { isCentralFailure } from './platform/errors.ts';
import { createLineLog } from './platform/log.ts';
import type { Log } from './platform/ports.ts';
import { readFirstLine } from './platform/first-line.ts';
import { openNewDirectory } from './platform/new-directory.ts';
import { toPlainJson, toPlainLines } from './platform/plain-text.ts';
import { openReadableFile } from './platform/readable-file.ts';
import { systemFetch, systemRandomHex, systemWall } from './platform/world.ts';

async function main(argv: readonly string[]): Promise<number> {
  const invocation = parseArguments(argv);
  if (invocation.command.kind === 'help') {
    process.stdout.write(toHelpText(invocation.command.topic));
    return 0;
  }
  const config = parseConfig({ ...process.env, ...invocation.environment });
  const log = createLineLog(process.stderr, config.logLevel);
  if (invocation.command.kind === 'serve') return serve(config, invocation, log);
  if (invocation.command.kind === 'conformance') return checkConformance(invocation, invocation.command);
  const open = await openStore(config, 'command', log);
  try {
    const world = {
      store: open.store,
      migrate: () => open.migrate(),
      distribute: open.distribute,
      wall: systemWall,
      randomHex: systemRandomHex,
      openFile: openReadableFile,
      openNewDirectory,
      readLine: () => readFirstLine(process.stdin),
      bodySizeMaxBytes: config.limits.bodySizeMaxBytes,
    };
    if (invocation.command.kind === 'list') {
      await runList(world, invocation.output, (text) => void process.stdout.write(text));
      return 0;
    }
    const result = await runCommand(world, invocation.command);
    print(invocation, result.json, result.text);
    return result.exitCode ?? 0;
  } finally {
    await open.close();
  }
}

/** Prints each result immediately, or all of them as one line of JSON. */
async function checkConformance(
  { output }: Invocation,
  { url, installationId, token }: Extract<Invocation['command'], { kind: 'conformance' }>,
): Promise<number> {
  const subject = { base: url, installationId, token, send: systemFetch, randomHex: systemRandomHex };
  const results = await runChecks(subject, (result) => {
    if (output === 'text') process.stdout.write(`${toPlainLines(toResultLine(result))}\n`);
  });
  const count = (kind: string): number => results.filter((result) => result.kind === kind).length;
  const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
  process.stdout.write(
    output === 'json'
      ? `${toPlainJson({ ...counts, results })}\n`
      : `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`,
  );
  return counts.failed === 0 ? 0 : 1;
}

async function serve(config: Config, invocation: Invocation, log: Log): Promise<number> {
  const stopping = new AbortController();
  const stopped = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        log.write('info', `${signal}: finishing the requests in progress`);
        stopping.abort();
        resolve(undefined);
      });
  });
  const central = await startCentral(config, log, stopping.signal).catch((error: unknown) => {
    if (error !== stopping.signal.reason) throw error;
    return undefined;
  });
  if (central === undefined) return 0;
  print(invocation, { listening: central.url }, `listening on ${central.url}`);
  const reason = await Promise.race([stopped, central.ended]);
  if (reason !== undefined) log.write('error', 'the embedded database ended', { reason });
  await central.stop();
  return reason === undefined ? 0 : 1;
}

function print({ output }: Invocation, json: unknown, text: string): void {
  process.stdout.write(output === 'json' ? `${toPlainJson(json)}\n` : `${toPlainLines(text)}\n`);
}

function reportFailure(error: unknown, argv: readonly string[]): number {
  if (!isCentralFailure(error)) throw error;
  const { message, code, hint } = error;
  process.stderr.write(toPlainLines(`d3kos-central: ${message} [${code}]\n  ${hint}\n`));
  if (argv.includes('--json')) process.stdout.write(`${toPlainJson({ error: message, code, hint })}\n`);
  return toExitCode(code);
}

// The command does not fail because a reader of its output, such as `head`, exits early. It fails if the disk is full.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const argv = process.argv.slice(2);
process.exitCode = await main(argv).catch((error: unknown) => reportFailure(error, argv));
