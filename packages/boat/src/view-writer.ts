import type { Ledger } from './ledger/ledger.ts';
import { writeHistoryView, writeQueueView } from './ledger/views.ts';
import { isExportError } from './platform/errors.ts';
import type { World } from './platform/ports.ts';
import { createWake } from './platform/wake.ts';
import type { SpoolPaths } from './spool/spool-paths.ts';

/** At most one write of the views a second (spec: delivery, The ledger): they cost fsyncs and are for others to read. */
const VIEWS_INTERVAL_MS = 1_000;
/** How long a view that could not be written waits for another try: a full card is not freed within a second. */
const VIEWS_RETRY_MS = 30_000;

/** Keeps the JSON views behind the ledger by at most a second. */
export interface ViewWriter {
  /** The ledger changed. Returns at once. */
  changed(): void;
  /** Writes after changes until aborted. A view that cannot be written is told and tried again; the ledger is the truth. */
  run(signal: AbortSignal): Promise<void>;
  /** Writes now. */
  flush(): Promise<void>;
}

export function createViewWriter(
  world: Pick<World, 'clock' | 'disk' | 'log'>,
  paths: SpoolPaths,
  ledger: Ledger,
): ViewWriter {
  const wake = createWake();
  /** The newest delivered export in the history view; undefined: not written in this run. */
  let writtenHistoryNo: number | undefined;
  const flush = async (): Promise<void> => {
    await writeQueueView(world, paths, ledger);
    const historyNo = ledger.queue.newestHistoryNo();
    if (historyNo === writtenHistoryNo) return;
    await writeHistoryView(world, paths, ledger);
    writtenHistoryNo = historyNo;
  };
  return {
    changed: () => wake.wake(),
    flush,
    async run(signal) {
      while (!signal.aborted) {
        await wake.wait(world.clock, Number.MAX_SAFE_INTEGER, signal);
        try {
          await flush();
          await world.clock.sleep(VIEWS_INTERVAL_MS, signal);
        } catch (error) {
          if (!isExportError(error)) throw error;
          world.log.write('warn', `The queue's JSON views could not be written: ${error.message}`, {
            hint: error.hint,
          });
          await world.clock.sleep(VIEWS_RETRY_MS, signal);
          wake.wake();
        }
      }
    },
  };
}
