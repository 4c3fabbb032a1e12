/**
 * C0 and C1 control characters, line and paragraph separators, and characters that change the text direction. In a terminal, they
 * could hide or forge other text. `\ufeff` is invisible.
 */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]+/g;

/** Replaces characters that are not plain text, so that the result is one line and cannot control a terminal. */
export function toPlainText(text: string): string {
  return text.replace(UNSAFE, '\ufffd');
}

/** Replaces these characters in each line of a string. */
export function toPlainLines(text: string): string {
  return text.split('\n').map(toPlainText).join('\n');
}

/**
 * Formats a value as one line of JSON that cannot control a terminal. It parses to the same value as the output of
 * `JSON.stringify`.
 */
export function toPlainJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, (unsafe) =>
    Array.from(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
  );
}
