import { CONTENT_CODINGS, type ContentCoding } from '@d3kos/protocol';
import type { Outcome, ProbeResult } from './outcome.ts';
import type { Verdict } from './verdict.ts';

export * from './policy-destination.ts';
export * from './policy-parts.ts';

/** What a verdict depends on besides the outcome. */
export interface VerdictFacts {
  /** Whether the part that was sent can be cut into smaller ones. */
  readonly canCut: boolean;
  /** Whether a time service vouches for the boat's clock: then an expired certificate is central's fault. */
  readonly clockSynchronized: boolean;
}

/** TLS failures that mean another machine answered under central's name, as a captive portal does. */
const FOREIGN_CERTIFICATE_CODES: readonly string[] = [
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** The failure that a clock which is behind causes; a certificate is not made for the future. */
const NOT_YET_VALID_CODE = 'CERT_NOT_YET_VALID';
const EXPIRED_CODE = 'CERT_HAS_EXPIRED';

/** True for TLS failures that a wrong clock of the boat can cause. */
export function isClockSuspect(code: string): boolean {
  return code === NOT_YET_VALID_CODE || code === EXPIRED_CODE;
}

/**
 * The verdict table of docs/spec/delivery.md, "Delivering", with what it leaves open decided so that nothing is lost or spent:
 * a refusal in central's shape with a status the table does not name blocks, and a redirect or a status 511 is a
 * captive portal's even where its body looks like central's.
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
      return decideStranger(outcome);
    case 'no_connection':
      return decideNoConnection(outcome, facts);
    case 'answer_lost':
      return { kind: 'unavailable', detail: `The answer was lost (${outcome.code})` };
    case 'stalled':
      return { kind: 'unavailable', detail: 'The connection fell silent after the request began' };
    default:
      return outcome satisfies never;
  }
}

/** Statuses 500 to 504 without central's shape come from a proxy before a central that is down, not from a portal. */
function isGatewayStatus(status: number): boolean {
  return status >= 500 && status <= 504;
}

function decideRefusal(outcome: Extract<Outcome, { kind: 'refused' }>, facts: VerdictFacts): Verdict {
  const { status, errorCode } = outcome;
  const detail = `HTTP ${status} ${errorCode}: ${outcome.message}`;
  if (status >= 500) return unavailable(detail, outcome.retryAfterMs);
  switch (status) {
    case 408:
    case 425:
    case 429:
      return unavailable(detail, outcome.retryAfterMs);
    case 413:
      return facts.canCut ? { kind: 'cut_smaller', detail } : { kind: 'rejected', errorCode, detail };
    case 400:
    case 409:
    case 415:
    case 422:
      return { kind: 'rejected', errorCode, detail };
    default:
      return { kind: 'blocked', status, errorCode, detail };
  }
}

function decideStranger(outcome: Extract<Outcome, { kind: 'not_central' }>): Verdict {
  const detail = `HTTP ${outcome.status}: ${outcome.detail}`;
  if (isGatewayStatus(outcome.status)) return unavailable(detail, outcome.retryAfterMs);
  return { kind: 'unreachable', destination: 'captive_portal', detail };
}

function decideNoConnection(
  outcome: Extract<Outcome, { kind: 'no_connection' }>,
  facts: VerdictFacts,
): Verdict {
  const { phase, code } = outcome;
  if (phase === 'connect')
    return { kind: 'unreachable', destination: 'offline', detail: `No connection (${code})` };
  const { destination, detail } = explainTlsFailure(code, facts.clockSynchronized);
  return { kind: 'unreachable', destination, detail };
}

/** What a failed TLS handshake says about the destination: the boat's clock, somebody else under central's name, or the link. */
export function explainTlsFailure(
  code: string,
  clockSynchronized: boolean,
): { readonly destination: 'offline' | 'captive_portal' | 'clock_wrong'; readonly detail: string } {
  if (code === NOT_YET_VALID_CODE || (code === EXPIRED_CODE && !clockSynchronized))
    return {
      destination: 'clock_wrong',
      detail: `The certificate's dates do not fit this boat's clock (${code})`,
    };
  if (code === EXPIRED_CODE)
    return { destination: 'offline', detail: `Central's certificate has expired (${code})` };
  if (FOREIGN_CERTIFICATE_CODES.includes(code))
    return {
      destination: 'captive_portal',
      detail: `Another machine answers under central's name (${code})`,
    };
  return { destination: 'offline', detail: `No secure connection (${code})` };
}

/**
 * What an answer to a look at central's health says. `shape` is that of its body: central naming itself, a refusal of
 * central's, or anything else. Something that stands for central and fails is `unavailable`; all else is a stranger.
 */
export function decideHealth(
  status: number,
  shape: 'health' | 'refusal' | 'other',
): 'central' | 'unavailable' | 'captive_portal' {
  if (status >= 300 && status < 400) return 'captive_portal';
  if (shape === 'health' && status >= 200 && status < 300) return 'central';
  if (status === 511) return 'captive_portal';
  return shape !== 'other' || isGatewayStatus(status) ? 'unavailable' : 'captive_portal';
}

function unavailable(detail: string, retryAfterMs: number | undefined): Verdict {
  return { kind: 'unavailable', detail, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
}

/**
 * What an `unavailable` verdict becomes once the destination was probed: where nobody, or somebody else, answers it was
 * the link and nothing is spent; else an attempt is (docs/spec/protocol.md R41). Other verdicts stay as they are.
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
        detail: `${verdict.detail}; then nobody answered (${probe.code})`,
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

/** Waits before the three retries (docs/spec/delivery.md, "Delivering"; the seed's `mark_failed`). */
const RETRY_DELAYS_MS: readonly number[] = [0, 5 * 60_000, 15 * 60_000];

/** Retries after the first send; the fourth attempt that is spent fails the export. */
export const RETRIES_MAX = RETRY_DELAYS_MS.length;

/** Upward spread of every wait, as a part of it: boats that lost one central together do not come back together. */
const JITTER_PART = 0.1;

/** Longest wait any answer can impose, and so the longest a retry can be away (docs/spec/protocol.md R42). */
export const RETRY_DELAY_MAX_MS = 60 * 60_000;

/** What follows an attempt that was spent. `retry` counts from 1 to RETRIES_MAX; `nominalDelayMs` is the wait without its jitter. */
export type NextAttempt =
  | {
      readonly kind: 'retry';
      readonly retry: number;
      readonly delayMs: number;
      readonly nominalDelayMs: number;
    }
  | { readonly kind: 'failed' };

/**
 * What follows when `attemptsSpent` attempts (1 or more, with the one just spent) were spent since the last
 * acknowledged part. As the seed's `mark_failed`, whose retry_count is this number: 1 retries at once, 2 after 5
 * minutes, 3 after 15, 4 has failed. Up to 10 % is added by `fraction` in [0, 1); `retryAfterMs` counts when longer;
 * never over RETRY_DELAY_MAX_MS.
 */
export function nextAttempt(spent: {
  readonly attemptsSpent: number;
  readonly retryAfterMs: number | undefined;
  readonly fraction: number;
}): NextAttempt {
  const baseMs = RETRY_DELAYS_MS[spent.attemptsSpent - 1];
  if (baseMs === undefined) return { kind: 'failed' };
  const nominalDelayMs = Math.min(Math.max(baseMs, spent.retryAfterMs ?? 0), RETRY_DELAY_MAX_MS);
  const delayMs = withJitter(nominalDelayMs, spent.fraction, RETRY_DELAY_MAX_MS);
  return { kind: 'retry', retry: spent.attemptsSpent, delayMs, nominalDelayMs };
}

function withJitter(delayMs: number, fraction: number, maxMs: number): number {
  return Math.min(Math.round(delayMs * (1 + JITTER_PART * fraction)), maxMs);
}

/**
 * The log line for what follows, in the seed's words. The seed promises both "immediate, 5min, 15min" and the line
 * "Retry 1/3 in 5 minutes"; both hold when the number is that of retries already made as the wait begins: the
 * immediate one is announced without a number, then come "Retry 1/3 in 5 minutes" and "Retry 2/3 in 15 minutes".
 */
export function describeNextAttempt(next: NextAttempt): string {
  if (next.kind === 'failed') return `No retry left after ${RETRIES_MAX}/${RETRIES_MAX}`;
  if (next.delayMs === 0) return 'Retry immediately';
  return `Retry ${next.retry - 1}/${RETRIES_MAX} in ${describeDelay(next.nominalDelayMs)}`;
}

/** A wait in words, rounded to what a person plans with. */
function describeDelay(delayMs: number): string {
  const minutes = Math.round(delayMs / 60_000);
  if (minutes < 1) return `${Math.max(1, Math.round(delayMs / 1000))} seconds`;
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}

/** First and longest wait between probes of a destination that does not answer (docs/spec/delivery.md, "Delivering", `unreachable`). */
const PROBE_DELAY_MIN_MS = 5_000;
const PROBE_DELAY_MAX_MS = 60_000;

/** The wait before the next probe after `failures` probes in a row found nothing (0: the first wait): 5 s doubling to 60 s. */
export function probeDelay(failures: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(failures, 10), PROBE_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, PROBE_DELAY_MAX_MS);
}

/**
 * The wait before sending again where probes answer as central but sends were answered by somebody else `times` times
 * in a row (1 or more): a proxy that takes small requests and not large ones would otherwise be fed a whole part each
 * minute for ever, on a connection somebody pays for. As probes up to 60 s, then doubling to an hour. Nothing is spent.
 */
export function misansweredDelay(times: number, fraction: number): number {
  const baseMs = Math.min(PROBE_DELAY_MIN_MS * 2 ** Math.min(times - 1, 20), RETRY_DELAY_MAX_MS);
  return withJitter(baseMs, fraction, RETRY_DELAY_MAX_MS);
}

/** How often a blocked destination is tried again (docs/spec/protocol.md R46). */
export const BLOCKED_RETRY_MS = 60 * 60_000;

/** When an entry may be sent again, by the clocks that know of it. */
export interface DueFacts {
  /** The wall clock now, and the wall time written beside the entry. Labels: both may be wrong. */
  readonly nowWallMs: number;
  readonly nextRetryAtWallMs: number;
  /** Attempts spent: an entry that spent none waits for nothing. */
  readonly attemptsSpent: number;
  /** The monotonic clock now, and when the wait ends by it: only for a wait this run of the program began. It decides alone. */
  readonly monotonic?: { readonly nowMs: number; readonly dueMs: number };
}

/**
 * How long until an entry is due: 0 when it is. Monotonic time decides where this run set the wait. After a restart only
 * the label is left, and a label further away than any wait allows was written by a clock that has been set back
 * since: due now (docs/spec/delivery.md, "Clock"). So is an entry that spent no attempt, whatever its label says. A clock set forward makes it due early, which spends nothing by itself.
 */
export function dueIn(facts: DueFacts): number {
  if (facts.monotonic !== undefined) return Math.max(0, facts.monotonic.dueMs - facts.monotonic.nowMs);
  if (facts.attemptsSpent === 0) return 0;
  const leftMs = facts.nextRetryAtWallMs - facts.nowWallMs;
  return leftMs > RETRY_DELAY_MAX_MS ? 0 : Math.max(0, leftMs);
}

/** True when an entry may be sent now; see `dueIn`. */
export function isDue(facts: DueFacts): boolean {
  return dueIn(facts) === 0;
}

/**
 * The wait a `Retry-After` asks for, in milliseconds from `nowWallMs`, or undefined where it has neither form of RFC 9110
 * §10.2.3. For a date, `nowWallMs` should be the answer's own `Date`: the boat's clock is not to be trusted.
 */
export function parseRetryAfter(value: string, nowWallMs: number): number | undefined {
  const text = value.trim();
  if (/^[0-9]{1,12}$/.test(text)) return Number(text) * 1000;
  const atMs = parseHttpDate(text);
  return atMs === undefined ? undefined : Math.max(0, atMs - nowWallMs);
}

/** The time an HTTP date names (RFC 9110 §5.6.7, the form that senders must use), or undefined. */
export function parseHttpDate(value: string): number | undefined {
  if (!/^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/.test(value))
    return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : atMs;
}

/** The codings an answer's `Accept-Encoding` names (RFC 9110 §12.5.3), in this program's order; `q=0` refuses one. */
export function parseOffers(header: string | null): readonly ContentCoding[] {
  if (header === null) return [];
  const named = header
    .toLowerCase()
    .split(',')
    .map((member) => member.split(';').map((piece) => piece.trim()))
    .filter(([, ...parameters]) => !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter)))
    .map(([coding]) => coding);
  return CONTENT_CODINGS.filter((coding) => named.includes(coding));
}

