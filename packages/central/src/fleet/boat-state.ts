import { BOAT_STATES, type BoatFilter } from '../api/fleet-schemas.ts';

/** A boat that is silent for this long after it was due is probably laid up. It is listed last instead of first. */
const LAID_UP_DAYS = 90;
/** Exports of a boat may overtake each other, so a number counts as missing only after this time. */
const GAP_HOURS = 24;
/** Records that were rejected longer ago are history. The page of the boat still lists them. */
const REJECTING_DAYS = 7;
/** A boat that sends the parts of an export has a pause of at most this long between two. */
const RECEIVING_MINUTES = 10;

/** SQL conditions on a row `i` of `installations`. `$1` is the present time of the node that asks. */
const NOW = '$1::timestamptz';

export const IS_LATE = `(i.due_at < ${NOW} and i.due_at >= ${NOW} - interval '${LAID_UP_DAYS} days' and not i.is_disabled)`;
const IS_REFUSED = '(i.refused_at is not null and not i.is_disabled)';
const HAS_GAPS = `(i.gap_since < ${NOW} - interval '${GAP_HOURS} hours')`;
const IS_REJECTING = `(i.last_rejected_at > ${NOW} - interval '${REJECTING_DAYS} days')`;
const IS_LAID_UP = `(coalesce(i.due_at, i.last_heard_at) < ${NOW} - interval '${LAID_UP_DAYS} days')`;
const IS_RECEIVING = `(i.last_part_index < i.last_part_count and i.last_heard_at > ${NOW} - interval '${RECEIVING_MINUTES} minutes')`;

/** True for a boat that is not late and needs a look all the same. */
export const NEEDS_LOOK = `(${IS_REFUSED} or ${HAS_GAPS} or ${IS_REJECTING})`;

/** The condition of each subset. */
export const FILTER_SQL: Readonly<Record<BoatFilter, string>> = {
  all: 'true',
  late: IS_LATE,
  refused: IS_REFUSED,
  gaps: HAS_GAPS,
  rejecting: IS_REJECTING,
  never_heard: '(i.last_heard_at is null)',
  laid_up: IS_LAID_UP,
  disabled: 'i.is_disabled',
};

const STATE_CONDITIONS: Readonly<Record<(typeof BOAT_STATES)[number], string>> = {
  disabled: 'i.is_disabled',
  refused: IS_REFUSED,
  late: IS_LATE,
  gap: HAS_GAPS,
  rejecting: IS_REJECTING,
  never_heard: 'i.last_heard_at is null',
  laid_up: IS_LAID_UP,
  receiving: IS_RECEIVING,
  by_hand: 'i.due_at is null',
  in_order: 'true',
};

/** SQL for the state of a boat. The conditions are those of the filters, so a state and its filter cannot disagree. */
export const STATE_SQL = `case ${BOAT_STATES.map((state) => `when ${STATE_CONDITIONS[state]} then '${state}'`).join(' ')} end`;

/** True for a boat of which parts are arriving. */
export const RECEIVING_SQL = IS_RECEIVING;
