import { toTime } from '../plan-times.ts';
import type { Trace } from '../trace.ts';

/** Violations kept of one run. The first ones show what broke, and the others follow from them. */
const VIOLATIONS_MAX = 10;

/** Reports a broken promise. `where` is the moment of the check. It does not make a violation another one. */
export type Violate = (text: string, where?: string) => void;

/** Collects each broken promise once, at the moment it is first seen. */
export function createViolations(
  trace: Trace,
  nowMs: () => number,
): { readonly found: readonly string[]; readonly violate: Violate } {
  const found: string[] = [];
  const reported = new Set<string>();
  return {
    found,
    violate: (text, where) => {
      if (reported.has(text) || found.length >= VIOLATIONS_MAX) return;
      reported.add(text);
      const whole = where === undefined ? text : `${where}: ${text}`;
      found.push(`${toTime(nowMs())} ${whole}`);
      trace.add({ kind: 'violation', text: whole });
    },
  };
}
