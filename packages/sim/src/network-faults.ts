import type { SimRandom } from './random.ts';

/** What can go wrong in one exchange with a server that is reachable. `none` is what happens otherwise. */
export const FAULTS = [
  // Before a byte left: the boat knows that nothing arrived.
  'dns_failure',
  'connection_refused',
  'connect_timeout',
  'foreign_certificate',
  // The server got nothing, or a part that it drops.
  'request_lost',
  'request_stalled',
  'gateway_502',
  // The server did its work, and the boat does not learn of it.
  'answer_lost',
  'answer_stalled',
  'answer_broken',
  'answer_short',
  'gateway_504',
  // The boat gives up first, and the server does its work afterwards.
  'request_late',
  // Something between the two sends the request twice.
  'request_doubled',
  // Somebody else answers.
  'portal_page',
  'portal_redirect',
  'portal_511',
  'portal_json',
] as const;

export type Fault = (typeof FAULTS)[number];

/** How likely each fault is in one exchange; what is not named does not happen. The sum is at most 1. */
export type FaultProbabilities = Partial<Readonly<Record<Fault, number>>>;

/** The fault of one exchange, or `none`. */
export function drawFault(probabilities: FaultProbabilities, random: SimRandom): Fault | 'none' {
  let left = random.fraction();
  for (const fault of FAULTS) {
    left -= probabilities[fault] ?? 0;
    if (left < 0) return fault;
  }
  return 'none';
}

/** Every fault as likely, together as likely as `total`. */
export function evenProbabilities(total: number): FaultProbabilities {
  return Object.fromEntries(FAULTS.map((fault) => [fault, total / FAULTS.length]));
}

/** Faults with which somebody else answers instead of the server. */
export type PortalFault = Extract<Fault, `portal_${string}`>;

/** What a captive portal or a proxy answers in place of central. */
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

/** What a gateway answers whose server did not. */
export function gatewayAnswer(status: 502 | 504): Response {
  return html(status, `<html><title>${status}</title></html>`);
}

function html(status: number, body: string): Response {
  return new Response(body, { status, headers: { 'content-type': 'text/html' } });
}
