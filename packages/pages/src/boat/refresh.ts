import { call } from './api.ts';
import type { PageState } from './state.ts';
import type { Store } from './store.ts';

/** Minimum time between two reads of the status after events. A fast upload causes many events in a second. */
const READS_APART_MS = 1_000;

/** Reads the facts that the page shows. Only a new answer replaces a fact. */
export interface Refresh {
  /** Reads everything that the open screen shows, immediately. */
  everything(): Promise<void>;
  /** Schedules a read of the status and the lists. Several calls within a second cause only one read. */
  soon(): void;
}

export function createRefresh(store: Store): Refresh {
  let isPlanned = false;
  let isReading = false;
  const everything = async (): Promise<void> => {
    // A read in progress may have missed the latest change, so another read follows.
    if (isReading) return soon();
    isReading = true;
    try {
      await readAll(store);
    } finally {
      isReading = false;
    }
  };
  const soon = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    setTimeout(() => {
      isPlanned = false;
      void everything();
    }, READS_APART_MS);
  };
  return { everything, soon };
}

async function readAll(store: Store): Promise<void> {
  const { place, historyLimit, settings } = store.read();
  const hasHistory = place === 'now' || place === 'history';
  const [status, queue, history, days, files, consent, notifications] = await Promise.all([
    call('status'),
    call('queue'),
    hasHistory ? call('history', { query: { limit: historyLimit } }) : undefined,
    hasHistory ? call('historyDays') : undefined,
    place === 'files' ? call('files') : undefined,
    place === 'files' && settings === undefined ? call('settings') : undefined,
    place === 'waiting' ? call('notifications') : undefined,
  ]);
  store.change((state): PageState => {
    const next = {
      ...state,
      queue: queue.kind === 'answer' ? queue.value : state.queue,
      history: history?.kind === 'answer' ? keepSame(state.history, history.value) : state.history,
      days: days?.kind === 'answer' ? days.value : state.days,
      files: files?.kind === 'answer' ? files.value : state.files,
      settings: consent?.kind === 'answer' ? consent.value : state.settings,
      notifications: notifications?.kind === 'answer' ? notifications.value : state.notifications,
    };
    if (status.kind === 'answer')
      return { ...next, status: status.value, statusRefusal: undefined, heardAt: status.value.time };
    // A missing answer is a connection problem, which the event stream detects.
    return status.refusal.code === 'UNREACHABLE' ? next : { ...next, statusRefusal: status.refusal };
  });
}

/**
 * Keeps the displayed history if the new answer has the same rows, so that they are not redrawn. Rows never change, and new ones
 * come first.
 */
function keepSame(shown: PageState['history'], answer: NonNullable<PageState['history']>): typeof answer {
  const isSame =
    shown?.exports.length === answer.exports.length &&
    shown.exports[0]?.export_id === answer.exports[0]?.export_id &&
    shown.exports.at(-1)?.export_id === answer.exports.at(-1)?.export_id;
  return isSame ? shown : answer;
}