/**
 * The coding to send with, given what central's last answer offered. On a boat's links bytes cost more than the
 * milliseconds of a Pi: zstd at the chosen level gave the fewest bytes, then brotli (decision 0015);
 * gzip is what every central takes before it has said anything.
 */
export function chooseCoding(offers: readonly ContentCoding[]): ContentCoding {
  if (offers.includes('zstd')) return 'zstd';
  if (offers.includes('br')) return 'br';
  return 'gzip';
}

/** Two queues in one: exports that go in one part, and those that take many. */
export type Lane = 'small' | 'bulk';

/**
 * In which order the lanes are asked for their next entry: the one that was not served last goes first, so that a fresh
 * small export is not stuck behind a giant backlog, and the backlog not behind a stream of small ones. A turn is
 * one entry of the small lane, or one part of the bulk lane while the small lane has something due.
 */
export function laneOrder(served: Lane | undefined): readonly [Lane, Lane] {
  return served === 'small' ? ['bulk', 'small'] : ['small', 'bulk'];
}

/** What the owner allows to be spent on sending. Undefined: no limit. */
export interface Allowance {
  /** On a connection that costs by the byte, larger exports wait. */
  readonly meteredSizeMaxBytes: number | undefined;
  /** Bytes of bodies that may be sent in one calendar month. */
  readonly monthlyBytesMax: number | undefined;
}

