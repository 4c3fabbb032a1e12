import { toTime } from '../plan-times.ts';
import type { Trace } from '../trace.ts';

/** Maximum number of violations kept for one run. The first ones show the cause, and later ones usually follow from them. */
const VIOLATIONS_MAX = 10;

/** Reports a broken promise. `where` is the moment of the check. The same violation at another moment is not reported again. */
export type Violate = (text: string, where?: string) => void;

/** Collects each broken promise once, when it is first detected. */
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
