import type { ContentCoding, Receipt } from '@d3kos/protocol';

/** Why an answer cannot be central's. */
export type NotCentralReason = 'redirect' | 'html' | 'other_json' | 'status_511' | 'garbage';

/** What happened to one part that was sent: facts, before anything is decided. `detail` is for a person. */
export type Outcome =
  /** Central's proof, checked against what was sent. `offers`: the codings its answer names, see `parseOffers`. */
  | { readonly kind: 'receipt'; readonly receipt: Receipt; readonly offers: readonly ContentCoding[] }
  /** A well-formed receipt, but for another export, part or body. */
  | { readonly kind: 'receipt_mismatch'; readonly detail: string }
  /** Central refused in its own shape, `{status:"error", error_code, message}`. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly errorCode: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  /** Somebody answered, and it was not central. */
  | {
      readonly kind: 'not_central';
      readonly reason: NotCentralReason;
      readonly status: number;
      readonly detail: string;
      readonly retryAfterMs?: number;
    }
  /** No byte of the request can have reached a server. `clockSuspect`: the certificate's dates do not fit the boat's clock. */
  | {
      readonly kind: 'no_connection';
      readonly phase: 'connect' | 'tls';
      readonly code: string;
      readonly clockSuspect: boolean;
    }
  /** The request began, and its answer never came whole: central may hold the part, or not. */
  | { readonly kind: 'answer_lost'; readonly code: string }
  /** The request began, and then no byte moved for the transport's silence limit. */
  | { readonly kind: 'stalled' };

/** What one look at central's health found. */
export type ProbeResult =
  /** Central named itself. `timeWallMs`: its clock, undefined where it gave none that can be read. */
  | {
      readonly kind: 'central';
      readonly timeWallMs: number | undefined;
      readonly offers: readonly ContentCoding[];
    }
  /** Somebody else answered. */
  | { readonly kind: 'captive_portal'; readonly detail: string }
  /** Nobody answered. */
  | { readonly kind: 'nothing'; readonly code: string }
  /** The certificate's dates do not fit the boat's clock. */
  | { readonly kind: 'clock_wrong'; readonly code: string }
  /** Something that stands for central answered that it fails: 408, 425, 429 or 5xx but 511. */
  | { readonly kind: 'unavailable'; readonly status: number };
