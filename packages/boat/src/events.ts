import type { DeliveryEvent } from './deliver/delivery-event.ts';

/** What a page that watches the boat receives as it happens. */
export type ManagerEvent =
  | {
      readonly kind: 'queue';
      readonly counts: Readonly<Record<'pending' | 'uploading' | 'completed' | 'failed', number>>;
    }
  | { readonly kind: 'collecting'; readonly category: string; readonly count: number }
  | {
      readonly kind: 'uploading';
      readonly queueId: string;
      readonly partIndex: number;
      readonly partCount: number;
    }
  | { readonly kind: 'delivered'; readonly queueId: string }
  | { readonly kind: 'destination'; readonly state: string; readonly detail: string };

/** The page's event for an event of the worker, or undefined if pages do not show it. */
export function toManagerEvent(event: DeliveryEvent): ManagerEvent | undefined {
  switch (event.kind) {
    case 'part_started': {
      const { queueId, partIndex, partCount } = event;
      return { kind: 'uploading', queueId, partIndex, partCount };
    }
    case 'delivered':
      return { kind: 'delivered', queueId: event.queueId };
    case 'destination_changed': {
      const { state, detail } = event.destination;
      return { kind: 'destination', state, detail };
    }
    default:
      return undefined;
  }
}

/** Most subscribers at once: a kiosk, a phone and a laptop, several times over. */
export const WATCHERS_MAX = 16;

/** The events of the pages. */
export type Events = EventBus<ManagerEvent>;

/** Passes events to the present subscribers. It keeps none for later subscribers. */
export interface EventBus<Event> {
  emit(event: Event): void;
  /** Returns the function that ends the subscription, or undefined if WATCHERS_MAX subscribers exist. */
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
  return createEventBus();
}
