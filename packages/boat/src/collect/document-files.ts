import type { CollectContext } from './collector.ts';
import { readSourceJson, readSourceText } from './source-file.ts';
import type { StateRecord } from './state-records.ts';

/**
 * Reads a document category's files. Files are independent: one that cannot be read or has an unknown shape is recorded as a
 * problem, and the others are still read.
 */
export interface DocumentFiles {
  /**
   * Returns `absent` for a file that does not exist, and undefined for one with a problem. `toShape` returns undefined for a
   * value of an unknown shape.
   */
  json<T>(name: string, absent: T, toShape: (value: unknown) => T | undefined): Promise<T | undefined>;
  /** Returns null for a file that does not exist, and undefined for one with a problem. */
  text(name: string): Promise<string | null | undefined>;
  /** Number of files that yielded a value. */
  found(): number;
  /** One sentence per file with a problem, without the file's content or paths outside the boat's root. */
  problems(): readonly string[];
}

export function createDocumentFiles(context: CollectContext): DocumentFiles {
  let found = 0;
  const problems: string[] = [];
  return {
    async json(name, absent, toShape) {
      const file = await readSourceJson(context, name);
      switch (file.kind) {
        case 'missing':
          return absent;
        case 'empty':
          problems.push(`${name} is empty`);
          return undefined;
        case 'unreadable':
        case 'too_large':
        case 'odd':
          problems.push(`${name} ${file.reason}`);
          return undefined;
        case 'value': {
          const shape = toShape(file.value);
          if (shape === undefined)
            problems.push(`${name} has an unknown shape (${describeShape(file.value)})`);
          else found += 1;
          return shape;
        }
        default:
          return file satisfies never;
      }
    },
    async text(name) {
      const file = await readSourceText(context, name);
      switch (file.kind) {
        case 'missing':
          return null;
        case 'empty':
          problems.push(`${name} is empty`);
          return undefined;
        case 'unreadable':
        case 'too_large':
          problems.push(`${name} ${file.reason}`);
          return undefined;
        case 'text':
          found += 1;
          return file.text;
        default:
          return file satisfies never;
      }
    },
    found: () => found,
    problems: () => problems,
  };
}

/**
 * Returns a document category's record. A field is undefined if it could not be read. The record then omits its key and lists it
 * in `unread`, so that central keeps the previous value.
 */
export function toDocumentRecord(recordId: string, fields: Readonly<Record<string, unknown>>): StateRecord {
  const isRead = ([, value]: readonly [string, unknown]): boolean => value !== undefined;
  const entries = Object.entries(fields);
  const unread = entries.filter((field) => !isRead(field)).map(([key]) => key);
  return {
    record_id: recordId,
    ...Object.fromEntries(entries.filter(isRead)),
    ...(unread.length === 0 ? {} : { unread }),
  };
}

function describeShape(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
