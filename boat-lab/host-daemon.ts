import { once } from 'node:events';
import { join } from 'node:path';
import { freePort, requestJson, type RunningDaemon, toBoatEnvironment } from '../tests/support/processes.ts';
import { until } from '../tests/support/until.ts';
import type { Builder } from './builder.ts';

/** The boat's folder on its card. The ledger contains paths below it. */
const BOAT_ROOT = '/opt/d3kos';
const CHECKOUT = join(import.meta.dirname, '..');

/**
 * Starts the export manager of this checkout on a folder that was copied from a card, with a reliable link to central. It runs
 * in the builder, where the folder has the same path as on the boat. Resolves when the API answers.
 */
export async function startOnHost(
  builder: Builder,
  { root }: { readonly root: string },
  centralUrl: string,
): Promise<Pick<RunningDaemon, 'request' | 'output' | 'stop'>> {
  const port = await freePort();
  const child = builder.start(
    process.execPath,
    [
      ...['--conditions=development', '--disable-warning=ExperimentalWarning'],
      ...[join(CHECKOUT, 'packages', 'boat', 'src', 'main.ts'), 'serve'],
    ],
    { [BOAT_ROOT]: root, [CHECKOUT]: CHECKOUT },
    toBoatEnvironment({ root: BOAT_ROOT, port, centralUrl }),
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await until('the export manager of the copied boat to answer', async () => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the export manager ended on the copied boat: ${output}`);
    return requestJson(`${url}/health`, 'GET').then(
      () => true,
      () => false,
    );
  });
  return {
    request: (method, path, body) => requestJson(`${url}${path}`, method, body),
    output: () => output,
    /** Further calls have no effect. */
    async stop() {
      child.kill('SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}
