import { runTests } from './run-tests.ts';
import { type Mutant, mutateText } from './mutant.ts';
import type { WorkingCopy } from './working-copy.ts';

/** What became of a mutant. Only `killed` is good: its list must follow the code, and a type error is no mutant. */
export type MutantResult =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'misplaced'; readonly times: number }
  | { readonly kind: 'not_compiling'; readonly error: string };

/**
 * Breaks the copy, runs the tests that should notice, and mends the copy again. `findTypeErrors` tells what the compiler
 * says of a file with another text: a change it refuses would be noticed without any test. Running out of time is
 * noticed too.
 */
export async function tryMutant(
  copy: WorkingCopy,
  mutant: Mutant,
  limitMs: number,
  findTypeErrors: (file: string, text: string) => readonly string[],
  signal?: AbortSignal,
): Promise<MutantResult> {
  const whole = copy.read(mutant.file);
  const mutated = mutateText(whole, mutant);
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
        return { kind: 'killed', by: `no end within ${run.limitMs / 1000} s` };
      default:
        return run satisfies never;
    }
  } finally {
    copy.write(mutant.file, whole);
  }
}
