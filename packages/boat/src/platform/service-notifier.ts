import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ExportError } from './errors.ts';
import type { ServiceNotifier } from './ports.ts';

const run = promisify(execFile);

/** Timeout for `systemd-notify`. A call takes about 10 ms, but longer on a Raspberry Pi that is busy booting. */
const NOTIFY_DEADLINE_MS = 5_000;

/**
 * Notifies systemd through `systemd-notify`; the unit needs `NotifyAccess=all`. Does nothing without NOTIFY_SOCKET. Throws
 * INTERNAL when the notification fails, because systemd would stop a service that never reports readiness.
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
      throw new ExportError('INTERNAL', `systemd could not be notified with "${state}"`, {
        op: `run ${program} ${state}`,
        hint: 'Install systemd-notify, or remove Type=notify from the unit.',
        cause,
      });
    }
  };
  return { ready: () => notify('--ready'), stopping: () => notify('--stopping') };
}
