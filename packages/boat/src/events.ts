/** What a page that watches the boat is told as it happens. */
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

/** Most pages that may watch at once: a kiosk, a phone and a laptop, several times over. */
export const WATCHERS_MAX = 16;

/** Hands events to whoever listens now; nobody listening is fine, and nothing is kept. */
export interface Events {
  emit(event: ManagerEvent): void;
  /** Gives the function that ends the subscription; undefined when there are too many. */
  subscribe(listener: (event: ManagerEvent) => void): (() => void) | undefined;
}

export function createEvents(): Events {
  const listeners = new Set<(event: ManagerEvent) => void>();
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
