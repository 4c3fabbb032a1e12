import { createHash } from 'node:crypto';
import type { SimEvent } from './events.ts';

/** The record of one run. Two runs of the same seed produce the same lines. */
export interface Trace {
  add(event: SimEvent): void;
  /** The events that checkers and coverage read, in order. */
  readonly events: readonly SimEvent[];
  /** The events in human-readable form, each on one line with its time. Line breaks are shown as `⏎`. */
  readonly lines: readonly string[];
  /** SHA-256 of all lines so far, in hex. */
  digest(): string;
}

/** Creates a trace without lines. `timeMs` returns the virtual time of an event. `earlier` lists events that happened before. */
export function createTrace(timeMs: () => number, earlier: readonly SimEvent[] = []): Trace {
  const events: SimEvent[] = [...earlier];
  const lines: string[] = [];
  const hash = createHash('sha256');
  return {
    events,
    lines,
    add: (event) => {
      const line = `${timeMs()} ${toLine(event).replaceAll('\n', '⏎')}`;
      events.push(event);
      lines.push(line);
      hash.update(line).update('\n');
    },
    digest: () => hash.copy().digest('hex'),
  };
}

function toLine(event: SimEvent): string {
  switch (event.kind) {
    case 'log':
      return `log ${event.level} ${event.message}${event.facts === undefined ? '' : ` ${event.facts}`}`;
    case 'violation':
      return `VIOLATION ${event.text}`;
    default: {
      const { kind, ...facts } = event;
      return `${kind} ${JSON.stringify(facts)}`;
    }
  }
}

/** Number of lines shown before the first difference: enough to see what led to it. */
const CONTEXT_LINES = 3;

/** Describes the first line in which two runs differ, with the lines before it. Returns undefined if the traces are equal. */
export function firstDifference(first: readonly string[], second: readonly string[]): string | undefined {
  const length = Math.max(first.length, second.length);
  for (let index = 0; index < length; index += 1) {
    if (first[index] === second[index]) continue;
    const before = first.slice(Math.max(0, index - CONTEXT_LINES), index).map((line) => `  both    ${line}`);
    return [
      `the runs differ at line ${index + 1}:`,
      ...before,
      `  first   ${first[index] ?? '(ended)'}`,
      `  second  ${second[index] ?? '(ended)'}`,
    ].join('\n');
  }
  return undefined;
}
