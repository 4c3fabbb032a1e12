import type { ContentCoding, Receipt } from '@d3kos/protocol';

/** The reason why an answer cannot be from central. */
export type NotCentralReason = 'redirect' | 'html' | 'other_json' | 'status_511' | 'garbage';

/** The observed result of sending one part, without any decision. `detail` is human-readable. */
export type Outcome =
  /**
   * Central's receipt, checked against the part that was sent. `offers`: the codings in the answer's `Accept-Encoding`.
   * `missing`: the sequences in the part's ledger that central reports as missing, or undefined if the answer has no list.
   */
  | {
      readonly kind: 'receipt';
      readonly receipt: Receipt;
      readonly offers: readonly ContentCoding[];
      readonly missing: readonly number[] | undefined;
    }
  /** A well-formed receipt for a different export, part or body. */
  | { readonly kind: 'receipt_mismatch'; readonly detail: string }
  /** Central refused the part, in its own format: `{status:"error", error_code, message}`. */
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly errorCode: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  /** A foreign answer: another system answered instead of central. */
  | {
      readonly kind: 'not_central';
      readonly reason: NotCentralReason;
      readonly status: number;
      readonly detail: string;
      readonly retryAfterMs?: number;
    }
  /** No byte of the request can have reached any server. */
  | { readonly kind: 'no_connection'; readonly phase: 'connect'; readonly code: string }
  /**
   * The request was not sent, because the TLS handshake failed. `clockSynchronized` is true if a time service has set the boat's
   * clock.
   */
  | {
      readonly kind: 'no_connection';
      readonly phase: 'tls';
      readonly code: string;
      readonly clockSynchronized: boolean;
    }
  /** The request began, but no complete answer arrived. Central may or may not hold the part. */
  | { readonly kind: 'answer_lost'; readonly code: string }
  /** The request began, but then no data was transferred for the duration of the transport's silence timeout. */
  | { readonly kind: 'stalled' }
  /** Nothing was sent, because the export's file could not be read from the card. Other files may still be readable. */
  | { readonly kind: 'file_unreadable'; readonly detail: string }
  /** Nothing was sent, because the export's file is missing, is damaged, or belongs to another installation. */
  | { readonly kind: 'file_unusable'; readonly errorCode: string; readonly detail: string };

/** The result of one health probe. */
export type ProbeResult =
  /** Central identified itself. `timeWallMs` is the time on central's clock, or undefined if the answer has no valid time. */
  | {
      readonly kind: 'central';
      readonly timeWallMs: number | undefined;
      readonly offers: readonly ContentCoding[];
    }
  /** A foreign answer, or a certificate for another name. */
  | { readonly kind: 'captive_portal'; readonly detail: string }
  /** The certificate is for central's name, but this boat cannot verify it. */
  | { readonly kind: 'untrusted'; readonly detail: string }
  /** No answer. */
  | { readonly kind: 'nothing'; readonly code: string }
  /** The certificate's dates do not match the boat's clock. */
  | { readonly kind: 'clock_wrong'; readonly code: string }
  /** Central, or a proxy in front of it, returned an error: 408, 425, 429, or 5xx other than 511. */
  | { readonly kind: 'unavailable'; readonly status: number };
