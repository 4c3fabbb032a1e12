import { createDisk } from '../../platform/disk.ts';
import type { Clock } from '../../platform/ports.ts';
import { replaceShared } from '../../platform/shared-file.ts';
import { createTransport } from '../../platform/transport.ts';
import type { RestoreRequest } from '../../restore-files.ts';
import type { RestorePlan } from '../../restore/restore.ts';
import { runCli } from '../cli.ts';

const MACHINE = {
  node: '24.0.0',
  sqlite: '3.50.0',
  kernel: '6.12',
  architecture: 'arm64',
  uptime_seconds: 1,
  memory_bytes: 2,
  memory_free_bytes: 1,
};

/** The result of running the program. */
export interface CliRun {
  readonly exitCode: number;
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/**
 * Runs the program with real HTTP against a loopback port. `files` maps paths to the contents of files that the program can read.
 */
export async function runProgram(
  argv: readonly string[],
  options: {
    readonly clock: Clock;
    readonly port?: number;
    readonly environment?: Readonly<Record<string, string>>;
    readonly files?: Readonly<Record<string, string | Error>>;
    /** The result of running the doctor on the files. */
    readonly diagnosis?: unknown;
    /** The service's journal lines. */
    readonly logLines?: readonly string[];
    readonly restore?: (request: RestoreRequest) => Promise<RestorePlan>;
    readonly signal?: AbortSignal;
  },
): Promise<CliRun> {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const http = createTransport();
  try {
    const exitCode = await runCli(argv, {
      clock: options.clock,
      transport: http.transport,
      environment: {
        ...(options.port === undefined ? {} : { EXPORT_PORT: String(options.port) }),
        ...options.environment,
      },
      readFile: async (path) => {
        const file = options.files?.[path];
        if (file instanceof Error) throw file;
        return file;
      },
      disk: createDisk(),
      replaceShared,
      toAbsolute: (path) => path,
      stdout: (line) => stdout.push(line),
      stderr: (line) => stderr.push(line),
      serve: async () => 0,
      diagnose: async () => options.diagnosis,
      supportFacts: async () => ({ ...MACHINE, log: { lines: options.logLines ?? [] } }),
      restore: async (request) => {
        if (options.restore === undefined) throw new Error('this test restores nothing');
        return options.restore(request);
      },
      rollBack: async () => [],
      signal: options.signal ?? new AbortController().signal,
    });
    return { exitCode, stdout, stderr };
  } finally {
    http.close();
  }
}
