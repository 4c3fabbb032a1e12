import { ExportError, isExportError } from '../platform/errors.ts';
import type { Clock } from '../platform/ports.ts';
import type { Api } from './api.ts';
import { API_WAIT_MAX_MS, POLL_INTERVAL_MS } from './policy.ts';

/**
 * Waits until the export manager itself answers, at most API_WAIT_MAX_MS: its process being there says nothing, because
 * it first mends what a power cut left. Throws DAEMON_UNREACHABLE with what was last seen; rejects when aborted.
 */
export async function waitForApi(clock: Clock, api: Api, signal: AbortSignal): Promise<void> {
  const beganMs = clock.monotonic();
  for (;;) {
    try {
      await api.call('health');
      return;
    } catch (error) {
      // Every failure to answer as the export manager is a reason to look again, until the time is over.
      if (!isExportError(error)) throw error;
      if (clock.monotonic() - beganMs >= API_WAIT_MAX_MS) throw neverCame(error);
    }
    await clock.sleep(POLL_INTERVAL_MS, signal);
  }
}

function neverCame(cause: ExportError): ExportError {
  return new ExportError(
    'DAEMON_UNREACHABLE',
    `The export manager did not answer within ${API_WAIT_MAX_MS / 1_000} seconds. ${cause.message}`,
    {
      op: 'wait for the export manager',
      hint: 'See why: systemctl status d3kos-export-manager.service. What waits is kept and goes out once it runs.',
      cause,
    },
  );
}
