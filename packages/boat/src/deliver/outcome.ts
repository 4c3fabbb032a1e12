import type { ContentCoding, Receipt } from '@d3kos/protocol';

/** Why an answer cannot be from central. */
export type NotCentralReason = 'redirect' | 'html' | 'other_json' | 'status_511' | 'garbage';

/** The result of sending one part: facts, without any decision. `detail` is human-readable. */
export type Outcome =
  /**
   * Central's proof, checked against the part that was sent. `offers`: the codings in its answer's `Accept-Encoding`.
   * `missing`: the sequences of the part's ledger that central reports as missing, or undefined if its answer has no list.
   */
  | {
      readonly kind: 'receipt';
      readonly receipt: Receipt;
      readonly offers: readonly ContentCoding[];
      readonly missing: readonly number[] | undefined;
    }
  /** A well-formed receipt for a different export, part or body. */
  | { readonly kind: 'receipt_mismatch'; readonly detail: string }
  /** Central refused, in its own format: `{status:"error", error_code, message}`. */
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
  /** No byte of the request can have reached a server. */
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
  /** The request began, but then no data was transferred for the transport's silence timeout. */
  | { readonly kind: 'stalled' }
  /** Nothing was sent, because the card could not read the export's file. Other files may still be readable. */
  | { readonly kind: 'file_unreadable'; readonly detail: string }
  /** Nothing was sent, because the export's file is missing, damaged or from another installation. */
  | { readonly kind: 'file_unusable'; readonly errorCode: string; readonly detail: string };

/** The result of one health probe of central. */
export type ProbeResult =
  /** Central identified itself. `timeWallMs` is its clock, or undefined if the answer has no valid time. */
  | {
      readonly kind: 'central';
      readonly timeWallMs: number | undefined;
      readonly offers: readonly ContentCoding[];
    }
  /** A foreign answer, or a certificate for another name. */
  | { readonly kind: 'captive_portal'; readonly detail: string }
  /** The certificate has central's name, but this boat cannot verify it. */
  | { readonly kind: 'untrusted'; readonly detail: string }
  /** No answer. */
  | { readonly kind: 'nothing'; readonly code: string }
  /** The certificate's dates do not match the boat's clock. */
  | { readonly kind: 'clock_wrong'; readonly code: string }
  /** Central, or a proxy in front of it, returned an error: 408, 425, 429, or 5xx other than 511. */
  | { readonly kind: 'unavailable'; readonly status: number };
