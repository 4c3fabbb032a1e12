/** Maximum number of sequences listed in a message. Central may have lost hundreds. */
const SEQUENCES_NAMED_MAX = 5;

/** Sequences that central reported as missing, grouped by what the ledger did about them. */
export interface HandledSequences {
  readonly requeued: readonly number[];
  readonly rewound: readonly number[];
}

/** Describes, for the log, what happened and what happens next. */
export function describeMissing({ requeued, rewound }: HandledSequences): string {
  const count = requeued.length + rewound.length;
  const named = [...requeued, ...rewound].sort((a, b) => a - b).slice(0, SEQUENCES_NAMED_MAX);
  const sequences = `${named.join(', ')}${count > named.length ? ', …' : ''}`;
  const again = requeued.length === 0 ? [] : [`${toExports(requeued.length)} queued again`];
  const records =
    rewound.length === 0
      ? []
      : [`the records of ${toExportsNoun(rewound.length)} without a file will be in the next export`];
  return `Central has lost ${toExportsNoun(count)} that it had confirmed (sequence ${sequences}): ${[...again, ...records].join(', and ')}`;
}

function toExportsNoun(count: number): string {
  return count === 1 ? '1 export' : `${count} exports`;
}

function toExports(count: number): string {
  return count === 1 ? '1 export is' : `${count} exports are`;
}
