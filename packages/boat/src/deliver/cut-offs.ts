/**
 * How often the part that comes next was cut off amid its upload, by entry. It lives as long as one run of the worker: a
 * restart begins to count again, which costs two drops more and is not worth a commit for each.
 */
export interface CutOffs {
  /** Times in a row for this part. */
  times(entryNo: number, partIndex: number): number;
  count(entryNo: number, partIndex: number): void;
  /** The entry is cut another way, or left the queue. */
  forget(entryNo: number): void;
}

export function createCutOffs(): CutOffs {
  const known = new Map<number, { readonly partIndex: number; readonly times: number }>();
  const times = (entryNo: number, partIndex: number): number => {
    const last = known.get(entryNo);
    return last?.partIndex === partIndex ? last.times : 0;
  };
  return {
    times,
    count: (entryNo, partIndex) => {
      known.set(entryNo, { partIndex, times: times(entryNo, partIndex) + 1 });
    },
    forget: (entryNo) => {
      known.delete(entryNo);
    },
  };
}
