import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openLedger } from '../ledger/ledger.ts';
import type { License } from '../license/license.ts';
import { createNotifier } from '../notify/notifier.ts';
import { createDisk } from '../platform/disk.ts';
import type { MonotonicMs, WallMs } from '../platform/ports.ts';
import { createRandom } from '../platform/random.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { newEntry } from './new-entry.ts';
import { temporaryRoot } from './temporary-root.ts';
import { closings, open } from './transport-servers.ts';

const root = temporaryRoot('notifier');
export const ID = '0123456789abcdef';
/** A loopback URL where nothing is listening. */
export const NO_SERVER = 'http://127.0.0.1:9';

let boats = 0;
/** Creates a boat with a real ledger and a clock that the test advances. */
export function createNotifiedBoat(
  options: { signalkUrl?: string; webhookUrl?: string; afterDays?: number } = {},
) {
  boats += 1;
  const paths = toSpoolPaths(join(root, String(boats)));
  mkdirSync(paths.exports, { recursive: true });
  let nowMs = Date.UTC(2026, 5, 1);
  const log: string[] = [];
  const facts = { tier: 2 as 0 | 2, isClockSynchronized: true as boolean | undefined, licenseReads: 0 };
  const clock = {
    wall: () => nowMs as WallMs,
    monotonic: () => nowMs as MonotonicMs,
    // Deadlines are never reached, because the clock does not advance during a check.
    sleep: (_: number, signal?: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
      }),
    yield: async () => undefined,
  };
  const license: License = {
    current: async () => {
      facts.licenseReads += 1;
      return { kind: 'known', installationId: ID, tier: facts.tier, source: 'license_file' };
    },
  };
  const world = {
    clock,
    random: createRandom(),
    disk: createDisk(),
    transport: open().transport,
    log: {
      write: (level: string, message: string, more = {}) =>
        void log.push(`${level} ${message} ${JSON.stringify(more)}`),
    },
  };
  const database = createDatabases().openLedger(paths.ledger);
  const ledger = openLedger(database, () => ID);
  closings.push(() => ledger.close());
  const signal = new AbortController().signal;
  const start = () =>
    createNotifier({
      world,
      ledger,
      license,
      afterDays: options.afterDays ?? 7,
      signalkUrl: options.signalkUrl,
      webhookUrl: options.webhookUrl,
      accessPath: paths.signalkAccess,
      clockSynchronized: async () => facts.isClockSynchronized,
    });
  let notifier = start();
  let entries = 0;
  return {
    paths,
    log,
    facts,
    ledger,
    look: async () => notifier?.look(signal),
    states: () => notifier?.states(),
    restart: () => void (notifier = start()),
    pass: (ms: number) => void (nowMs += ms),
    enqueue: (createdAtMs = nowMs) => {
      entries += 1;
      return ledger.queue.enqueue({ ...newEntry(entries), createdAtMs: createdAtMs as WallMs }, []);
    },
    fail: (entryNo: number, reason = 'HTTP 400') =>
      ledger.queue.fail(entryNo, {
        atMs: clock.wall(),
        reason,
        archiveFile: join(paths.failed, `${entryNo}`),
      }),
    retry: (entryNo: number) => ledger.queue.requeue(entryNo, clock.wall()),
  };
}
