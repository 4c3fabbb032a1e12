import type { Receipt } from '@d3kos/protocol';
import type { Outcome, ProbeResult } from '../outcome.ts';
import { isGatewayStatus } from './answer.ts';
import { explainTlsFailure } from './tls-failure.ts';

/** The decision about one part that was sent (see the table of verdicts in docs/spec/delivery.md, "Delivering"). */
export type Verdict =
  /** `missing`: see `Outcome`. */
  | {
      readonly kind: 'delivered';
      readonly receipt: Receipt;
      readonly missing: readonly number[] | undefined;
    }
  /** The boat did not reach central. No attempt is counted, and the boat probes the destination until it answers. */
  | {
      readonly kind: 'unreachable';
      readonly destination: 'offline' | 'captive_portal' | 'untrusted' | 'clock_wrong';
      readonly detail: string;
    }
  /**
   * Central was reached and failed. One attempt is counted. `affects` indicates whether central fails for every export or only
   * for this one.
   */
  | {
      readonly kind: 'unavailable';
      readonly affects: 'export' | 'central';
      readonly detail: string;
      readonly retryAfterMs?: number;
    }
  /**
   * Central answered 429, because the boat has used up its share or its quota. The export is not at fault, so no attempt is
   * counted and no export fails. Nothing is sent during the wait, because the limit applies to all exports of the boat.
   */
  | { readonly kind: 'throttled'; readonly detail: string; readonly retryAfterMs?: number }
  /**
   * Central answers the health probe, but an intermediary refuses this part. The export steps aside with its own waits, and the
   * other exports are still sent. No attempt is spent.
   */
  | { readonly kind: 'refused_on_the_way'; readonly detail: string; readonly retryAfterMs?: number }
  /** Central refuses every export until something changes. No attempt is counted, and the owner sees the reason. */
  | { readonly kind: 'blocked'; readonly status: number; readonly errorCode: string; readonly detail: string }
  /**
   * Central has another export under this ledger and sequence. The boat begins a new ledger, and this export is sent in it. No
   * attempt is spent.
   */
  | { readonly kind: 'diverged'; readonly detail: string }
  /** The export can never be accepted. It is dead-lettered at once, with the reason that central or the boat gives. */
  | {
      readonly kind: 'rejected';
      readonly by: 'central' | 'boat';
      readonly errorCode: string;
      readonly detail: string;
    }
  /** The export's file currently cannot be read from the card. One attempt is counted; central was not involved. */
  | { readonly kind: 'unreadable'; readonly detail: string }
  /** The part is too large for central or for an intermediary, and the boat can split it. */
  | { readonly kind: 'cut_smaller'; readonly detail: string };

/** A verdict that depends on the result of a health probe. */
export interface ProbeNeeded {
  readonly kind: 'probe_needed';
  /** The verdict if the probe reaches central. */
  readonly ifCentral: Extract<Verdict, { kind: 'unavailable' | 'refused_on_the_way' | 'cut_smaller' }>;
  /** The verdict if central, or a proxy in front of it, answers the probe with an error. */
  readonly ifUnavailable: Extract<Verdict, { kind: 'unavailable' | 'unreachable' }>;
}

/** What a verdict depends on in addition to the outcome. */
export interface VerdictFacts {
  /** Whether the part can be split into smaller ones. */
  readonly canCut: boolean;
  /**
   * Whether this part failed before and central has acknowledged another part since then. If so, the body is the cause of the
   * failure, and neither the link nor central is at fault.
   */
  readonly doOthersPass: boolean;
}

/**
 * The table of verdicts in docs/spec/delivery.md, "Delivering". Two cases that the table leaves open are decided so that nothing
 * is lost and no attempt is counted. A refusal in central's format with a status that is not in the table blocks the destination.
 * A redirect or status 511 is a foreign answer, even if its body looks like central's (see `recogniseAnswer` in answer.ts).
 */
