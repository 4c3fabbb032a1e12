import { createHash } from 'node:crypto';
import { parseIdempotencyKey } from '@d3kos/protocol';

/** How a proxy refuses a body: with a page of this status, with JSON and status 200, or by breaking the connection. */
export type ProxyRefusal = 403 | 451 | 502 | 'json_200' | 'reset';

/** A proxy or a firewall between the boat and central. It refuses certain bodies and lets all other requests pass. */
export interface RefusingProxy {
  /** It answers 413 to a body that is larger than this on the wire. */
  readonly bodySizeMaxBytes: number;
  /** Share of the exports that it refuses regardless of their size. It refuses the same exports each time. */
  readonly refusedShare: number;
  readonly refusal: ProxyRefusal;
}

/** Returns the proxy's refusal of a request: an answer, `reset`, or undefined if the request passes. */
export function findProxyRefusal(
  proxy: RefusingProxy | undefined,
  request: Request,
): Response | 'reset' | undefined {
  const key = parseIdempotencyKey(request.headers.get('idempotency-key') ?? '');
  if (proxy === undefined || key === undefined) return undefined;
  if (Number(request.headers.get('content-length') ?? 0) > proxy.bodySizeMaxBytes) return toPage(413);
  // A content filter sees the same bytes each time, so its decision is the same each time.
  const [first = 0] = createHash('sha256').update(key.exportId).digest();
  if (first >= proxy.refusedShare * 256) return undefined;
  switch (proxy.refusal) {
    case 'reset':
      return 'reset';
    case 'json_200':
      return Response.json({ blocked: true, policy: 'uploads' });
    default:
      return toPage(proxy.refusal);
  }
}

function toPage(status: number): Response {
  return new Response(`<html><title>${status}</title></html>`, {
    status,
    headers: { 'content-type': 'text/html' },
  });
}
