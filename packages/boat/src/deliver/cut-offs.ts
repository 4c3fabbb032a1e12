/**
 * Counts how many times in a row the link cut off the next part of each entry. The counts are kept in memory for one
 * run of the worker. A restart costs two more drops, which is cheaper than a commit for each drop.
 */
export interface CutOffs {
  /** The number of times in a row that this part was cut off. */
  times(entryNo: number, partIndex: number): number;
  count(entryNo: number, partIndex: number): void;
  /** Forgets an entry that was cut again or has left the queue. */
  forget(entryNo: number): void;
}

export function createCutOffs(): CutOffs {
  const counts = new Map<number, { readonly partIndex: number; readonly times: number }>();
  const times = (entryNo: number, partIndex: number): number => {
    const last = counts.get(entryNo);
    return last?.partIndex === partIndex ? last.times : 0;
  };
  return {
    times,
    count: (entryNo, partIndex) => {
      counts.set(entryNo, { partIndex, times: times(entryNo, partIndex) + 1 });
    },
    forget: (entryNo) => {
      counts.delete(entryNo);
    },
  };
}
