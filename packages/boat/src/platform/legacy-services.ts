import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ExportError } from './errors.ts';

/** The Debian package's program that saves and restores the legacy exporter's systemd units. */
const PROGRAM = '/usr/lib/d3kos-export/legacy-services';

/**
 * Stops the export manager's services, hands over the queue, and restores the legacy exporter's services. Progress is written to
 * this process's output. Throws NOT_FOUND if the Debian package is not installed, and INTERNAL if a step fails.
 */
export async function putLegacyServicesBack(program = PROGRAM): Promise<undefined> {
  const child = spawn(program, ['rollback'], { stdio: 'inherit' });
  let code: unknown;
  try {
    [code] = await once(child, 'close');
  } catch (cause) {
    throw new ExportError('NOT_FOUND', `${program} cannot be run`, {
      op: `run ${program}`,
      hint: 'Only the Debian package keeps the legacy exporter. Without the package, restore its files from your own copy.',
      cause,
    });
  }
  if (code === 0) return undefined;
  throw new ExportError(
    'INTERNAL',
    `The legacy exporter was not restored (${program} exited with ${String(code)})`,
    {
      op: `run ${program}`,
      hint: 'Run the command again as root. It is safe to repeat.',
    },
  );
}
