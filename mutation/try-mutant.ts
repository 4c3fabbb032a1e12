import { runTests } from './run-tests.ts';
import { type Mutant, mutateText } from './mutant.ts';
import type { WorkingCopy } from './working-copy.ts';

/**
 * A mutant's result. Only `killed` is a success. A misplaced mutant must be updated, and a type error would be detected without
 * tests.
 */
export type MutantResult =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'misplaced'; readonly times: number }
  | { readonly kind: 'not_compiling'; readonly error: string };

/**
 * Applies a mutant to the copy, runs the tests that should detect it, and restores the copy. `findTypeErrors` returns the
 * compiler's errors for a file with changed content. A change with type errors would be detected without any test. A run that
 * exceeds its timeout counts as killed.
 */
export async function tryMutant(
  copy: WorkingCopy,
  mutant: Mutant,
  limitMs: number,
  findTypeErrors: (file: string, text: string) => readonly string[],
  signal?: AbortSignal,
): Promise<MutantResult> {
  const original = copy.read(mutant.file);
  const mutated = mutateText(original, mutant);
  if (mutated.kind === 'misplaced') return mutated;
  const [error] = findTypeErrors(mutant.file, mutated.text);
  if (error !== undefined) return { kind: 'not_compiling', error };
  copy.write(mutant.file, mutated.text);
  try {
    const run = await runTests(copy, mutant.killedBy, limitMs, signal);
    switch (run.kind) {
      case 'passed':
        return { kind: 'survived' };
      case 'failed':
        return { kind: 'killed', by: run.failure };
      case 'timed_out':
        return { kind: 'killed', by: `the timeout of ${run.limitMs / 1000} s` };
      default:
        return run satisfies never;
    }
  } finally {
    copy.write(mutant.file, original);
  }
}
