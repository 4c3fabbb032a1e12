import type { Receipt } from '@d3kos/protocol';
import type { Outcome, ProbeResult } from '../outcome.ts';
import { isGatewayStatus } from './answer.ts';
import { explainTlsFailure } from './tls-failure.ts';

/** The decision about one part that was sent (docs/spec/delivery.md, "Delivering", the table of verdicts). */
export type Verdict =
  | { readonly kind: 'delivered'; readonly receipt: Receipt }
  /** The boat did not reach central. No attempt is spent, and the boat probes the destination until it answers. */
  | {
      readonly kind: 'unreachable';
      readonly destination: 'offline' | 'captive_portal' | 'clock_wrong';
      readonly detail: string;
    }
  /**
   * The boat reached central, and central failed. A probe must confirm this before an attempt is spent (see
   * `confirmUnavailable`).
   */
  | { readonly kind: 'unavailable'; readonly detail: string; readonly retryAfterMs?: number }
  /** Central refuses every export until something changes. No attempt is spent, and the owner sees the reason. */
  | { readonly kind: 'blocked'; readonly status: number; readonly errorCode: string; readonly detail: string }
  /** Central will never accept this export. It is dead-lettered at once, with central's reason. */
  | { readonly kind: 'rejected'; readonly errorCode: string; readonly detail: string }
  /** The part is too large for central, and the boat can cut it. */
  | { readonly kind: 'cut_smaller'; readonly detail: string };

/** The facts that a verdict depends on in addition to the outcome. */
export interface VerdictFacts {
  /** Whether the part can be cut into smaller ones. */
  readonly canCut: boolean;
}

/**
 * The table of verdicts in docs/spec/delivery.md, "Delivering". Two cases that the table leaves open are decided so that
 * nothing is lost or spent. A refusal in central's shape with a status that the table does not name blocks the
 * destination. A redirect or a status 511 is a captive portal, even if its body looks like central's: `recogniseAnswer` in
 * answer.ts makes it a foreign answer.
 */
export function decideVerdict(outcome: Outcome, facts: VerdictFacts): Verdict {
  switch (outcome.kind) {
    case 'receipt':
      return { kind: 'delivered', receipt: outcome.receipt };
    case 'receipt_mismatch':
      return { kind: 'unreachable', destination: 'captive_portal', detail: outcome.detail };
    case 'refused':
      return decideRefusal(outcome, facts);
    case 'not_central':
      return decideForeignAnswer(outcome);
    case 'no_connection':
      return decideNoConnection(outcome);
    case 'answer_lost':
      return { kind: 'unavailable', detail: `The answer was lost (${outcome.code})` };
    case 'stalled':
      return { kind: 'unavailable', detail: 'The connection fell silent after the request began' };
    default:
      return outcome satisfies never;
  }
}

function decideRefusal(outcome: Extract<Outcome, { kind: 'refused' }>, facts: VerdictFacts): Verdict {
  const { status, errorCode } = outcome;
  const detail = `HTTP ${status} ${errorCode}: ${outcome.message}`;
  // docs/spec/protocol.md R39: "A boat MUST base its decision on the status of a refusal and MUST accept
  // unknown error codes."
  // docs/spec/protocol.md R40: "A boat MUST retry later after 408, 425, 429, any 5xx, a lost answer or a stalled
  // exchange."
  if (status >= 500) return unavailable(detail, outcome.retryAfterMs);
  switch (status) {
    case 408:
    case 425:
    case 429:
      return unavailable(detail, outcome.retryAfterMs);
    // docs/spec/protocol.md R44: "A boat MUST cut a part that got 413 into smaller parts if it holds more than one
    // record."
    case 413:
      return facts.canCut ? { kind: 'cut_smaller', detail } : { kind: 'rejected', errorCode, detail };
    // docs/spec/protocol.md R45: "A boat MUST fail an export without a retry after 400, 409, 415, 422, or 413 for a
    // part that cannot be cut."
    case 400:
    case 409:
    case 415:
    case 422:
      return { kind: 'rejected', errorCode, detail };
    // docs/spec/protocol.md R46: "A boat MUST stop sending after any other refusal, and MAY try again after 1 h or
    // when its device token changes."
    default:
      return { kind: 'blocked', status, errorCode, detail };
  }
}

function decideForeignAnswer(outcome: Extract<Outcome, { kind: 'not_central' }>): Verdict {
  const detail = `HTTP ${outcome.status}: ${outcome.detail}`;
  // docs/spec/protocol.md R37: "A boat MUST NOT count an attempt for a foreign answer, unless its status is 500 to
  // 504 and central answers a probe (R41)."
  if (isGatewayStatus(outcome.status)) return unavailable(detail, outcome.retryAfterMs);
  return { kind: 'unreachable', destination: 'captive_portal', detail };
}

function decideNoConnection(outcome: Extract<Outcome, { kind: 'no_connection' }>): Verdict {
  if (outcome.phase === 'connect')
    return { kind: 'unreachable', destination: 'offline', detail: `No connection (${outcome.code})` };
  const { destination, detail } = explainTlsFailure(outcome.code, outcome.clockSynchronized);
  return { kind: 'unreachable', destination, detail };
}

function unavailable(detail: string, retryAfterMs: number | undefined): Verdict {
  return { kind: 'unavailable', detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/**
 * The verdict `unavailable` after a probe of the destination. If the probe does not reach central, the link was at
 * fault and the verdict becomes `unreachable`, which spends nothing (docs/spec/protocol.md R41). Other verdicts do not
 * change.
 */
export function confirmUnavailable(verdict: Verdict, probe: ProbeResult): Verdict {
  if (verdict.kind !== 'unavailable') return verdict;
  switch (probe.kind) {
    case 'central':
    case 'unavailable':
      return verdict;
    case 'nothing':
      return {
        kind: 'unreachable',
        destination: 'offline',
        detail: `${verdict.detail}; the probe got no answer (${probe.code})`,
      };
    case 'captive_portal':
      return { kind: 'unreachable', destination: 'captive_portal', detail: probe.detail };
    case 'clock_wrong':
      return {
        kind: 'unreachable',
        destination: 'clock_wrong',
        detail: `The certificate's dates do not fit this boat's clock (${probe.code})`,
      };
    default:
      return probe satisfies never;
  }
}
