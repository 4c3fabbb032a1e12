import { runTests } from './run-tests.ts';
import { type Sabotage, sabotageText } from './sabotage.ts';
import type { WorkingCopy } from './working-copy.ts';

/** What became of a sabotage. Only `killed` is good: its list must follow the code, and a type error is no sabotage. */
export type SabotageResult =
  | { readonly kind: 'killed'; readonly by: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'misplaced'; readonly times: number }
  | { readonly kind: 'not_compiling'; readonly error: string };

/**
 * Breaks the copy, runs the tests that should notice, and mends the copy again. `findTypeErrors` tells what the compiler
 * says of a file with another text: a change it refuses would be noticed without any test. Running out of time is
 * noticed too.
 */
export async function trySabotage(
  copy: WorkingCopy,
  sabotage: Sabotage,
  limitMs: number,
  findTypeErrors: (file: string, text: string) => readonly string[],
  signal?: AbortSignal,
): Promise<SabotageResult> {
  const whole = copy.read(sabotage.file);
  const sabotaged = sabotageText(whole, sabotage);
  if (sabotaged.kind === 'misplaced') return sabotaged;
  const [error] = findTypeErrors(sabotage.file, sabotaged.text);
  if (error !== undefined) return { kind: 'not_compiling', error };
  copy.write(sabotage.file, sabotaged.text);
  try {
    const run = await runTests(copy, sabotage.killedBy, limitMs, signal);
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
    copy.write(sabotage.file, whole);
  }
}
