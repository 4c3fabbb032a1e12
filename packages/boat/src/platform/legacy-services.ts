import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { ExportError } from './errors.ts';

/** The program of the Debian package that saves and restores the units of the legacy exporter. */
const PROGRAM = '/usr/lib/d3kos-export/legacy-services';

/**
 * Stops the services of this program, hands over the queue, and restores the legacy exporter's services. The
 * program writes its progress to this process's output. Throws NOT_FOUND if the Debian package is not
 * installed, and INTERNAL if a step failed.
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
    `The legacy exporter was not restored (${program} ended with ${String(code)})`,
    {
      op: `run ${program}`,
      hint: 'Run the command as root. It can be repeated.',
    },
  );
}
