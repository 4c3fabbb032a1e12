import type { Log } from '../platform/ports.ts';

/** A log that stores its messages for assertions. */
export function createKeptLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  return { lines, write: (level, message) => lines.push(`${level} ${message}`) };
}
