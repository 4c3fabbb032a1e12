import { BOAT_STATES, type BoatFilter } from '../api/fleet-schemas.ts';

/** A boat that has been overdue for this long is probably laid up, so it is listed last instead of first. */
const LAID_UP_DAYS = 90;
/** Exports of a boat can arrive out of order, so a sequence counts as missing only after this time. */
const GAP_HOURS = 24;
/** Older rejections no longer affect the boat's state, although the boat's page still lists them. */
const REJECTING_DAYS = 7;
/** Longest pause between two parts while an export still counts as being sent. */
const RECEIVING_MINUTES = 10;

/** SQL conditions on a row `i` of `installations`. `$1` is the querying node's current time. */
const NOW = '$1::timestamptz';

/** True for a boat that is overdue. On each import, `import/lateness-policy.ts` determines `due_at`. */
export const IS_LATE = `(i.due_at < ${NOW} and i.due_at >= ${NOW} - interval '${LAID_UP_DAYS} days' and not i.is_disabled)`;
const IS_REFUSED = '(i.refused_at is not null and not i.is_disabled)';
const IS_SHARED_ID = '(i.concurrent_ledgers > 0 and not i.is_disabled)';
const HAS_GAPS = `(i.gap_since < ${NOW} - interval '${GAP_HOURS} hours')`;
const IS_REJECTING = `(i.last_rejected_at > ${NOW} - interval '${REJECTING_DAYS} days')`;
const IS_LAID_UP = `(coalesce(i.due_at, i.last_heard_at) < ${NOW} - interval '${LAID_UP_DAYS} days')`;
const IS_RECEIVING = `(i.last_part_index < i.last_part_count and i.last_heard_at > ${NOW} - interval '${RECEIVING_MINUTES} minutes')`;

/** True for a boat that needs attention for a reason other than being late. */
export const NEEDS_ATTENTION = `(${IS_REFUSED} or ${IS_SHARED_ID} or ${HAS_GAPS} or ${IS_REJECTING})`;

/** Each subset's condition. */
export const FILTER_SQL: Readonly<Record<BoatFilter, string>> = {
  all: 'true',
  late: IS_LATE,
  refused: IS_REFUSED,
  shared_id: IS_SHARED_ID,
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
  shared_id: IS_SHARED_ID,
  gap: HAS_GAPS,
  rejecting: IS_REJECTING,
  never_heard: 'i.last_heard_at is null',
  laid_up: IS_LAID_UP,
  receiving: IS_RECEIVING,
  by_hand: 'i.due_at is null',
  in_order: 'true',
};

/** SQL for a boat's state. It uses the filters' conditions, so a state always matches its filter. */
export const STATE_SQL = `case ${BOAT_STATES.map((state) => `when ${STATE_CONDITIONS[state]} then '${state}'`).join(' ')} end`;

/** True while parts of an export from the boat are arriving. */
export const RECEIVING_SQL = IS_RECEIVING;
