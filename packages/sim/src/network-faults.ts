import type { SimRandom } from './random.ts';

/** State of the boat's link. With `portal`, a captive portal answers every request. */
export type LinkState = 'up' | 'down' | 'portal';

/** The possible faults of one exchange with a reachable server. */
export const FAULTS = [
  // The fault occurs before any byte is sent, so the boat can be sure that nothing arrived.
  'dns_failure',
  'connection_refused',
  'connect_timeout',
  'foreign_certificate',
  // The server receives nothing, or only a part, which it drops.
  'request_lost',
  'request_stalled',
  'gateway_502',
  // The server handles the request, but its answer does not reach the boat completely.
  'answer_lost',
  'answer_stalled',
  'answer_broken',
  'answer_short',
  'gateway_504',
  // The boat times out first, and the server handles the request afterwards.
  'request_late',
  // A proxy on the way sends the request twice.
  'request_doubled',
  // A captive portal answers the request.
  'portal_page',
  'portal_redirect',
  'portal_511',
  'portal_json',
] as const;

export type Fault = (typeof FAULTS)[number];

/** The fault of an answered exchange. `proxy_refusal`: a proxy answered in place of central. */
export type ExchangeFault = Fault | 'none' | 'proxy_refusal';

/** Probability of each fault in one exchange. Unlisted faults never happen. The sum is at most 1. */
export type FaultProbabilities = Partial<Readonly<Record<Fault, number>>>;

/** Draws the fault of one exchange, or `none`. */
export function drawFault(probabilities: FaultProbabilities, random: SimRandom): Fault | 'none' {
  let left = random.fraction();
  for (const fault of FAULTS) {
    left -= probabilities[fault] ?? 0;
    if (left < 0) return fault;
  }
  return 'none';
}

/** Assigns the same probability to each fault. `total` is their sum. */
export function evenProbabilities(total: number): FaultProbabilities {
  return Object.fromEntries(FAULTS.map((fault) => [fault, total / FAULTS.length]));
}

/** Faults in which a captive portal answers instead of the server. */
export type PortalFault = Extract<Fault, `portal_${string}`>;

/** Draws the fault of an exchange behind a captive portal. */
export function drawPortalFault(random: SimRandom): PortalFault | 'foreign_certificate' {
  return random.pick([
    'portal_page',
    'portal_redirect',
    'portal_511',
    'portal_json',
    'foreign_certificate',
  ] as const);
}

/** Returns the answer that a captive portal or a proxy gives in place of central. */
export function portalAnswer(fault: PortalFault): Response {
  switch (fault) {
    case 'portal_page':
      return html(
        200,
        '<html><title>Marina Wi-Fi</title><form action="/login">Accept the terms</form></html>',
      );
    case 'portal_redirect':
      return new Response(null, { status: 302, headers: { location: 'http://portal.marina.example/login' } });
    case 'portal_511':
      return html(511, '<html><title>Network Authentication Required</title></html>');
    case 'portal_json':
      return Response.json({ status: 'success', message: 'welcome aboard' });
  }
}

/** Returns the answer of a gateway whose upstream server did not answer. */
export function gatewayAnswer(status: 502 | 504): Response {
  return html(status, `<html><title>${status}</title></html>`);
}

function html(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-type': 'text/html' } });
}
