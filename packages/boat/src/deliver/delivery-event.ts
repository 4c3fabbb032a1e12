import type { HandledReport } from '../ledger/missing-exports.ts';
import type { LedgerChange } from '../ledger/ledger-changes.ts';
import type { NextAttempt } from './policy/backoff.ts';
import type { SendHold } from './policy/data-budget.ts';
import type { Destination } from './policy/destination-state.ts';
import type { UploadProgress } from './upload-progress.ts';

/** An event from the worker. Log lines (`delivery-log.ts`) and page events are derived from these events. */
export type DeliveryEvent =
  /** Delivery of an export begins, or continues after a pause. */
  | { readonly kind: 'delivery_started'; readonly queueId: string }
  /** A part is about to be sent. */
  | ({
      readonly kind: 'part_started';
      readonly queueId: string;
      readonly partIndex: number;
      readonly partCount: number;
    } & UploadProgress)
  /** The unacknowledged parts were split into smaller ones, because central refused one (413) or the link cut one off. */
  | {
      readonly kind: 'parts_cut';
      readonly queueId: string;
      readonly partSizeBytes: number;
      readonly cause: 'refused' | 'cut_off';
    }
  /** Central holds every part, and the delivery is recorded in the ledger. */
  | { readonly kind: 'delivered'; readonly queueId: string }
  /** The export was paused for a due export in the small lane. Acknowledged parts stay acknowledged. */
  | { readonly kind: 'paused'; readonly queueId: string }
  /** An attempt failed. After the last attempt, `dead_lettered` follows. */
  | {
      readonly kind: 'attempt_spent';
      readonly queueId: string;
      readonly detail: string;
      readonly next: NextAttempt;
    }
  /** An intermediary refused the export. Only this export waits, for `delayMs`, and no attempt was counted. */
  | {
      readonly kind: 'stepped_aside';
      readonly queueId: string;
      readonly detail: string;
      readonly delayMs: number;
    }
  /** The export is waiting again, and no attempt was counted. */
  | {
      readonly kind: 'waits_unspent';
      readonly queueId: string;
      readonly reason: 'unreachable' | 'throttled' | 'blocked' | 'diverged' | 'not_permitted' | 'cancelled';
      readonly detail: string;
    }
  /** Central has a different export under this export's ledger and sequence, so the boat began a new ledger. */
  | { readonly kind: 'ledger_begun'; readonly queueId: string; readonly change: LedgerChange }
  /** Central's answer listed delivered exports that it has lost. They are sent again. */
  | { readonly kind: 'missing_reported'; readonly queueId: string; readonly report: HandledReport }
  /** Central will never accept the export. `dead_lettered` follows. */
  | { readonly kind: 'rejected'; readonly queueId: string; readonly detail: string }
  /** The export failed. Its file is kept, and the next export contains its records. */
  | { readonly kind: 'dead_lettered'; readonly queueId: string; readonly reason: string }
  /** The licence does not permit sending. Reported only once until the message changes. */
  | { readonly kind: 'not_permitted'; readonly message: string; readonly hint: string }
  /** The data budget started holding due exports, or stopped holding them (`hold` is undefined). */
  | { readonly kind: 'send_hold_changed'; readonly hold: SendHold | undefined }
  | { readonly kind: 'destination_changed'; readonly destination: Destination }
  /** The card or the ledger failed. The worker pauses. */
  | {
      readonly kind: 'delivery_paused';
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    }
  /** An entry's status changed, or sending an entry began. */
  | { readonly kind: 'queue_changed' };

/** Receives events in order. Must not throw. */
export type ReportDelivery = (event: DeliveryEvent) => void;