export function decideVerdict(outcome: Outcome, facts: VerdictFacts): Verdict | ProbeNeeded {
  switch (outcome.kind) {
    case 'receipt':
      return { kind: 'delivered', receipt: outcome.receipt, missing: outcome.missing };
    case 'receipt_mismatch':
      return foreign(outcome.detail, refusedOnTheWay(describeProxy(outcome.detail)));
    case 'refused':
      return decideRefusal(outcome, facts);
    case 'not_central':
      return decideForeignAnswer(outcome, facts);
    case 'no_connection':
      return decideNoConnection(outcome);
    case 'answer_lost':
      return decideLostAnswer(`The answer was lost (${outcome.code})`, outcome.code, facts);
    case 'stalled':
      return decideLostAnswer('The connection fell silent after the request began', 'silence', facts);
    case 'file_unreadable':
      return { kind: 'unreadable', detail: outcome.detail };
    case 'file_unusable':
      return { kind: 'rejected', by: 'boat', errorCode: outcome.errorCode, detail: outcome.detail };
    default:
      return outcome satisfies never;
  }
}

function decideRefusal(
  outcome: Extract<Outcome, { kind: 'refused' }>,
  facts: VerdictFacts,
): Verdict | ProbeNeeded {
  const { status, errorCode } = outcome;
  const detail = `HTTP ${status} ${errorCode}: ${outcome.message}`;
  // docs/spec/protocol.md R39: "A boat MUST base its decision on the status of a refusal, except for `LEDGER_DIVERGED`, and MUST
  // accept unknown error codes."
  // docs/spec/protocol.md R40: "A boat MUST retry later after 408, 425, 429, any 5xx, a lost answer or a stalled
  // exchange."
  if (status >= 500) return failed(detail, outcome.retryAfterMs);
  if (status === 409 && errorCode === 'LEDGER_DIVERGED') return { kind: 'diverged', detail };
  switch (status) {
    case 408:
    case 425:
      return failed(detail, outcome.retryAfterMs);
    // docs/spec/protocol.md R41: "… and MUST NOT count one after 429 or if central does not answer the probe."
    case 429:
      return { kind: 'throttled', detail, ...toWait(outcome.retryAfterMs) };
    // docs/spec/protocol.md R44: "A boat MUST cut a part that was refused with 413 into smaller parts if it holds more than one
    // record."
    case 413:
      return facts.canCut
        ? { kind: 'cut_smaller', detail }
        : { kind: 'rejected', by: 'central', errorCode, detail };
    // docs/spec/protocol.md R45: "A boat MUST fail an export without a retry after 400, any other 409, 415, 422, or 413 for a
    // part that cannot be cut."
    case 400:
    case 409:
    case 415:
    case 422:
      return { kind: 'rejected', by: 'central', errorCode, detail };
    // docs/spec/protocol.md R46: "A boat MUST stop sending after any other refusal, and MAY try again after 1 h or
    // when its device token changes."
    default:
      return { kind: 'blocked', status, errorCode, detail };
  }
}

/**
 * If the probe does not reach central, a foreign answer comes from a captive portal. If it does, the answer comes from an
 * intermediary that refuses this body.
 */
function decideForeignAnswer(
  outcome: Extract<Outcome, { kind: 'not_central' }>,
  facts: VerdictFacts,
): ProbeNeeded {
  const { status, retryAfterMs } = outcome;
  const detail = `HTTP ${status}: ${outcome.detail}`;
  const refused = refusedOnTheWay(describeProxy(`HTTP ${status}`), retryAfterMs);
  // docs/spec/protocol.md R37: "A boat MUST NOT count an attempt for a foreign answer, unless its status is 500 to 504 and
  // central answers a probe (R41)." A foreign answer with one of these statuses usually means that central is failing behind its
  // proxy. If other bodies pass in the meantime, the proxy refuses this body.
  if (isGatewayStatus(status)) {
    const unavailable = failed(detail, retryAfterMs);
    return facts.doOthersPass ? { ...unavailable, ifCentral: refused } : unavailable;
  }
  if (status === 413 && facts.canCut)
    return foreign(detail, { kind: 'cut_smaller', detail: describeProxy(`HTTP ${status}`) });
  return foreign(detail, refused);
}

