import type { Static } from 'typebox';
import type { DeepReadonly } from './api/route.ts';
import type { EventSchema } from './api/event-schema.ts';
import type { DeliveryEvent } from './deliver/delivery-event.ts';

/** An event that the API streams to pages. */
export type ManagerEvent = DeepReadonly<Static<typeof EventSchema>>;

/** Converts a worker event for pages. Returns undefined if pages do not show the event. */
export function toManagerEvent(event: DeliveryEvent): ManagerEvent | undefined {
  switch (event.kind) {
    case 'part_started': {
      const { queueId, partIndex, partCount, sentBytes, leftMs = null } = event;
      return { kind: 'uploading', queueId, partIndex, partCount, sentBytes, leftMs };
    }
    case 'delivered':
      return { kind: 'delivered', queueId: event.queueId };
    case 'destination_changed': {
      const { state, detail, cause = null } = event.destination;
      return { kind: 'destination', state, detail, cause };
    }
    default:
      return undefined;
  }
}

/** Maximum number of concurrent subscribers. A kiosk, a phone and a laptop may each subscribe several times. */
export const WATCHERS_MAX = 16;

/** Distributes events to pages. */
export interface Events extends EventBus<ManagerEvent> {
  /**
   * The events for the work in progress, for a page that connects while it runs: the categories collected so far, and the part
   * being sent.
   */
  inProgress(): readonly ManagerEvent[];
}

/** Delivers each event only to current subscribers. */
export interface EventBus<Event> {
  emit(event: Event): void;
  /** Returns a function that ends the subscription, or undefined if there are already WATCHERS_MAX subscribers. */
  subscribe(listener: (event: Event) => void): (() => void) | undefined;
}

export function createEventBus<Event>(): EventBus<Event> {
  const listeners = new Set<(event: Event) => void>();
  return {
    emit(event) {
      for (const listener of listeners) listener(event);
    },
    subscribe(listener) {
      if (listeners.size >= WATCHERS_MAX) return undefined;
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function createEvents(): Events {
  const bus = createEventBus<ManagerEvent>();
  let inProgress: readonly ManagerEvent[] = [];
  return {
    ...bus,
    emit(event) {
      inProgress = nextInProgress(inProgress, event);
      bus.emit(event);
    },
    inProgress: () => inProgress,
  };
}

/** Returns the events for the work in progress after `event`: at most one per category, and one for the part being sent. */
function nextInProgress(events: readonly ManagerEvent[], event: ManagerEvent): readonly ManagerEvent[] {
  switch (event.kind) {
    case 'collecting':
      return [...events.filter((one) => one.kind !== 'collecting' || one.category !== event.category), event];
    case 'collected':
      return events.filter(({ kind }) => kind !== 'collecting');
    case 'uploading':
      return [...events.filter(({ kind }) => kind !== 'uploading'), event];
    case 'delivered':
      return events.filter((one) => one.kind !== 'uploading' || one.queueId !== event.queueId);
    case 'queue':
      return event.counts.uploading > 0 ? events : events.filter(({ kind }) => kind !== 'uploading');
    case 'heartbeat':
    case 'unread':
    case 'destination':
      return events;
    default:
      return event satisfies never;
  }
}
