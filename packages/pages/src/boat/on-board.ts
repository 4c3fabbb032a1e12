import type { Texts } from '../i18n/texts.ts';
import { listFailedOnBoard } from './situation.ts';
import type { PageState } from './state.ts';

/** What is only on board, in words. */
export interface OnBoard {
  /** The size of what waits and of what has failed, `---` if it is not known. */
  readonly size: string;
  /** How many exports wait, or '' if failed ones say more. */
  readonly waiting: string;
  readonly failedCount: number;
}

/** Returns what is only on board: what waits, and what has failed and is in no later delivered export. */
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
