/**
 * C0 and C1 control characters, line and paragraph separators, and characters that change the direction of text. In a terminal or
 * on a page, they could hide or forge other text. `\ufeff` is invisible.
 */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/g;

/** Replaces control and direction-changing characters with spaces, so that the result is one line and cannot control a terminal. */
export function toPlainText(text: string): string {
  return text.replace(UNSAFE, ' ');
}

/**
 * Formats a value as JSON on one line that cannot control a terminal. The result parses to the same value as the output of
 * `JSON.stringify`.
 */
export function toPlainJson(value: unknown): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** Like `toPlainJson`, but formats the value as indented lines. */
export function toPlainJsonLines(value: unknown): readonly string[] {
  return JSON.stringify(value, undefined, 2).split('\n').map(escapeUnsafe);
}

function escapeUnsafe(json: string): string {
  return json.replace(UNSAFE, (unsafe) =>
    Array.from(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}
