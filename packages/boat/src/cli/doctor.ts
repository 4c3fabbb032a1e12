import type { DoctorMode } from '../export-manager.ts';
import { type ExportError, isExportError } from '../platform/errors.ts';
import { TransportError } from '../platform/ports.ts';
import type { Answer } from '../api/contract.ts';
import { type Api, isAnswer } from './api.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

/** How each level is shown. */
const MARKS: Readonly<Record<string, string>> = { ok: '✓', note: '·', problem: '✗' };

/**
 * `d3kos-export doctor`: asks the running export manager to look at itself; where nobody listens, looks at the files.
 * One that listens and does not answer is not passed by: it may be writing. Exit 0 where nothing is wrong (any more).
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
  const { raw, value } = await ask(api, output, diagnose, mode);
  output.result(raw, toLines(value));
  return value.healthy ? EXIT.done : EXIT.failed;
}

async function ask(
  api: Api,
  output: Output,
  diagnose: (mode: DoctorMode) => Promise<unknown>,
  mode: DoctorMode,
): Promise<{ readonly raw: unknown; readonly value: Answer<'doctor'> }> {
  try {
    return await api.call(mode === 'repair' ? 'repair' : 'doctor');
  } catch (error) {
    if (!isNobodyThere(error)) throw error;
  }
  output.say('The export manager does not run: looking at the files themselves');
  const raw = await diagnose(mode);
  if (!isAnswer('doctor', raw)) throw new Error('the diagnosis has another form than the answer of the API');
  return { raw, value: raw };
}

function isNobodyThere(error: unknown): error is ExportError {
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
