import { ACCESS_CHECKS } from './access-checks.ts';
import { Broken, type Check, type Outcome, type Run, type Subject } from './check.ts';
import { beginRun } from './exports.ts';
import { IMPORT_CHECKS } from './import-checks.ts';
import { QUERY_CHECKS } from './query-checks.ts';

/** Every check, ordered by the number of its requirement. */
export const CHECKS: readonly Check[] = [...IMPORT_CHECKS, ...ACCESS_CHECKS, ...QUERY_CHECKS].toSorted(
  (a, b) => Number(a.requirement.slice(1)) - Number(b.requirement.slice(1)),
);

/** A check with its result. */
export type Result = Pick<Check, 'requirement' | 'title'> & Outcome;

/**
 * Runs every check on an implementation, one after another, and reports each result immediately. It stores small exports under
 * the subject's installation. It never throws because of the implementation: if there is no answer, the check fails.
 */
export async function runChecks(
  subject: Subject,
  report: (result: Result) => void,
): Promise<readonly Result[]> {
  const run = beginRun(subject);
  const results: Result[] = [];
  for (const check of CHECKS) {
    const { requirement, title } = check;
    const result: Result = { requirement, title, ...(await runCheck(check, run)) };
    results.push(result);
    report(result);
  }
  return results;
}

async function runCheck(check: Check, run: Run): Promise<Outcome> {
  try {
    const evidence = await check.run(run);
    return typeof evidence === 'string'
      ? { kind: 'passed', evidence }
      : { kind: 'skipped', evidence: evidence.reason };
  } catch (error) {
    if (error instanceof Broken) return { kind: 'failed', evidence: error.message };
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return {
      kind: 'failed',
      evidence: `no answer (${error instanceof Error ? error.message : String(error)}${cause})`,
    };
  }
}

/** Formats a result as one line, without a line ending. */
export function toResultLine({ requirement, kind, title, evidence }: Result): string {
  const mark = { passed: 'pass', failed: 'FAIL', skipped: 'skip' }[kind];
  return `${mark}  ${requirement.padEnd(4)}  ${title}\n            ${evidence}`;
}
