import type { Answer } from '@d3kos/boat/api';

type QueueEntry = Answer<'queue'>['pending'][number];

/**
 * The time up to which the boat's data is ashore.
 *
 * - `all`: central has every export, and `at` is when the latest one was created.
 * - `until`: central has everything that was exported up to `at`; a later export is still on board.
 * - `nothing`: no export has been delivered that covers the oldest export on board.
 */
export type Ashore =
  | { readonly kind: 'all'; readonly at: string }
  | { readonly kind: 'until'; readonly at: string }
  | { readonly kind: 'nothing' };

/**
 * Computes the time up to which the boat's data is ashore. The two lanes can deliver a newer export before an older one, so only
 * delivered exports that are older than the oldest one on board count. A failed export counts as on board until a later export
 * that contains the same records has been delivered.
 */
export function toAshore(
  queue: Pick<Answer<'queue'>, 'pending' | 'uploading' | 'failed'>,
  history: Answer<'history'>['exports'],
): Ashore {
  const deliveredAt = history.map(({ created_at }) => created_at).toSorted();
  const newest = deliveredAt.at(-1);
  const onBoard = [
    ...queue.pending,
    ...queue.uploading,
    ...queue.failed.filter((entry) => isOnlyOnBoard(entry, newest)),
  ];
  const oldest = onBoard.map(({ created_at }) => created_at).toSorted()[0];
  if (oldest === undefined) return newest === undefined ? { kind: 'nothing' } : { kind: 'all', at: newest };
  const at = deliveredAt.findLast((time) => time < oldest);
  return at === undefined ? { kind: 'nothing' } : { kind: 'until', at };
}

/** True if no export created after this failure has been delivered. */
export function isOnlyOnBoard(failed: QueueEntry, newestDeliveredAt: string | undefined): boolean {
  return newestDeliveredAt === undefined || newestDeliveredAt < (failed.failed_at ?? failed.created_at);
}