/**
 * A lost answer is a failure of the link or of central. But if this part fails again while others pass, an intermediary breaks
 * the connection because of this body.
 */
function decideLostAnswer(detail: string, code: string, facts: VerdictFacts): ProbeNeeded {
  const unavailable = failed(detail, undefined);
  if (!facts.doOthersPass) return unavailable;
  const refused = refusedOnTheWay(`The network drops the connection whenever this export is sent (${code})`);
  return { ...unavailable, ifCentral: refused };
}

function decideNoConnection(outcome: Extract<Outcome, { kind: 'no_connection' }>): Verdict {
  if (outcome.phase === 'connect')
    return { kind: 'unreachable', destination: 'offline', detail: `No connection (${outcome.code})` };
  const { destination, detail } = explainTlsFailure(outcome.code, outcome.clockSynchronized);
  return { kind: 'unreachable', destination, detail };
}

/** If the probe confirms that central was reached, central has failed (docs/spec/protocol.md R41). */
function failed(detail: string, retryAfterMs: number | undefined): ProbeNeeded {
  const wait = toWait(retryAfterMs);
  return {
    kind: 'probe_needed',
    ifCentral: { kind: 'unavailable', affects: 'export', detail, ...wait },
    ifUnavailable: { kind: 'unavailable', affects: 'central', detail, ...wait },
  };
}

function foreign(detail: string, ifCentral: ProbeNeeded['ifCentral']): ProbeNeeded {
  const ifUnavailable = { kind: 'unreachable', destination: 'captive_portal', detail } as const;
  return { kind: 'probe_needed', ifCentral, ifUnavailable };
}

function refusedOnTheWay(
  detail: string,
  retryAfterMs?: number,
): Extract<Verdict, { kind: 'refused_on_the_way' }> {
  return { kind: 'refused_on_the_way', detail, ...toWait(retryAfterMs) };
}

function describeProxy(why: string): string {
  return `A proxy refuses this export (${why})`;
}

function toWait(retryAfterMs: number | undefined): { readonly retryAfterMs?: number } {
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/**
 * Returns the verdict on a part that is too large for the link and cannot be split, because central holds different bytes under
 * its key. This happens when a card is restored to a state from before the export was split. Central would answer the part with
 * 409 (R29).
 */
export const HELD_DIFFERENTLY_VERDICT = {
  kind: 'rejected',
  by: 'central',
  errorCode: 'IDEMPOTENCY_CONFLICT',
  detail: 'Central holds this export as smaller parts that this boat has no record of',
} as const satisfies Verdict;

/**
 * Returns the verdict after the health probe. If the probe does not reach central, no attempt is counted (docs/spec/protocol.md
 * R41).
 */
export function confirmByProbe({ ifCentral, ifUnavailable }: ProbeNeeded, probe: ProbeResult): Verdict {
  switch (probe.kind) {
    case 'central':
      return ifCentral;
    case 'unavailable':
      return ifUnavailable;
    case 'nothing':
      return {
        kind: 'unreachable',
        destination: 'offline',
        detail: `${ifUnavailable.detail}; the probe got no answer (${probe.code})`,
      };
    case 'captive_portal':
    case 'untrusted':
      return { kind: 'unreachable', destination: probe.kind, detail: probe.detail };
    case 'clock_wrong':
      return {
        kind: 'unreachable',
        destination: 'clock_wrong',
        detail: `The certificate's dates do not match this boat's clock (${probe.code})`,
      };
    default:
      return probe satisfies never;
  }
}
