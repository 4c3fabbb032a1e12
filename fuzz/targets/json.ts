import assert from 'node:assert/strict';
import { isExactNumber, parseExactJson } from '@d3kos/protocol';
import { parseForeignJson } from '../../packages/boat/src/platform/lenient-json.ts';
import { JSON_WORDS, jsonTexts, toText, utf8 } from '../inputs.ts';
import type { Target } from '../target.ts';

/** Parses JSON as the platform does. Undefined if the text is not JSON. */
function parsePlain(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Exact parsing accepts the strings that JSON.parse accepts, and writing the value loses nothing. */
export const exactJson: Target = {
  name: 'exact-json',
  generate: utf8(jsonTexts),
  words: JSON_WORDS,
  check(bytes) {
    const text = toText(bytes);
    const plain = parsePlain(text);
    let value: unknown;
    try {
      value = parseExactJson(text);
    } catch (error) {
      assert.ok(error instanceof SyntaxError || error instanceof RangeError, String(error));
      assert.equal(plain, undefined, 'refuses a string that is JSON');
      return;
    }
    assert.notEqual(plain, undefined, 'accepts a string that is not JSON');
    const written = JSON.stringify(value);
    assert.equal(JSON.stringify(parseExactJson(written)), written, 'writing changes the value');
  },
};

/** Lenient parsing never throws. It accepts all JSON within its limits and returns the same value. */
export const lenientJson: Target = {
  name: 'lenient-json',
  generate: utf8(jsonTexts),
  words: JSON_WORDS,
  check(bytes) {
    const text = toText(bytes);
    const parsed = parseForeignJson(text);
    const plain = parsePlain(text);
    if (parsed.kind === 'odd') {
      if (parsed.reason === 'is not valid JSON')
        assert.equal(plain, undefined, 'refuses a string that is JSON');
      return;
    }
    const written = JSON.stringify(parsed.value);
    assert.deepEqual(JSON.parse(written), toPlainValue(parsed.value), 'writing changes the value');
    const again = parseForeignJson(written);
    assert.equal(again.kind === 'value' && JSON.stringify(again.value), written);
  },
};

/** Returns the value with its exact numbers converted to JavaScript numbers, as `JSON.parse` would read them. */
function toPlainValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isExactNumber(value)) return JSON.parse(value.rawJSON);
  if (Array.isArray(value)) return value.map(toPlainValue);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlainValue(inner)]));
}
