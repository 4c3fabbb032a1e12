import type { Texts } from '../i18n/texts.ts';
import { listFailedOnBoard } from './situation.ts';
import type { PageState } from './state.ts';

/** A description of the exports that are only on board. */
export interface OnBoard {
  /** The total size of waiting and failed exports, or `---` if it is not known. */
  readonly size: string;
  /** How many exports wait, or '' if failed ones matter more. */
  readonly waiting: string;
  readonly failedCount: number;
}

/** Returns what is only on board: waiting exports, and failed ones whose records no later delivered export contains. */
export function toOnBoard(state: PageState, { say, bytes }: Texts): OnBoard {
  const { status } = state;
  const failed = listFailedOnBoard(state);
  const failedCount = failed.length;
  if (status === undefined) return { size: say('page.missing'), waiting: '', failedCount };
  const { pending_count, uploading_count, waiting_bytes } = status.queue;
  const waitingCount = pending_count + uploading_count;
  const sizeBytes = failed.reduce((sum, { file_size_bytes }) => sum + file_size_bytes, waiting_bytes);
  const waiting = waitingCount === 0 ? say('passage.none') : say('passage.waiting', { n: waitingCount });
  return {
    size: bytes(sizeBytes),
    waiting: waitingCount === 0 && failedCount > 0 ? '' : waiting,
    failedCount,
  };
}
