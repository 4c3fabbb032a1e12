import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ExportError } from './errors.ts';
import type { Clock, Log, ServiceNotifier } from './ports.ts';

const run = promisify(execFile);

/** Timeout for `systemd-notify`. A call takes about 10 ms, or longer on a Raspberry Pi that is still booting. */
const NOTIFY_DEADLINE_MS = 5_000;

/** Number of reports per watchdog period. Each report starts a process. Up to three of the four may be lost. */
const WATCHDOG_REPORTS = 4;

/**
 * Creates a notifier that runs `systemd-notify`; the unit needs `NotifyAccess=all`. It does nothing without NOTIFY_SOCKET. It
 * throws INTERNAL if a notification fails, because systemd would stop a service that never reports readiness. It reports progress
 * only if the unit has a watchdog (WATCHDOG_USEC), at most four times per period. Progress is never reported by a timer, so that
 * systemd restarts a daemon whose worker hangs.
 */
export function createServiceNotifier(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
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
  const reportEveryMs = Number(environment['WATCHDOG_USEC'] ?? '') / 1_000 / WATCHDOG_REPORTS;
  let reportedMs = Number.NEGATIVE_INFINITY;
  return {
    ready: () => notify('--ready'),
    progressed() {
      const nowMs = clock.monotonic();
      if (!(reportEveryMs > 0) || nowMs - reportedMs < reportEveryMs) return;
      reportedMs = nowMs;
      notify('WATCHDOG=1').catch((error: unknown) =>
        log.write('warn', `Progress could not be reported to systemd: ${String(error)}`, {
          hint: 'Without these reports, systemd restarts the export manager.',
        }),
      );
    },
    stopping: () => notify('--stopping'),
  };
}
