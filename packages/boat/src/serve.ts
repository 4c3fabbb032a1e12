import { join } from 'node:path';
import { startBoat } from './boat.ts';
import type { Config } from './config.ts';
import { holdDaemonLock } from './platform/daemon-lock.ts';
import { listenOnLoopback } from './platform/listen.ts';
import type { ServiceNotifier, World } from './platform/ports.ts';
import { toSpoolPaths } from './spool/spool-paths.ts';

/**
 * Runs the daemon until `signal` aborts: recovers, listens, notifies the service manager, and then delivers. Throws
 * ALREADY_RUNNING, PORT_IN_USE or LEDGER_… if it cannot start. Any later error requires a restart.
 */
export async function serveBoat(
  world: World,
  notifier: ServiceNotifier,
  config: Config,
  signal: AbortSignal,
): Promise<void> {
  const paths = toSpoolPaths(config.root);
  await world.disk.makeDirectory(paths.home, 'everyone');
  const lock = holdDaemonLock(join(paths.home, 'daemon.lock'));
  try {
    const boat = await startBoat(world, config, signal);
    try {
      const server = await listenOnLoopback(
        (request) => boat.app.fetch(request),
        config.port,
        (reason) =>
          world.log.write('warn', `Another program answers on localhost: ${reason}`, {
            hint: `Use http://${config.host}:${config.port} in pages and programs, and find out which program listens (ss -ltnp).`,
          }),
      );
      world.log.write('info', `Export manager listening on http://${config.host}:${server.port}`, {
        root: config.root,
      });
      await notifier.ready();
      try {
        await boat.run(() => notifier.progressed());
      } catch (error) {
        if (!signal.aborted) throw error;
        world.log.write('info', 'Export manager stopping');
        await notifier.stopping();
      } finally {
        await server.close();
      }
    } finally {
      boat.close();
    }
  } finally {
    lock.release();
  }
}
