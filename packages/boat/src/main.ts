import { runCli } from './cli/cli.ts';
import { createWorld } from './compose.ts';
import { isExportError } from './platform/errors.ts';
import { createServiceNotifier } from './platform/service-notifier.ts';
import { serveBoat } from './serve.ts';

const stopping = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stopping.abort(new Error(name)));

const world = createWorld(process.env);
try {
  process.exitCode = await runCli(process.argv.slice(2), {
    clock: world.clock,
    disk: world.disk,
    transport: world.transport,
    environment: process.env,
    signal: stopping.signal,
    stdout: (line) => process.stdout.write(`${line}\n`),
    stderr: (line) => process.stderr.write(`${line}\n`),
    serve: () => serveBoat(world, createServiceNotifier(process.env), process.env, stopping.signal),
  });
} catch (error) {
  if (!isExportError(error)) throw error;
  process.stderr.write(`${error.message} [${error.code}]\n${error.hint}\n`);
  process.exitCode = 1;
}
