import type { Ledger } from '../ledger/ledger.ts';
import { writeViews } from './views.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { createWake } from '../platform/wake.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/**
 * Delay between a change and writing the views. Because each write costs fsyncs, the delay limits writes to one a second
 * (docs/spec/delivery.md, "The ledger"). An export that is delivered immediately causes one write instead of two.
 */
const VIEWS_DELAY_MS = 1_000;
/** Delay after a failed write. A full card does not get free space within a second. */
const VIEWS_RETRY_MS = 30_000;

/** Keeps the JSON views no more than one second behind the ledger. */
export interface ViewWriter {
  /** Must be called after every ledger change. Returns immediately. */
  changed(): void;
  /** Writes the views after each change until aborted. Logs and retries failed writes. */
  run(signal: AbortSignal): Promise<void>;
  /** Writes the views now. */
  flush(): Promise<void>;
}

export function createViewWriter(
  world: Pick<World, 'clock' | 'disk' | 'log'>,
  paths: SpoolPaths,
  ledger: Ledger,
): ViewWriter {
  const wake = createWake();
  /** The most recently delivered export in the history view as last written. Undefined before this run's first write. */
  let writtenHistoryNo: number | undefined;
  const flush = async (): Promise<void> => {
    const historyNo = ledger.queue.newestHistoryNo();
    await writeViews(world, paths, ledger, historyNo === writtenHistoryNo ? 'queue' : 'both');
    writtenHistoryNo = historyNo;
  };
  /** True if the ledger has changed since the last write began. */
  let isBehind = false;
  const changed = (): void => {
    isBehind = true;
    wake.wake();
  };
  return {
    changed,
    flush,
    async run(signal) {
      for (;;) {
        await wake.wait(world.clock, Number.MAX_SAFE_INTEGER, signal);
        if (!isBehind) continue;
        try {
          // Views from an earlier run are outdated, so they are replaced without delay.
          if (writtenHistoryNo !== undefined) await world.clock.sleep(VIEWS_DELAY_MS, signal);
          isBehind = false;
          await flush();
        } catch (error) {
          if (!isExportError(error)) throw error;
          world.log.write('warn', `The queue's JSON views could not be written: ${error.message}`, {
            hint: error.hint,
          });
          await world.clock.sleep(VIEWS_RETRY_MS, signal);
          changed();
        }
      }
    },
  };
}
