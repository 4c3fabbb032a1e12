import type { Receipt } from '@d3kos/protocol';

/** What was decided about one part that was sent (docs/spec/delivery.md, "Delivering"). */
export type Verdict =
  | { readonly kind: 'delivered'; readonly receipt: Receipt }
  /** Central was not reached: no attempt is spent, the destination is probed until it answers. */
  | {
      readonly kind: 'unreachable';
      readonly destination: 'offline' | 'captive_portal' | 'clock_wrong';
      readonly detail: string;
    }
  /** Central was reached and failed. Before an attempt is spent the destination is probed: see `confirmUnavailable`. */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly retryAfterMs?: number }
  /** Central will not take anything as things are: nothing is spent, the owner is told. */
  | { readonly kind: 'blocked'; readonly status: number; readonly errorCode: string; readonly detail: string }
  /** Central will never take this export: it fails at once, with central's reason. */
  | { readonly kind: 'rejected'; readonly errorCode: string; readonly detail: string }
  /** The part is too large for central and can be cut. */
  | { readonly kind: 'cut_smaller'; readonly detail: string };
