import type { LogLevel } from '../platform/ports.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import { describeDelay, describeNextAttempt } from './policy/backoff.ts';
import { describeSendHold } from './policy/data-budget.ts';
import { describeLedgerChange } from './policy/divergence.ts';
import { describeMissing } from './policy/describe-missing.ts';
import { describeDestination } from './policy/destination-state.ts';

export interface DeliveryLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/**
 * Returns an event's log line, or undefined if it has none. Lines about an export keep the legacy exporter's wording, which other
 * programs search for (docs/spec/delivery.md, "CLI `d3kos-export`").
 */
export function toDeliveryLogLine(event: DeliveryEvent): DeliveryLogLine | undefined {
  switch (event.kind) {
    case 'delivery_started':
      return info(`Processing export: ${event.queueId}`);
    case 'parts_cut':
      return info(describeCut(event));
    case 'delivered':
      return info(`✓ Export uploaded successfully: ${event.queueId}`);
    case 'attempt_spent':
      return info(
        `Export upload failed: ${event.queueId}: ${event.detail}. ${describeNextAttempt(event.next)}`,
      );
    case 'stepped_aside':
      return warn(
        `Export upload failed: ${event.queueId}: ${event.detail}. It will be tried again in ${describeDelay(event.delayMs)}; other exports are still sent`,
      );
    case 'waits_unspent':
      // For other reasons, the log line about the destination or the licence is enough.
      return event.reason === 'unreachable' || event.reason === 'throttled'
        ? info(`Export upload failed: ${event.queueId} is waiting: ${event.detail}`)
        : undefined;
    case 'ledger_begun':
      return warn(describeLedgerChange(event.change), { queue_id: event.queueId });
    case 'missing_reported':
      return warn(describeMissing(event.report), { queue_id: event.queueId, ...event.report });
    case 'rejected':
      return warn(
        `Export rejected: ${event.queueId}: ${event.detail}. The next export will contain its records`,
      );
    case 'not_permitted':
      return warn(`Exports are not sent: ${event.message}`, { hint: event.hint });
    case 'send_hold_changed':
      return info(
        event.hold === undefined
          ? 'The data budget no longer holds back any export'
          : describeSendHold(event.hold),
      );
    case 'destination_changed': {
      const { destination } = event;
      const message = describeDestination(destination);
      return destination.state === 'blocked' ? warn(message) : info(message);
    }
    case 'delivery_paused':
      return warn(`Delivery paused: ${event.message}`, { code: event.code, hint: event.hint });
    case 'part_started':
    case 'paused':
    case 'dead_lettered':
    case 'queue_changed':
      return undefined;
    default:
      return event satisfies never;
  }
}

function describeCut({
  queueId,
  partSizeBytes,
  cause,
}: Extract<DeliveryEvent, { kind: 'parts_cut' }>): string {
  switch (cause) {
    case 'refused':
      return `Only smaller parts are accepted: ${queueId} is now sent in parts of ${partSizeBytes} bytes`;
    case 'cut_off':
      return `The link breaks before a whole part is sent: ${queueId} is now sent in parts of ${partSizeBytes} bytes`;
    default:
      return cause satisfies never;
  }
}

function info(message: string): DeliveryLogLine {
  return { level: 'info', message };
}

function warn(message: string, facts?: Readonly<Record<string, unknown>>): DeliveryLogLine {
  return { level: 'warn', message, ...(facts === undefined ? {} : { facts }) };
}
