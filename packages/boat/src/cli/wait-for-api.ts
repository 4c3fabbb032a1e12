import { ExportError, isExportError } from '../platform/errors.ts';
import type { Clock } from '../platform/ports.ts';
import type { Api } from './api.ts';
import { API_WAIT_MAX_MS, POLL_INTERVAL_MS } from './policy.ts';

/**
 * Waits up to API_WAIT_MAX_MS until the export manager answers. A running process is not enough, because the export manager first
 * repairs what a power cut left incomplete. Throws DAEMON_UNREACHABLE with the last failure. Rejects when aborted.
 */
export async function waitForApi(clock: Clock, api: Api, signal: AbortSignal): Promise<void> {
  const beganMs = clock.monotonic();
  for (;;) {
    try {
      await api.call('health');
      return;
    } catch (error) {
      // Any failure may be temporary, even an answer from another program, so the request is repeated until time runs out.
      if (!isExportError(error)) throw error;
      if (clock.monotonic() - beganMs >= API_WAIT_MAX_MS) throw toTimeout(error);
    }
    await clock.sleep(POLL_INTERVAL_MS, signal);
  }
}

function toTimeout(cause: ExportError): ExportError {
  return new ExportError(
    'DAEMON_UNREACHABLE',
    `The export manager did not answer within ${API_WAIT_MAX_MS / 1_000} seconds. ${cause.message}`,
    {
      op: 'wait for the export manager',
      hint: 'Check systemctl status d3kos-export-manager.service. Waiting exports are kept, and are sent once the service is running.',
      cause,
    },
  );
}
