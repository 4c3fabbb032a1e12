import { type Clock, type Transport, TransportError } from '../platform/ports.ts';
import { withDeadline } from '../platform/with-deadline.ts';
import type { WebhookOutcome } from './policy.ts';

/** Timeout for one call: enough for the DNS lookup, connection, handshake and answer on a satellite link with 2 s latency. */
const DEADLINE_MS = 60_000;

/** A call's body. It identifies the boat and the number of exports, but contains no records or secrets. */
export interface WebhookBody {
  readonly service: 'd3kos-export-manager';
  readonly installation_id: string;
  readonly event: 'raised' | 'cleared';
  readonly subject: 'failed' | 'waiting';
  readonly export_count: number;
  readonly message: string;
}

/**
 * Calls the owner's webhook once. Uses only the answer's status and does not read its body. Follows no redirects, so that the
 * receiver cannot send the boat to another address. Failures are returned as results. Rejects with the signal's reason when
 * aborted.
 */
export async function callWebhook(
  { transport, clock }: { readonly transport: Transport; readonly clock: Pick<Clock, 'sleep'> },
  url: string,
  body: WebhookBody,
  signal: AbortSignal,
): Promise<WebhookOutcome> {
  const request = new Request(url, {
    method: 'POST',
    redirect: 'manual',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  try {
    const called = await withDeadline(clock, DEADLINE_MS, signal, async (until) => {
      const response = await transport(request, until);
      await response.body?.cancel();
      return response.status;
    });
    if (called.kind === 'late')
      return { kind: 'failed', detail: `no answer within ${DEADLINE_MS / 1_000} s` };
    return toOutcome(called.value);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const detail = `${error.phase} ${error.code}`;
    // With a captive portal's certificate, or with a wrong clock, the handshake fails.
    const hasArrived = error.phase !== 'connect' && error.phase !== 'tls';
    return hasArrived ? { kind: 'failed', detail } : { kind: 'unreachable', detail };
  }
}

function toOutcome(status: number): WebhookOutcome {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const detail = `it returned HTTP ${status}`;
  // A captive portal returns a redirect or 511.
  if ((status >= 300 && status < 400) || status === 511) return { kind: 'unreachable', detail };
  // A portal may also return a page, so only a clear refusal is final.
  const isFinal = status === 400 || status === 401 || status === 403 || status === 404 || status === 410;
  return isFinal ? { kind: 'refused', detail } : { kind: 'failed', detail };
}
