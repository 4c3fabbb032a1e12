/** The queue has two lanes: exports that fit into one part, and exports with several parts. */
export type Lane = 'small' | 'bulk';

/**
 * The order in which the lanes are searched for the next entry. The lane that was not served last goes first, so a new
 * small export does not wait behind a large backlog, and the backlog does not wait behind a stream of small exports. The
 * small lane is served one entry at a time. The bulk lane is served one part at a time while a small entry is due.
 */
export function laneOrder(served: Lane | undefined): readonly [Lane, Lane] {
  return served === 'small' ? ['bulk', 'small'] : ['small', 'bulk'];
}
