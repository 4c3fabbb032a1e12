import type { DeliveryEvent } from '../../boat/src/deliver/delivery-event.ts';
import type { LogLevel, TransportError } from '../../boat/src/platform/ports.ts';
import type { ExchangeFault, LinkState } from './network-faults.ts';
import type { Action } from './plan-boots.ts';
import type { Incident } from './plan-incidents.ts';

/** All events of a run. Checkers and coverage read them, and the trace prints them. */
export type SimEvent =
  | { readonly kind: 'boot'; readonly boot: number }
  | { readonly kind: 'power_lost'; readonly steps: number }
  /** The owner copied the card to an image, or wrote the image to a new card. */
  | { readonly kind: 'card_imaged' | 'card_restored' }
  /** The owner wrote the image to the card of a second boat, and both boats continue. */
  | { readonly kind: 'card_copied' }
  /** The operator restored central's database from a backup. */
  | { readonly kind: 'central_restored' }
  | { readonly kind: 'clock_set' }
  | { readonly kind: 'stop_requested' }
  /** The export manager exited without being stopped. `code` is undefined if a bug caused it. */
  | { readonly kind: 'manager_ended'; readonly reason: string }
  /** The last faults ended. The calm day begins. */
  | { readonly kind: 'calm' }
  | { readonly kind: 'incident_began'; readonly incident: Incident }
  | { readonly kind: 'incident_ended'; readonly incident: Incident['kind'] }
  | { readonly kind: 'action'; readonly action: Action }
  /** The owner is about to cancel an export. */
  | { readonly kind: 'cancel_requested'; readonly queueId: string }
  /** The boat's local API answered. */
  | {
      readonly kind: 'request_answered';
      readonly request: string;
      readonly body: unknown;
      readonly status: number;
      readonly code: string | undefined;
      readonly queueId: string | undefined;
      /** Only in the answer to an export request: true if an export was queued. */
      readonly isQueued: boolean | undefined;
    }
  | { readonly kind: 'bundle_written'; readonly status: number; readonly sizeBytes: number }
  | { readonly kind: 'bundle_imported'; readonly result: string }
  /** The boat began to read a source that does not answer. */
  | { readonly kind: 'source_hung'; readonly path: string }
  | { readonly kind: 'link_changed'; readonly state: LinkState }
  | { readonly kind: 'connections_broken' }
  | ExchangeEvent
  /** An event from the boat's delivery module. */
  | { readonly kind: 'delivery'; readonly event: DeliveryEvent }
  /** The ledger no longer holds an acknowledged export. */
  | { readonly kind: 'export_removed'; readonly queueId: string }
  | { readonly kind: 'legacy_queue_imported' }
  /** A line of the boat's log. It must be the same in both runs of a seed. No checker interprets it. */
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly facts: string | undefined;
    }
  | { readonly kind: 'violation'; readonly text: string };

/** An exchange between the boat and a server has ended. */
export type ExchangeEvent = {
  readonly kind: 'exchange';
  readonly number: number;
  readonly method: string;
  readonly path: string;
} & (
  | { readonly outcome: 'answered'; readonly fault: ExchangeFault; readonly status: number }
  | { readonly outcome: 'failed'; readonly phase: TransportError['phase']; readonly code: string }
  /** The transport threw an unexpected error, which is a bug. */
  | { readonly outcome: 'threw'; readonly message: string }
);
