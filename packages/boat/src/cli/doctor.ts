import type { DoctorMode } from '../export-manager.ts';
import { type ExportError, isExportError } from '../platform/errors.ts';
import { TransportError } from '../platform/ports.ts';
import type { Answer } from '../api/contract.ts';
import { type Api, isAnswer } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

/** The symbol shown for each level. */
const MARKS: Readonly<Record<string, string>> = { ok: '✓', note: '·', problem: '✗' };

/**
 * Runs `d3kos-export doctor` in the running export manager, or directly on the files if nothing is listening on the port. If the
 * export manager is listening but does not answer, the command does not read the files, because the export manager may be
 * writing to them. Exits with 0 if no problem remains.
 */
export async function runDoctor(
  {
    api,
    output,
    diagnose,
  }: {
    readonly api: Api;
    readonly output: Output;
    readonly diagnose: (mode: DoctorMode) => Promise<unknown>;
  },
  mode: DoctorMode,
): Promise<ExitCode> {
  const { raw, value } = await examine(api, output, diagnose, mode);
  output.result(raw, toLines(value));
  return value.healthy ? EXIT.done : EXIT.failed;
}

async function examine(
  api: Api,
  output: Output,
  diagnose: (mode: DoctorMode) => Promise<unknown>,
  mode: DoctorMode,
): Promise<{ readonly raw: unknown; readonly value: Answer<'doctor'> }> {
  try {
    return await api.call(mode === 'repair' ? 'repair' : 'doctor');
  } catch (error) {
    if (!isNotRunning(error)) throw error;
  }
  output.progress('The export manager is not running. Examining the files directly');
  const raw = await diagnose(mode);
  if (!isAnswer('doctor', raw)) throw new Error("the diagnosis does not match the API's answer schema");
  return { raw, value: raw };
}

function isNotRunning(error: unknown): error is ExportError {
  if (!isExportError(error, 'DAEMON_UNREACHABLE')) return false;
  return error.cause instanceof TransportError && error.cause.phase === 'connect';
}

function toLines({ findings, repaired, healthy }: Answer<'doctor'>): readonly string[] {
  return [
    ...findings.flatMap(({ check, level, message, hint }) => [
      `${MARKS[level] ?? '?'} ${check.padEnd(12)} ${message}`,
      ...(hint === undefined ? [] : [`${' '.repeat(15)}${hint}`]),
    ]),
    ...repaired.map((done) => `Repaired: ${done}`),
    '',
    healthy ? 'Healthy' : 'Not healthy: see ✗ above',
  ];
}
