import fc from 'fast-check';

/** Decodes an input for a parser that takes text. Invalid UTF-8 becomes U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

/** Inputs that are the UTF-8 bytes of a string. */
export function utf8(texts: fc.Arbitrary<string>): fc.Arbitrary<Uint8Array> {
  return texts.map((text) => Buffer.from(text, 'utf8'));
}

/** Strings made up of a format's words. */
export function wordTexts(words: readonly string[], maxLength = 30): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...words), { maxLength }).map((list) => list.join(''));
}

/** JSON tokens, and strings that make a JSON parser fail or take a long time. */
export const JSON_WORDS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '\\"',
  '"a":',
  '{"a":',
  '"\\',
  '\\u0000',
  '\\ud800',
  'NaN',
  '-Infinity',
  'Infinity',
  'null',
  'true',
  '0',
  '-0',
  '-0.0',
  '1e400',
  '9007199254740993',
  '0.12345678901234567890123',
  '12345678',
  '.',
  'e+',
  'E999',
  ' ',
  '\t',
  '\n',
  '\u0000',
  '\ufeff',
  '"__proto__":',
  '"constructor":',
  '"toString":',
  '[[',
  '{}',
  '[],',
  '{},',
  '""',
  '"":',
] as const;

/** JSON documents, some of them damaged. */
export const jsonTexts: fc.Arbitrary<string> = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.json({ maxDepth: 2 }).map((text) => text.replaceAll('null', 'NaN')),
  wordTexts(JSON_WORDS),
  fc
    .tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.constantFrom(...JSON_WORDS))
    .map(
      ([text, at, word]) => text.slice(0, at % (text.length + 1)) + word + text.slice(at % (text.length + 1)),
    ),
);

/** Runs `work`, which may throw only errors that `isExpected` accepts. Returns its value, or undefined if it threw. */
export async function allowing<T>(
  isExpected: (error: unknown) => boolean,
  work: () => T | Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isExpected(error)) return undefined;
    throw error;
  }
}
