import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ExportError } from './errors.ts';
import type { ServiceNotifier } from './ports.ts';

const run = promisify(execFile);

/** Longest run of the program: a call takes about 10 ms, and a Pi that boots is busy. */
const NOTIFY_DEADLINE_MS = 5_000;

/**
 * Tells systemd, through its own `systemd-notify` (the unit needs `NotifyAccess=all`), and only where it asked by
 * NOTIFY_SOCKET: elsewhere nothing is run. Throws INTERNAL where it could not be told, because systemd would then end
 * a start it believes to be hanging.
 */
export function createServiceNotifier(
  environment: Readonly<Record<string, string | undefined>>,
  program = 'systemd-notify',
): ServiceNotifier {
  const notify = async (state: string): Promise<void> => {
    if ((environment['NOTIFY_SOCKET'] ?? '') === '') return;
    try {
      await run(program, [state], { env: { ...environment }, timeout: NOTIFY_DEADLINE_MS });
    } catch (cause) {
      throw new ExportError('INTERNAL', `systemd could not be told "${state}"`, {
        op: `run ${program} ${state}`,
        hint: 'Install systemd-notify, or remove Type=notify from the unit.',
        cause,
      });
    }
  };
  return { ready: () => notify('--ready'), stopping: () => notify('--stopping') };
}
