import { resolve } from 'node:path';
import { toDoctorAnswer } from './answers.ts';
import { runCli } from './cli/cli.ts';
import { EXIT, toExitCode } from './cli/exit-codes.ts';
import { readConfig } from './cli/show-config.ts';
import { createWorld } from './compose.ts';
import { CONFIG_SIZE_MAX_BYTES } from './config.ts';
import { diagnose } from './diagnose.ts';
import type { DoctorMode } from './export-manager.ts';
import { createClock } from './platform/clock.ts';
import { createDisk } from './platform/disk.ts';
import { isExportError } from './platform/errors.ts';
import { putLegacyServicesBack } from './platform/legacy-services.ts';
import { createServiceNotifier } from './platform/service-notifier.ts';
import { readSupportFacts } from './platform/support-facts.ts';
import { decodeText } from './platform/text.ts';
import { replaceShared } from './platform/shared-file.ts';
import { createTransport } from './platform/transport.ts';
import { type RestoreRequest, restoreFiles } from './restore-files.ts';
import type { RestorePlan } from './restore/restore.ts';
import { handOver } from './roll-back.ts';
import { serveBoat } from './serve.ts';

/** Timeout for a command's answer: long enough for an export of a million rows on a slow card. */
const ANSWER_SILENCE_MS = 15 * 60_000;

/** Denies other users access to new files. The modes of the two JSON views and their folder are set explicitly. */
const UMASK = 0o077;
process.umask(UMASK);

// If the reader of its output exits early, as `head` does, the command does not fail. It does fail if the disk is full.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort(new Error(name)));

const disk = createDisk();
const http = createTransport({ silenceMs: ANSWER_SILENCE_MS });
process.exitCode = await runCli(process.argv.slice(2), {
  clock: createClock(),
  transport: http.transport,
  environment: process.env,
  readFile,
  disk,
  replaceShared,
  toAbsolute: (path) => resolve(path),
  signal: stopping.signal,
  stdout: (line) => process.stdout.write(`${line}\n`),
  stderr: (line) => process.stderr.write(`${line}\n`),
  serve: () => serve(),
  diagnose: (mode) => diagnoseFiles(mode),
  supportFacts: () => readSupportFacts('d3kos-export-manager.service'),
  restore: (request) => restore(request),
  rollBack: (scope) => (scope === 'data' ? handOverFiles() : putLegacyServicesBack()),
});
http.close();

async function readFile(path: string): Promise<string | undefined> {
  const bytes = await disk.read(path, CONFIG_SIZE_MAX_BYTES, 'follow');
  return bytes === undefined ? undefined : decodeText(bytes);
}

/** Runs the doctor on the files. Log lines go to standard error, because the report goes to standard output. */
async function diagnoseFiles(mode: DoctorMode): Promise<unknown> {
  const { config } = await readConfig({ environment: process.env, readFile });
  return toDoctorAnswer(await diagnose(createWorld(process.env), config, mode, stopping.signal));
}

async function restore(request: RestoreRequest): Promise<RestorePlan> {
  const { config } = await readConfig({ environment: process.env, readFile });
  const world = createWorld(process.env);
  return restoreFiles(world, config, request, stopping.signal);
}

async function handOverFiles(): Promise<readonly string[]> {
  const { config } = await readConfig({ environment: process.env, readFile });
  return (await handOver(createWorld(process.env), config)).undelivered;
}

async function serve(): Promise<number> {
  const { config } = await readConfig({ environment: process.env, readFile });
  const world = createWorld(process.env);
  try {
    await serveBoat(world, createServiceNotifier(world, process.env), config, stopping.signal);
    return EXIT.done;
  } catch (error) {
    if (!isExportError(error)) throw error;
    world.log.write('error', `${error.message} [${error.code}]`, { hint: error.hint });
    return toExitCode(error.code);
  }
}
