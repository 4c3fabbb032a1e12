import type { Answer } from '@d3kos/boat/api';
import type { ManagerEvent, Refusal } from './api.ts';
import type { Look } from '../ui/look.ts';

/** The page's places. */
export const PLACES = ['now', 'waiting', 'history', 'files'] as const;
export type Place = (typeof PLACES)[number];

/** An owner's request that the export manager has not yet answered. */
export type Act =
  | 'export'
  | 'again'
  | 'process'
  | 'retry'
  | 'cancel'
  | 'clear'
  | 'bundle'
  | 'consent'
  | 'notifications'
  | 'enrol';

/** The export manager's answer to the owner's last request. */
export type Notice =
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'queued'; readonly recordCount: number }
  | { readonly kind: 'bundle_saved'; readonly sizeBytes: number }
  | { readonly kind: 'cleared'; readonly fileCount: number; readonly freedBytes: number }
  | { readonly kind: 'nothing_new' | 'send_now' | 'no_bundle' | 'retried' | 'cancelled' }
  | { readonly kind: 'enrolled' | 'incomplete_code' };

/** A dialog or sheet in front of the page. */
export type Sheet =
  | { readonly kind: 'display' | 'again' | 'clear' | 'preview' | 'enrol' }
  | { readonly kind: 'cancel'; readonly queueId: string }
  | { readonly kind: 'file'; readonly name: string; readonly sizeBytes: number };

/** The part being sent, and its export. */
export interface Sending {
  readonly queueId: string;
  readonly partIndex: number;
  readonly partCount: number;
  /** Bytes sent so far, after compression. */
  readonly sentBytes: number;
  /** The export manager's estimate of the remaining time, or null if it has none yet. */
  readonly leftMs: number | null;
}

/** Everything that the page shows. All facts about exports come from the export manager's answers and events. */
export interface PageState {
  /** `lost`: nothing has arrived for a while, so the facts may be out of date. */
  readonly link: 'connecting' | 'live' | 'lost';
  /** The boat's time in the latest message, or undefined before the first one. */
  readonly heardAt: string | undefined;
  readonly status: Answer<'status'> | undefined;
  /** Why the status could not be read. */
  readonly statusRefusal: Refusal | undefined;
  readonly queue: Answer<'queue'> | undefined;
  readonly history: Answer<'history'> | undefined;
  /** Number of history rows that were requested. If fewer arrived, the history is complete. */
  readonly historyLimit: number;
  /** 30 days of deliveries, by day. */
  readonly days: Answer<'historyDays'> | undefined;
  readonly files: Answer<'files'> | undefined;
  readonly notifications: Answer<'notifications'> | undefined;
  readonly settings: Answer<'settings'> | undefined;
  /** The categories that an export in progress has read so far. */
  readonly collecting: readonly { readonly category: string; readonly count: number }[];
  readonly sending: Sending | undefined;
  /** How the last upload ended. Shown for a few seconds. */
  readonly outcome: 'delivered' | 'will_retry' | undefined;
  readonly act: Act | undefined;
  /** Bytes of the offline bundle that have arrived, or undefined while none is being saved. */
  readonly bundleBytes: number | undefined;
  readonly notice: Notice | undefined;
  readonly sheet: Sheet | undefined;
  readonly place: Place;
  readonly look: Look;
  /** The language that the owner chose, or undefined for the browser's. */
  readonly language: string | undefined;
}

/** Number of history rows that the page requests first. More are requested with "Show more". */
export const HISTORY_FIRST = 100;

export const INITIAL_STATE: PageState = {
  link: 'connecting',
  heardAt: undefined,
  status: undefined,
  statusRefusal: undefined,
  queue: undefined,
  history: undefined,
  historyLimit: HISTORY_FIRST,
  days: undefined,
  files: undefined,
  notifications: undefined,
  settings: undefined,
  collecting: [],
  sending: undefined,
  outcome: undefined,
  act: undefined,
  bundleBytes: undefined,
  notice: undefined,
  sheet: undefined,
  place: 'now',
  look: 'auto',
  language: undefined,
};

/** Returns the state after an event from the export manager. */
export function applyEvent(state: PageState, event: ManagerEvent): PageState {
  switch (event.kind) {
    case 'heartbeat':
      return { ...state, link: 'live', heardAt: event.time };
    case 'queue': {
      const { counts } = event;
      const { status } = state;
      return {
        ...state,
        link: 'live',
        sending: counts.uploading === 0 ? undefined : state.sending,
        status: status && {
          ...status,
          queue: {
            ...status.queue,
            pending_count: counts.pending,
            uploading_count: counts.uploading,
            completed_count: counts.completed,
            failed_count: counts.failed,
          },
        },
      };
    }
    case 'collecting': {
      const others = state.collecting.filter(({ category }) => category !== event.category);
      return { ...state, link: 'live', collecting: [...others, event] };
    }
    case 'collected':
      return { ...state, link: 'live', collecting: [] };
    case 'unread':
      // The status lists the categories that could not be read.
      return { ...state, link: 'live' };
    case 'uploading': {
      const { queueId, partIndex, partCount, sentBytes, leftMs } = event;
      return {
        ...state,
        link: 'live',
        outcome: undefined,
        sending: { queueId, partIndex, partCount, sentBytes, leftMs },
      };
    }
    case 'delivered':
      return {
        ...state,
        link: 'live',
        outcome: 'delivered',
        sending: state.sending?.queueId === event.queueId ? undefined : state.sending,
      };
    case 'destination':
      return applyDestination(state, event);
    default:
      // A newer export manager may send other kinds.
      return event satisfies never;
  }
}

function applyDestination(
  state: PageState,
  { state: destination, detail, cause }: Extract<ManagerEvent, { readonly kind: 'destination' }>,
): PageState {
  const { status } = state;
  const isInterrupted = state.sending !== undefined && destination !== 'online';
  return {
    ...state,
    link: 'live',
    sending: isInterrupted ? undefined : state.sending,
    outcome: isInterrupted ? 'will_retry' : state.outcome,
    status: status && {
      ...status,
      destination: { ...status.destination, state: destination, detail, cause, explanation: '' },
    },
  };
}

/**
 * Returns the state after the connection has ended. The facts are kept and marked as out of date. Work in progress is dropped,
 * because the next stream begins by reporting its own.
 */
export function applyLoss(state: PageState): PageState {
  return { ...state, link: 'lost', collecting: [], outcome: undefined };
}
