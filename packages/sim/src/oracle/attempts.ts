import { HEALTH_PATH } from '@d3kos/protocol';
import type { ExchangeEvent, SimEvent } from '../events.ts';
import type { Violate } from './violations.ts';

/**
 * Checks that an attempt is used up only if central, or a gateway in front of it, answered the health probe just before, and that
 * a proxy's refusal does not count as a captive portal before central's health was probed.
 */
export function checkAttempts(events: readonly SimEvent[], violate: Violate): void {
  let probe: ExchangeEvent | undefined;
  let last: ExchangeEvent | undefined;
  for (const event of events) {
    if (event.kind === 'exchange') last = event;
    if (isPortal(event) && last?.outcome === 'answered' && last.fault === 'proxy_refusal')
      violate(`the refusal of a proxy counted as a captive portal, after ${JSON.stringify(last)}`);
    if (event.kind === 'exchange' && event.method === 'GET' && event.path === HEALTH_PATH) probe = event;
    if (event.kind !== 'delivery' || event.event.kind !== 'attempt_spent' || isReached(probe)) continue;
    violate(
      `${event.event.queueId} used up an attempt although central was not reached, after ${JSON.stringify(probe ?? 'no probe')}`,
    );
  }
}

function isPortal(event: SimEvent): boolean {
  if (event.kind !== 'delivery' || event.event.kind !== 'destination_changed') return false;
  return event.event.destination.state === 'captive_portal';
}

function isReached(probe: ExchangeEvent | undefined): boolean {
  if (probe?.outcome !== 'answered') return false;
  switch (probe.fault) {
    case 'none':
    case 'request_doubled':
    case 'gateway_502':
    case 'gateway_504':
      return true;
    case 'answer_short':
      // A 5xx counts even without its body. A 200 with a truncated body does not reveal which server answered.
      return probe.status >= 500 && probe.status < 600;
    default:
      return false;
  }
}