/** Why an entry waits although it is due: the owner's allowance. */
export type Thrift = 'affordable' | 'metered' | 'over_budget';

/**
 * Whether an entry may be sent under the owner's allowance. "Send now" (`isAskedFor`) overrides both limits. A connection of
 * which nobody knows whether it is metered counts as not metered: most boats have no NetworkManager to ask.
 */
export function decideThrift(
  allowance: Allowance,
  facts: {
    readonly sizeBytes: number;
    readonly isMetered: boolean | undefined;
    readonly monthBytes: number;
    readonly isAskedFor: boolean;
  },
): Thrift {
  if (facts.isAskedFor) return 'affordable';
  if (allowance.monthlyBytesMax !== undefined && facts.monthBytes >= allowance.monthlyBytesMax)
    return 'over_budget';
  if (
    facts.isMetered === true &&
    allowance.meteredSizeMaxBytes !== undefined &&
    facts.sizeBytes > allowance.meteredSizeMaxBytes
  )
    return 'metered';
  return 'affordable';
}

/** Why something waits for a cheaper connection or the next month, for the log and the status; '' where nothing does. */
export function describeThrift(thrift: Thrift): string {
  switch (thrift) {
    case 'affordable':
      return '';
    case 'metered':
      return 'This connection costs by the byte: large exports wait for another one. "Send now" sends them all the same.';
    case 'over_budget':
      return 'This month\'s budget of bytes is used up: exports wait for the next month. "Send now" sends them all the same.';
    default:
      return thrift satisfies never;
  }
}
