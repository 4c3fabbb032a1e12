/** The current state of a restorable file. An empty file counts as missing. */
export type PresentFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'text'; readonly text: string; readonly modifiedMs: number };

/**
 * The action to take on one file. `keep_newer`: the owner may have changed it since the last export. `keep_unreadable`: it exists
 * but cannot be read, so overwriting it could lose unknown values.
 */
export type FileAction = 'create' | 'update' | 'unchanged' | 'keep_newer' | 'keep_unreadable';

/** Whether to keep or update files that are newer than central's record. */
export type NewerFiles = 'keep' | 'update';

/** Earlier file times come from a clock that was never set, so they do not reveal a file's age. */
const CLOCK_NEVER_SET_BEFORE_MS = Date.UTC(2024, 0, 1);

/**
 * Decides what to do with a file. `recordedMs` is when central received the record, and `isHeld` is true if the file already has
 * all of the values.
 */
export function decideFile(
  present: PresentFile,
  isHeld: boolean,
  recordedMs: number,
  newer: NewerFiles,
): FileAction {
  switch (present.kind) {
    case 'missing':
      return 'create';
    case 'unreadable':
      return 'keep_unreadable';
    case 'text': {
      if (isHeld) return 'unchanged';
      const isOlder = present.modifiedMs >= CLOCK_NEVER_SET_BEFORE_MS && present.modifiedMs < recordedMs;
      return isOlder || newer === 'update' ? 'update' : 'keep_newer';
    }
    default:
      return present satisfies never;
  }
}
