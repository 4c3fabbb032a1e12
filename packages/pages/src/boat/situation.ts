import type { Answer } from '@d3kos/boat/api';
import { type Ashore, isOnlyOnBoard, toAshore } from './ashore.ts';
import type { PageState, Sending } from './state.ts';

/** The nine categories of an export. */
export const CATEGORY_COUNT = 9;

/** Why central does not accept this boat. */
export type BlockedCause =
  'token' | 'other_boat' | 'disabled' | 'address' | 'no_address' | 'no_token' | 'token_file' | 'other';

/**
 * The boat's situation, which determines the statement, the drawn way to central and the main control. Exactly one applies at a
 * time.
 */
export type Situation =
  | { readonly kind: 'loading' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'status_failed'; readonly detail: string }
  | { readonly kind: 'tier0' }
  | { readonly kind: 'license' | 'identity'; readonly detail: string }
  | { readonly kind: 'collecting'; readonly category: string; readonly doneCount: number }
  | { readonly kind: 'uploading'; readonly sending: Sending | undefined }
  | { readonly kind: 'card' }
  | { readonly kind: 'blocked'; readonly cause: BlockedCause; readonly detail: string }
  | { readonly kind: 'captive_portal' | 'clock_wrong' | 'untrusted'; readonly detail: string }
  | { readonly kind: 'unavailable'; readonly detail: string }
  | { readonly kind: 'offline' | 'unknown'; readonly detail: string }
  | { readonly kind: 'later_state'; readonly explanation: string }
  | { readonly kind: 'will_retry' }
  | { readonly kind: 'metered' | 'over_budget' }
  | { readonly kind: 'failed'; readonly count: number }
  | { readonly kind: 'waits' }
  | { readonly kind: 'sources'; readonly categories: readonly string[] }
  | { readonly kind: 'delivered'; readonly at: string }
  | { readonly kind: 'safe'; readonly at: string }
  | { readonly kind: 'empty' };

/** Determines the situation. The fact that matters most to the owner is checked first. */
export function toSituation(state: PageState): Situation {
  const { status } = state;
  if (state.link === 'lost') return { kind: 'stale' };
  if (state.statusRefusal !== undefined) {
    const { code, error, hint } = state.statusRefusal;
    return { kind: 'status_failed', detail: `${code}. ${error}. ${hint}` };
  }
  if (status === undefined || state.queue === undefined || state.history === undefined)
    return { kind: 'loading' };
  return toRefusedSituation(status) ?? toActiveSituation(state, status) ?? toRestingSituation(state, status);
}

function toRefusedSituation(status: Answer<'status'>): Situation | undefined {
  if (status.tier === 0) return { kind: 'tier0' };
  if (status.error === null) return undefined;
  const detail = [status.code ?? '', status.error, status.hint ?? '']
    .filter((text) => text !== '')
    .join('. ');
  return { kind: status.code === 'INSTALLATION_ID_INVALID' ? 'identity' : 'license', detail };
}

/** The situation while an export is being created or sent. */
function toActiveSituation(state: PageState, status: Answer<'status'>): Situation | undefined {
  const category = state.collecting.at(-1)?.category;
  if (category !== undefined) return { kind: 'collecting', category, doneCount: state.collecting.length };
  if (status.queue.uploading_count > 0 && status.destination.state !== 'blocked')
    return { kind: 'uploading', sending: state.sending };
  return undefined;
}

function toRestingSituation(state: PageState, status: Answer<'status'>): Situation {
  const { storage, queue } = status;
  if (storage.free_bytes < storage.reserve_bytes) return { kind: 'card' };
  const waitingCount = queue.pending_count + queue.uploading_count;
  const waiting = waitingCount > 0 ? toWaitingSituation(state, status) : undefined;
  const failedCount = listFailedOnBoard(state).length;
  // Waiting exports that are about to be sent need no action from the owner, but a failed one does.
  if (failedCount > 0 && (waiting === undefined || waiting.kind === 'waits'))
    return { kind: 'failed', count: failedCount };
  if (waiting !== undefined) return waiting;
  const block = toBlock(status);
  if (block !== undefined) return block;
  const categories = listUnread(status);
  if (categories.length > 0) return { kind: 'sources', categories };
  const ashore = toAshoreOf(state);
  if (ashore.kind === 'nothing') return { kind: 'empty' };
  return { kind: state.outcome === 'delivered' ? 'delivered' : 'safe', at: ashore.at };
}

/** Returns what would hold up the next export while none is waiting, so that the owner can act before one does. */
function toBlock({ lacking, destination }: Answer<'status'>): Situation | undefined {
  if (lacking !== null)
    return { kind: 'blocked', cause: toBlockedCause(lacking.cause), detail: lacking.detail };
  const { state, cause, detail } = destination;
  return state === 'blocked' ? { kind: 'blocked', cause: toBlockedCause(cause), detail } : undefined;
}

function toWaitingSituation(
  { outcome }: PageState,
  { destination, data_budget }: Answer<'status'>,
): Situation {
  const { state, detail, cause, explanation } = destination;
  switch (state) {
    case 'blocked':
      return { kind: 'blocked', cause: toBlockedCause(cause), detail };
    case 'captive_portal':
    case 'clock_wrong':
    case 'untrusted':
      return { kind: state, detail };
    case 'unavailable':
    case 'offline':
      return outcome === 'will_retry' ? { kind: 'will_retry' } : { kind: state, detail };
    default:
      if (data_budget.state === 'metered' || data_budget.state === 'over_budget')
        return { kind: data_budget.state };
      if (state === 'unknown') return { kind: 'unknown', detail };
      // A newer export manager may report additional states. Its explanation describes them.
      return state === 'online'
        ? { kind: 'waits' }
        : { kind: 'later_state', explanation: explanation === '' ? detail : explanation };
  }
}

/** Causes for which this page has a text. */
const BLOCKED_CAUSES: readonly BlockedCause[] = [
  'token',
  'other_boat',
  'disabled',
  'address',
  'no_address',
  'no_token',
  'token_file',
];

function toBlockedCause(cause: string | null): BlockedCause {
  return BLOCKED_CAUSES.find((one) => one === cause) ?? 'other';
}

/** The categories that the last export could not read, so that their new records are not ashore. */
export function listUnread({ categories }: Answer<'status'>): readonly string[] {
  return Object.entries(categories)
    .filter(([, { state }]) => state === 'error' || state === 'schema_unknown')
    .map(([category]) => category);
}

/** The failed exports whose records no later delivered export contains. */
export function listFailedOnBoard({
  queue,
  history,
}: Pick<PageState, 'queue' | 'history'>): NonNullable<PageState['queue']>['failed'] {
  const newest = history?.exports
    .map(({ created_at }) => created_at)
    .toSorted()
    .at(-1);
  return queue?.failed.filter((entry) => isOnlyOnBoard(entry, newest)) ?? [];
}

/** Returns the time up to which the boat's data is ashore, or `nothing` while this time is not known. */
export function toAshoreOf({ queue, history }: Pick<PageState, 'queue' | 'history'>): Ashore {
  if (queue === undefined || history === undefined) return { kind: 'nothing' };
  return toAshore(queue, history.exports);
}
