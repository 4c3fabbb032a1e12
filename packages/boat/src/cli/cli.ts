import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import type { DoctorMode } from '../export-manager.ts';
import { isExportError } from '../platform/errors.ts';
import type { Clock, Disk, Transport } from '../platform/ports.ts';
import { type Api, createApi } from './api.ts';
import {
  cleanupAnswer,
  entryAnswer,
  generateAnswer,
  historyAnswer,
  previewAnswer,
  queueAnswer,
  statusAnswer,
} from './api-answers.ts';
import { type Command, parseCommand, toOutputFormat, USAGE } from './arguments.ts';
import { runBoot } from './boot.ts';
import { runBundle } from './bundle.ts';
import { runDaily } from './daily.ts';
import { runDoctor } from './doctor.ts';
import { EXIT, type ExitCode, toExitCode } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';
import { type ConfigWorld, describeConfig, readConfig } from './show-config.ts';
import {
  toCleanupLines,
  toEntryLines,
  toGenerateLines,
  toHistoryLines,
  toPreviewLines,
  toQueueLines,
  toStatusLines,
} from './tables.ts';

/** Everything the command line needs of the world. */
export interface CliWorld extends ConfigWorld {
  readonly clock: Clock;
  /** Its limit of silence is how long an export may take to be made before `generate` stops waiting for the answer. */
  readonly transport: Transport;
  /** Where a bundle is written, with the rights of who runs the command. */
  readonly disk: Disk;
  /** A path as it was typed, absolute. */
  readonly toAbsolute: (path: string) => string;
  /** One line to standard output, without its end. */
  readonly stdout: (line: string) => void;
  /** One line to standard error. */
  readonly stderr: (line: string) => void;
  /** Runs the export manager until `signal` aborts; gives the exit code. */
  readonly serve: () => Promise<number>;
  /** Examines the files themselves; only where no export manager runs. Gives what `GET /export/doctor` would. */
  readonly diagnose: (mode: DoctorMode) => Promise<unknown>;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/**
 * The program `d3kos-export`: parses the arguments (without the program's own name), does what they ask, writes the
 * result to standard output, and gives the exit code of `exit-codes.ts`. Rejects only for faults of ours.
 */
export async function runCli(argv: readonly string[], world: CliWorld): Promise<number> {
  const output = createOutput(toOutputFormat(argv), world.stdout, world.stderr);
  const { signal } = world;
  try {
    return await run(parseCommand(argv), world, output);
  } catch (error) {
    if (signal.aborted && error === signal.reason) {
      world.stderr('Interrupted; the export manager goes on');
      return EXIT.interrupted;
    }
    if (!isExportError(error)) throw error;
    output.failure(error);
    return toExitCode(error.code);
  }
}

async function run(command: Command, world: CliWorld, output: Output): Promise<number> {
  switch (command.kind) {
    case 'help':
      world.stdout(USAGE);
      return EXIT.done;
    case 'version':
      output.result({ success: true, name: 'd3kos-export', version: SOFTWARE_VERSION }, [
        `d3kos-export ${SOFTWARE_VERSION}`,
      ]);
      return EXIT.done;
    case 'serve':
      return world.serve();
    case 'config': {
      const { raw, lines } = await describeConfig(world);
      output.result(raw, lines);
      return EXIT.done;
    }
    default: {
      const { config } = await readConfig(world);
      const api = createApi(world.transport, `http://${config.host}:${config.port}`, world.signal);
      if (command.kind === 'doctor')
        return runDoctor({ api, output, diagnose: world.diagnose }, command.mode);
      if (command.kind === 'bundle')
        return runBundle(
          { api, disk: world.disk, output },
          world.toAbsolute(command.directory),
          command.scope,
        );
      return ask(command, api, { clock: world.clock, output, signal: world.signal });
    }
  }
}

type ClientCommand = Exclude<
  Command,
  { readonly kind: 'help' | 'version' | 'serve' | 'config' | 'bundle' | 'doctor' }
>;

/** The commands that ask the running export manager. */
async function ask(
  command: ClientCommand,
  api: Api,
  context: { readonly clock: Clock; readonly output: Output; readonly signal: AbortSignal },
): Promise<ExitCode> {
  const { output } = context;
  switch (command.kind) {
    case 'boot':
      return runBoot({ ...context, api });
    case 'daily':
      return runDaily({ ...context, api });
    case 'generate': {
      const body = { type: command.type, trigger: 'manual' };
      const answer = await api.call({ method: 'POST', path: '/export/generate', body }, generateAnswer);
      output.result(answer.raw, toGenerateLines(answer.value));
      return EXIT.done;
    }
    case 'status': {
      const answer = await api.call({ method: 'GET', path: '/export/status' }, statusAnswer);
      output.result(answer.raw, toStatusLines(answer.value));
      return EXIT.done;
    }
    case 'queue_list': {
      const answer = await api.call({ method: 'GET', path: '/export/queue' }, queueAnswer);
      output.result(answer.raw, toQueueLines(answer.value));
      return EXIT.done;
    }
    case 'queue_retry':
    case 'queue_cancel': {
      const path = `/export/queue/${encodeURIComponent(command.queueId)}`;
      const answer =
        command.kind === 'queue_retry'
          ? await api.call({ method: 'POST', path: `${path}/retry` }, entryAnswer)
          : await api.call({ method: 'DELETE', path }, entryAnswer);
      output.result(answer.raw, toEntryLines(answer.value.entry));
      return EXIT.done;
    }
    case 'queue_cleanup': {
      const answer = await api.call({ method: 'POST', path: '/export/queue/cleanup' }, cleanupAnswer);
      output.result(answer.raw, toCleanupLines(answer.value));
      return EXIT.done;
    }
    case 'history': {
      const path = `/export/history?limit=${command.limit}`;
      const answer = await api.call({ method: 'GET', path }, historyAnswer);
      output.result(answer.raw, toHistoryLines(answer.value));
      return EXIT.done;
    }
    case 'preview': {
      const path = `/export/preview?type=${command.type}`;
      const answer = await api.call({ method: 'GET', path }, previewAnswer);
      output.result(answer.raw, toPreviewLines(answer.value));
      return EXIT.done;
    }
    default:
      return command satisfies never;
  }
}
