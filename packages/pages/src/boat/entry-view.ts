import type { Answer } from '@d3kos/boat/api';
import type { TextKey, Texts } from '../i18n/texts.ts';
import type { IconName, Tone } from '../ui/icons.tsx';
import type { PageState } from './state.ts';

export type QueueEntry = Answer<'queue'>['pending'][number];

/** Maximum number of retries of an export. */
const RETRIES_MAX = 3;

/** A row in the list of waiting exports. */
export interface EntryView {
  readonly queueId: string;
  readonly tone: Tone;
  readonly mark: IconName;
  readonly title: string;
  /** Why it was created. */
  readonly made: string;
  /** Its number of records and size. */
  readonly facts: readonly string[];
  /** Why it is still on board. */
  readonly why: string;
  /** The result of the last attempt, or ''. */
  readonly lastError: string;
  readonly canRetry: boolean;
  readonly canCancel: boolean;
}

/** Describes a queue entry. */
export function toEntryView(entry: QueueEntry, state: PageState, texts: Texts): EntryView {
  const { say } = texts;
  const now = state.heardAt ?? entry.created_at;
  const view = {
    queueId: entry.queue_id,
    title: texts.moment(entry.created_at, now),
    made: say(`waiting.trigger.${entry.trigger}`),
    facts: toFacts(entry, texts),
    lastError: entry.last_error ?? '',
  };
  // The first attempt is not a retry.
  const retryCount = Math.min(RETRIES_MAX, Math.max(0, entry.retry_count - 1));
  switch (entry.status) {
    case 'uploading':
      return {
        ...view,
        tone: 'now',
        mark: 'sending',
        why: toPartText(entry, state, texts),
        canRetry: false,
        canCancel: true,
      };
    case 'failed':
      return {
        ...view,
        tone: 'bad',
        mark: 'failed',
        why: retryCount === 0 ? '' : say('waiting.retriesUsed', { n: retryCount }),
        canRetry: true,
        canCancel: false,
      };
    case 'pending':
    case 'completed':
      return {
        ...view,
        tone: 'calm',
        mark: 'waiting',
        why: toWaitingText(entry, state, texts),
        canRetry: false,
        canCancel: true,
      };
    default:
      return entry.status satisfies never;
  }
}

/** Why the export waits: what the boat lacks, the next retry, or what holds up an export that is ready to send. */
function toWaitingText(entry: QueueEntry, state: PageState, texts: Texts): string {
  const { say } = texts;
  const now = state.heardAt ?? entry.created_at;
  const lacking = state.status === undefined ? undefined : toLackingKey(state.status);
  if (lacking !== undefined) return say(lacking);
  if (entry.retry_count === 0 || entry.next_retry_at <= now) return say(toReasonKey(entry, state));
  return say('waiting.retry', {
    n: Math.min(RETRIES_MAX, entry.retry_count),
    time: texts.moment(entry.next_retry_at, now),
  });
}

function toPartText(entry: QueueEntry, { sending }: PageState, { say }: Texts): string {
  if (sending?.queueId !== entry.queue_id) return say('waiting.sending');
  return say('waiting.part', { index: sending.partIndex, total: sending.partCount });
}

/** The texts for what an export is waiting for. */
type ReasonKey =
  | Extract<TextKey, `waiting.why.${string}`>
  | 'blocked.address.title'
  | 'blocked.noAddress.title'
  | 'untrusted.title';

/**
 * What the boat lacks before it may send anything at all, or undefined. This takes precedence over central's state and the next
 * retry, because without a tier, nothing is tried at that time.
 */
function toLackingKey({ tier, error, code, lacking }: Answer<'status'>): ReasonKey | undefined {
  if (tier === 0) return 'waiting.why.tier0';
  if (error !== null) return code === 'INSTALLATION_ID_INVALID' ? 'waiting.why.id' : 'waiting.why.tier';
  return lacking === null ? undefined : toBlockedKey(lacking.cause);
}

function toBlockedKey(cause: string | null): ReasonKey {
  if (cause === 'address') return 'blocked.address.title';
  return cause === 'no_address' ? 'blocked.noAddress.title' : 'waiting.why.blocked';
}

/** Why an export that is ready to send is waiting: central's state, or the data budget. */
function toReasonKey(entry: QueueEntry, { status, queue }: PageState): ReasonKey {
  switch (status?.destination.state) {
    case 'offline':
    case 'unknown':
      return 'waiting.why.offline';
    case 'blocked':
      return toBlockedKey(status.destination.cause);
    case 'untrusted':
      return 'untrusted.title';
    case 'captive_portal':
      return 'waiting.why.captive';
    case 'clock_wrong':
      return 'waiting.why.clock';
    case 'unavailable':
      return 'waiting.why.unavailable';
    default:
      if (status !== undefined && status.data_budget.state !== 'affordable') return 'waiting.why.held';
      return queue?.uploading.length === 0 && queue.pending[0]?.queue_id === entry.queue_id
        ? 'waiting.why.next'
        : 'waiting.why.queued';
  }
}

/**
 * An export's number of records and size. Full exports are marked, because the owner rarely requests one.
 */
function toFacts(entry: QueueEntry, texts: Texts): readonly string[] {
  const { say } = texts;
  return [
    ...(entry.export_type === 'full' ? [say('waiting.full')] : []),
    say('history.records', { n: entry.record_count }),
    texts.bytes(entry.file_size_bytes),
  ];
}
