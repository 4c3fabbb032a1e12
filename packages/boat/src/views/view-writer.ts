import type { Ledger } from '../ledger/ledger.ts';
import { writeViews } from './views.ts';
import { isExportError } from '../platform/errors.ts';
import type { World } from '../platform/ports.ts';
import { createWake } from '../platform/wake.ts';
import type { SpoolPaths } from '../spool/spool-paths.ts';

/**
 * The views are written this long after the first change they do not show, and so at most once a second (docs/spec/delivery.md, "The ledger"): they cost fsyncs and are for others to read. An export that is delivered at once costs one write, not two.
 */
const VIEWS_DELAY_MS = 1_000;
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
    const historyNo = ledger.queue.newestHistoryNo();
    await writeViews(world, paths, ledger, historyNo === writtenHistoryNo ? 'queue' : 'both');
    writtenHistoryNo = historyNo;
  };
  /** The ledger changed since the views were last begun. */
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
          // What an earlier run left is no view of this one: it is replaced without a wait.
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
