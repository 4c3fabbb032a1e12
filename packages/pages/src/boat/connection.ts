import { EVENT_KINDS, type EventKind, EVENTS_PATH, type ManagerEvent } from './api.ts';
import type { Refresh } from './refresh.ts';
import { applyEvent, applyLoss } from './state.ts';
import type { Store } from './store.ts';

/**
 * Longest silence of a live stream: two heartbeats of 15 s plus some delay. After this time, the facts on the page count as out
 * of date.
 */
export const SILENCE_MAX_MS = 35_000;
/** An interruption up to this length is not shown, because a restarting daemon answers again within seconds. */
const INTERRUPTION_SHOWN_AFTER_MS = 3_000;
/** Interval at which the page tries to connect again. */
const RECONNECT_EVERY_MS = 2_000;
/** Interval at which the silence is checked. */
const WATCH_EVERY_MS = 1_000;
/** How long the end of an upload is shown. */
const OUTCOME_SHOWN_MS = 10_000;

/**
 * Keeps the page connected to the event stream while it is open. After every reconnection, the page reads all facts, because
 * events during the interruption are lost. Time is measured on a monotonic clock, so clock changes have no effect.
 */
export function connect(store: Store, refresh: Refresh): void {
  let source: EventSource | undefined;
  let heardMs = performance.now();
  let brokenSinceMs: number | undefined = heardMs;
  let triedMs = -RECONNECT_EVERY_MS;

  const close = (): void => {
    source?.close();
    source = undefined;
    brokenSinceMs ??= performance.now();
  };
  const open = (): void => {
    triedMs = performance.now();
    heardMs = triedMs;
    source = new EventSource(EVENTS_PATH);
    source.onopen = () => void refresh.everything();
    source.onerror = close;
    for (const kind of Object.keys(EVENT_KINDS))
      source.addEventListener(kind, ({ data }: MessageEvent<string>) => {
        heardMs = performance.now();
        brokenSinceMs = undefined;
        // The stream comes from the server that served this page, so it follows the contract of the same version.
        receive(store, refresh, JSON.parse(data) as ManagerEvent);
      });
  };
  const watch = (): void => {
    const nowMs = performance.now();
    // This also detects that the computer was asleep, when no timers ran.
    if (source !== undefined && nowMs - heardMs > SILENCE_MAX_MS) close();
    if (source === undefined && nowMs - triedMs >= RECONNECT_EVERY_MS) open();
    const isLost = brokenSinceMs !== undefined && nowMs - brokenSinceMs > INTERRUPTION_SHOWN_AFTER_MS;
    if (isLost && store.read().link !== 'lost') store.change(applyLoss);
  };
  setInterval(watch, WATCH_EVERY_MS);
  setInterval(() => {
    if (store.read().link === 'live' && document.visibilityState === 'visible') refresh.soon();
  }, READ_EVERY_MS);
  watch();
}

/**
 * Interval at which the facts are read again without an event. Changes to the tier, the card's free space and the schedule cause
 * no event.
 */
const READ_EVERY_MS = 60_000;

/** Events after which facts must be read again. */
const CHANGING: readonly EventKind[] = ['queue', 'collected', 'unread', 'delivered', 'destination'];

function receive(store: Store, refresh: Refresh, event: ManagerEvent): void {
  const before = store.read();
  store.change((state) => applyEvent(state, event));
  const { outcome } = store.read();
  if (CHANGING.includes(event.kind)) refresh.soon();
  if (outcome !== undefined && outcome !== before.outcome)
    setTimeout(
      () => store.change((state) => (state.outcome === outcome ? { ...state, outcome: undefined } : state)),
      OUTCOME_SHOWN_MS,
    );
}
