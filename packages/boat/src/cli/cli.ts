import { join } from 'node:path';
import { SOFTWARE_VERSION } from '../platform/software-version.ts';
import type { DoctorMode } from '../export-manager.ts';
import { isExportError } from '../platform/errors.ts';
import type { Clock, Disk, Transport } from '../platform/ports.ts';
import { type Api, type ApiAnswer, createApi } from './api.ts';
import type { Answer, JsonRouteName } from '../api/contract.ts';
import { parseCommand, toOutputFormat } from './arguments.ts';
import { toCompletionScript } from './completion.ts';
import { type Command, createProgram, type RollbackScope } from './program.ts';
import { runBoot } from './boot.ts';
import { runBundle } from './bundle.ts';
import { runDaily } from './daily.ts';
import { runDoctor } from './doctor.ts';
import { runEnroll } from './enroll.ts';
import { EXIT, type ExitCode, toExitCode } from './exit-codes.ts';
import { createOutput, type Output } from './output.ts';
import type { RestoreRequest } from '../restore-files.ts';
import type { RestorePlan } from '../restore/restore.ts';
import { runRestore } from './restore.ts';
import type { SupportFacts } from '../platform/support-facts.ts';
import { runSupportBundle } from './support-bundle.ts';
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

/** Dependencies of the command line. */
export interface CliWorld extends ConfigWorld {
  readonly clock: Clock;
  /** Its silence limit must exceed the duration of the longest export that `generate` waits for. */
  readonly transport: Transport;
  /** The disk that bundles are written to, accessed as the user who runs the command. */
  readonly disk: Disk;
  /** See `replaceShared` in platform/shared-file.ts. */
  readonly replaceShared: (path: string, bytes: Uint8Array) => Promise<void>;
  /** Converts a command-line path to an absolute path. */
  readonly toAbsolute: (path: string) => string;
  /** Writes a line to standard output and adds the newline. */
  readonly stdout: (line: string) => void;
  /** Writes a line to standard error. */
  readonly stderr: (line: string) => void;
  /** Runs the export manager until `signal` aborts. Resolves with the exit code. */
  readonly serve: () => Promise<number>;
  /** Runs the doctor on the files while no export manager runs. Resolves with the answer of `GET /export/doctor`. */
  readonly diagnose: (mode: DoctorMode) => Promise<unknown>;
  /** Returns information about the machine and the latest log lines. */
  readonly supportFacts: () => Promise<SupportFacts>;
  /** Restores settings from central, or shows what would be written. */
  readonly restore: (request: RestoreRequest) => Promise<RestorePlan>;
  /**
   * Hands the queue over to the legacy exporter while no export manager runs. With `services`, also switches the services.
   * Resolves with the undelivered files, or with undefined if the program that switched the services has already printed them.
   */
  readonly rollBack: (scope: RollbackScope) => Promise<readonly string[] | undefined>;
  /** Aborts every wait. */
  readonly signal: AbortSignal;
}

/**
 * Runs the program `d3kos-export`: parses the arguments after the program name, runs the command, writes the result to standard
 * output, and resolves with an exit code from `exit-codes.ts`. Rejects only because of a bug.
 */
export async function runCli(argv: readonly string[], world: CliWorld): Promise<number> {
  const output = createOutput(toOutputFormat(argv), world.stdout, world.stderr);
  const { signal } = world;
  try {
    return await run(parseCommand(argv), world, output);
  } catch (error) {
    if (signal.aborted && error === signal.reason) {
      world.stderr('Interrupted. The export manager is still running');
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
      world.stdout(command.text);
      return EXIT.done;
    case 'completion':
      world.stdout(
        toCompletionScript(
          createProgram(
            () => undefined,
            () => undefined,
          ),
          command.shell,
        ),
      );
      return EXIT.done;
    case 'version':
      output.result({ success: true, name: 'd3kos-export', version: SOFTWARE_VERSION }, [
        `d3kos-export ${SOFTWARE_VERSION}`,
      ]);
      return EXIT.done;
    case 'serve':
      return world.serve();
    case 'rollback': {
      const undelivered = await world.rollBack(command.scope);
      if (undelivered !== undefined) output.result({ success: true, undelivered }, undelivered);
      return EXIT.done;
    }
    case 'config': {
      const { raw, lines } = await describeConfig(world);
      output.result(raw, lines);
      return EXIT.done;
    }
    case 'restore':
      return runRestore(world.restore, output, command.request);
    default: {
      const { config } = await readConfig(world);
      const api = createApi(world.transport, `http://${config.host}:${config.port}`, world.signal);
      if (command.kind === 'doctor')
        return runDoctor({ api, output, diagnose: world.diagnose }, command.mode);
      if (command.kind === 'support_bundle')
        return runSupportBundle(
          { ...world, world, api, output, root: config.root, webhookUrl: config.webhookUrl },
          command.file === undefined ? undefined : world.toAbsolute(command.file),
        );
      if (command.kind === 'bundle')
        return runBundle(
          { api, disk: world.disk, output },
          world.toAbsolute(command.directory),
          command.scope,
        );
      if (command.kind === 'enroll')
        return runEnroll(
          { api, output, disk: world.disk, replaceShared: world.replaceShared },
          join(config.root, 'config', 'license.json'),
          command,
        );
      return runClient(command, api, { clock: world.clock, output, signal: world.signal });
    }
  }
}

type ClientCommand = Exclude<
  Command,
  {
    readonly kind:
      | 'help'
      | 'version'
      | 'completion'
      | 'serve'
      | 'rollback'
      | 'config'
      | 'restore'
      | 'bundle'
      | 'enroll'
      | 'doctor'
      | 'support_bundle';
  }
>;

/** Runs a command that uses the running export manager's API. */
async function runClient(
  command: ClientCommand,
  api: Api,
  context: { readonly clock: Clock; readonly output: Output; readonly signal: AbortSignal },
): Promise<ExitCode> {
  /** Writes an answer as JSON or as lines. */
  const show = async <N extends JsonRouteName>(
    answer: Promise<ApiAnswer<N>>,
    toLines: (value: Answer<N>) => readonly string[],
    toExit: (value: Answer<N>) => ExitCode = () => EXIT.done,
  ): Promise<ExitCode> => {
    const { raw, value } = await answer;
    context.output.result(raw, toLines(value));
    return toExit(value);
  };
  switch (command.kind) {
    case 'boot':
      return runBoot({ ...context, api });
    case 'daily':
      return runDaily({ ...context, api });
    case 'generate':
      return show(
        api.call('generate', { body: { type: command.type, trigger: 'manual' } }),
        toGenerateLines,
        ({ unread_categories: unread = [] }) => (unread.length === 0 ? EXIT.done : EXIT.failed),
      );
    case 'status':
      return show(api.call('status'), toStatusLines);
    case 'queue_list':
      return show(api.call('queue'), toQueueLines);
    case 'queue_retry':
      return show(api.call('retry', { params: { id: command.queueId } }), toEntryLines);
    case 'queue_cancel':
      return show(api.call('cancel', { params: { id: command.queueId } }), toEntryLines);
    case 'queue_cleanup':
      return show(api.call('cleanup'), toCleanupLines);
    case 'history':
      return show(api.call('history', { query: { limit: command.limit } }), toHistoryLines);
    case 'preview':
      return show(api.call('preview', { query: { type: command.type } }), toPreviewLines);
    default:
      return command satisfies never;
  }
}
