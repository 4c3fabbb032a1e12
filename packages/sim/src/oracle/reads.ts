import { RECORDINGS, ROOT, SOURCE_DATABASES } from '../places.ts';
import type { Violate } from './violations.ts';

/** A period during which a source could not be read. */
export interface Outage {
  /** A lock is taken at some point during a read, so the source may also be read completely. */
  readonly kind: 'unreadable' | 'hangs' | 'locked';
  readonly path: string;
  readonly fromMs: number;
  /** Infinity until the source can be read again. */
  untilMs: number;
}

/** The answer to one request for an export. */
export interface AnsweredRequest {
  readonly askedMs: number;
  readonly answeredMs: number;
  /** `not_made`: the boat gave a reason, for example that the day already has its export. */
  readonly outcome: 'queued' | 'nothing_new' | 'not_made';
  /** The state of each category of the export. Empty if none was queued. */
  readonly states: Readonly<Record<string, string>>;
  readonly hasClaimedSlot: boolean;
}

const DATABASE_OF: Readonly<Record<string, string>> = SOURCE_DATABASES;

/** States of a category that was not read. */
export const UNREAD_STATES: readonly string[] = ['error', 'schema_unknown'];

/**
 * If one of these sources cannot be read, its category is not read. Settings are not listed, because their files are independent
 * of each other.
 */
const SOLE_SOURCES = [`${ROOT}/data/`, RECORDINGS];

/**
 * Checks that a category is left out only because its own source could not be read, and that an export with an unreadable source
 * is neither reported as "nothing new" nor counted for its day.
 */
export function checkReads(request: AnsweredRequest, outages: readonly Outage[], violate: Violate): void {
  const { askedMs, answeredMs, outcome, states, hasClaimedSlot } = request;
  const met = outages.filter(({ fromMs, untilMs }) => fromMs <= answeredMs && untilMs >= askedMs);
  for (const [category, state] of Object.entries(states)) {
    if (!UNREAD_STATES.includes(state)) continue;
    // Sources that hang may prevent the boat from reading others.
    const isExplained = met.some(
      ({ kind, path }) =>
        kind === 'hangs' || (kind === 'locked' ? path === DATABASE_OF[category] : category === 'boatlog'),
    );
    if (!isExplained) violate(`${category} has the state ${state}, although its source could be read`);
  }
  const isAnyUnread = met.some(
    ({ kind, path, fromMs, untilMs }) =>
      kind !== 'locked' &&
      SOLE_SOURCES.some((source) => path.startsWith(source)) &&
      fromMs < askedMs &&
      untilMs > answeredMs,
  );
  if (!isAnyUnread) return;
  if (outcome === 'nothing_new') violate('a source could not be read, but the answer was "nothing new"');
  if (hasClaimedSlot) violate('a source could not be read, but the export used up its daily slot');
}
