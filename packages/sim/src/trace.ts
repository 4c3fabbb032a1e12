import { createHash } from 'node:crypto';

/** What happened in a run, line by line. Two runs of one seed leave the same lines. */
export interface Trace {
  /** Appends a line; line ends in it are shown as `⏎`, so that a line stays one. */
  add(line: string): void;
  readonly lines: readonly string[];
  /** SHA-256 of all lines so far, in hex. */
  digest(): string;
}

/** An empty trace. `timeMs` says when each line happened, in virtual time. */
export function createTrace(timeMs: () => number): Trace {
  const lines: string[] = [];
  const hash = createHash('sha256');
  return {
    lines,
    add: (line) => {
      const whole = `${timeMs()} ${line.replaceAll('\n', '⏎')}`;
      lines.push(whole);
      hash.update(whole).update('\n');
    },
    digest: () => hash.copy().digest('hex'),
  };
}

/** Lines shown before the first difference: enough to see what led to it. */
const CONTEXT_LINES = 3;

/** The first line in which two runs differ, with what came before it, for a person; undefined where they are the same. */
export function firstDifference(first: readonly string[], second: readonly string[]): string | undefined {
  const length = Math.max(first.length, second.length);
  for (let index = 0; index < length; index += 1) {
    if (first[index] === second[index]) continue;
    const before = first.slice(Math.max(0, index - CONTEXT_LINES), index).map((line) => `  both    ${line}`);
    return [
      `the runs differ in line ${index + 1}:`,
      ...before,
      `  first   ${first[index] ?? '(has ended)'}`,
      `  second  ${second[index] ?? '(has ended)'}`,
    ].join('\n');
  }
  return undefined;
}
