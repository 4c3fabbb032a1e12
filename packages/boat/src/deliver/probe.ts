import { HEALTH_PATH } from '@d3kos/protocol';
import type { Transport, TransportError } from '../platform/ports.ts';
import { parseJsonBytes, readAnswer, toTransportFailure } from '../platform/transport-answer.ts';
import type { ProbeResult } from './outcome.ts';
import { recogniseHealth } from './policy/answer.ts';
import { parseAcceptEncoding, parseHttpDate } from './policy/http-headers.ts';
import { explainTlsFailure } from './policy/tls-failure.ts';

/**
 * Maximum size of a health answer, in bytes. Central's answer is about 100 bytes. A foreign page is recognised by its first
 * bytes.
 */
const HEALTH_SIZE_MAX_BYTES = 64 * 1024;

/** The URL to probe, and the clock's state, which can explain a failed TLS handshake. */
export interface ProbeTarget {
  /** Central's URL, without a trailing slash. */
  readonly centralUrl: string;
  /** Whether a time service has set the boat's clock. If so, an expired certificate is central's fault. */
  readonly clockSynchronized: boolean;
}

/**
 * Sends one health request, without the device token (docs/spec/protocol.md R5). Answers and link failures are returned as
 * results. Rejects with the signal's reason when aborted.
 */
export async function probe(
  deps: { readonly transport: Transport },
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const request = new Request(`${target.centralUrl}${HEALTH_PATH}`, {
    redirect: 'manual',
    // docs/spec/protocol.md R5: "A boat MUST NOT send its device token with a health request."
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
  });
  try {
    const response = await deps.transport(request, signal);
    const body = await readAnswer(response, HEALTH_SIZE_MAX_BYTES);
    return toResult(response, body.kind === 'whole' ? parseJsonBytes(body.bytes)?.value : undefined);
  } catch (error) {
    return toFailure(toTransportFailure(error, signal), target.clockSynchronized);
  }
}

function toResult(response: Response, json: unknown): ProbeResult {
  const { status, headers } = response;
  const answer = recogniseHealth(status, json);
  switch (answer.kind) {
    case 'central': {
      const timeMs = Date.parse(answer.health.time);
      return {
        kind: 'central',
        timeWallMs: Number.isNaN(timeMs) ? parseHttpDate(headers.get('date') ?? '') : timeMs,
        offers: parseAcceptEncoding(headers.get('accept-encoding')),
      };
    }
    case 'unavailable':
      return { kind: 'unavailable', status };
    case 'captive_portal':
      return { kind: 'captive_portal', detail: `Another system answers instead of central (HTTP ${status})` };
    default:
      return answer satisfies never;
  }
}

function toFailure(error: TransportError, clockSynchronized: boolean): ProbeResult {
  const { phase, code } = error;
  if (phase !== 'tls') return { kind: 'nothing', code };
  const { destination, detail } = explainTlsFailure(code, clockSynchronized);
  switch (destination) {
    case 'offline':
      return { kind: 'nothing', code };
    case 'captive_portal':
    case 'untrusted':
      return { kind: destination, detail };
    case 'clock_wrong':
      return { kind: 'clock_wrong', code };
    default:
      return destination satisfies never;
  }
}
