import type { CategoryState } from '@d3kos/protocol';

/** The outcome of reading one of a category's sources. */
export interface SourceOutcome {
  readonly state: CategoryState;
  readonly detail?: string;
}

/**
 * Derives a category's state from its sources' outcomes. If any source has records, the category is `ok`, and `detail` lists
 * problems with the other sources. A damaged old database must not delay the current one. The damaged database's cursor does not
 * move. Otherwise `error` outranks `schema_unknown`, which outranks `empty`. The category is `source_missing` only if no source
 * exists.
 */
export function mergeSourceOutcomes(outcomes: readonly SourceOutcome[]): SourceOutcome {
  const order: readonly CategoryState[] = ['ok', 'error', 'schema_unknown', 'empty', 'source_missing'];
  const state =
    order.find((candidate) => outcomes.some((outcome) => outcome.state === candidate)) ?? 'source_missing';
  const details = outcomes.flatMap((outcome) => outcome.detail ?? []);
  return details.length === 0 ? { state } : { state, detail: details.join('; ') };
}

/** Adds problems that do not change an outcome's state. */
export function withDetails<Outcome extends SourceOutcome>(
  outcome: Outcome,
  ...problems: readonly (string | undefined)[]
): Outcome {
  const details = [outcome.detail, ...problems].filter((detail) => detail !== undefined);
  return details.length === 0 ? outcome : { ...outcome, detail: details.join('; ') };
}
