/** Counts what was left out of one source, so that `detail` can report it. */
export interface Omissions {
  /** `place` names the value, for example "row 17, column species". */
  add(place: string, reason: string): void;
  /** Describes the omissions with the first of them, or returns undefined if nothing was left out. */
  toDetail(): string | undefined;
}

/** `source` is the name of the source. */
export function createOmissions(source: string): Omissions {
  let count = 0;
  let first = '';
  return {
    add(place, reason) {
      count += 1;
      if (count === 1) first = `${place}, ${reason}`;
    },
    toDetail: () =>
      count === 0
        ? undefined
        : `${source}: ${count} ${count === 1 ? 'value was' : 'values were'} left out, first ${first}`,
  };
}
