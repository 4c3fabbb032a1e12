import { strict as assert } from 'node:assert';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { countPlainDigits, isExactNumber, parseExactJson } from './exact-json.ts';

const roundTrip = (text: string): string => JSON.stringify(parseExactJson(text));

describe('JSON numbers', () => {
  for (const text of [
    '9007199254740993',
    '-9007199254740993',
    '123456789012345678901234567890',
    '1e400',
    '-2.5E+999',
    '1e-400',
    '0.12345678901234567890123',
    '-0',
    '-0.0',
    '[-0,{"a":-0}]',
    '{"id":1000000000000000000000,"list":[1,18446744073709551615]}',
  ])
    it(`keep their digits: ${text}`, () => assert.equal(roundTrip(text), text));

  for (const text of [
    '0',
    '1.5',
    '-79.3333',
    '25.334706488156538',
    '0.30000000000000004',
    '9007199254740991',
  ])
    it(`that JavaScript can represent are ordinary numbers: ${text}`, () =>
      assert.equal(typeof parseExactJson(text), 'number'));

  it('keep their value regardless of their notation, and nothing else changes', () => {
    const digits = fc.array(fc.nat(9), { minLength: 1, maxLength: 40 }).map((list) => list.join(''));
    const whole = digits.map((text) => text.replace(/^0+(?=\d)/, ''));
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        whole,
        fc.option(digits, { nil: undefined }),
        fc.option(fc.integer({ min: -500, max: 500 }), { nil: undefined }),
      )
      .map(
        ([sign, integer, fraction, power]) =>
          `${sign}${integer}${fraction === undefined ? '' : `.${fraction}`}${power === undefined ? '' : `e${power}`}`,
      );
    fc.assert(
      fc.property(number, fc.string(), (text, other) => {
        const parsed = parseExactJson(`{"n":${text},"s":${JSON.stringify(other)}}`);
        const { n, s } = parsed as { readonly n: unknown; readonly s: unknown };
        assert.equal(s, other);
        if (isExactNumber(n)) assert.equal(n.rawJSON, text);
        // A number that was not kept as text must have the value that the text states.
        else assert.equal(toFraction(String(n)), toFraction(text));
      }),
    );
  });

  it('within strings stay text', () =>
    assert.equal(roundTrip('["9007199254740993","x-0 1e999"]'), '["9007199254740993","x-0 1e999"]'));

  for (const [text, length] of [
    ['1e400', 401],
    ['123', 3],
    ['1e-400', 401],
    ['0.5', 2],
    ['1e999999999999', 1_000_000_000_000],
  ] as const)
    it(`count their digits without an exponent: ${text}`, () => assert.equal(countPlainDigits(text), length));
});

/** A decimal number's value as a fraction of whole numbers, independent of the code under test. */
function toFraction(text: string): string {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  let top = BigInt(whole.replace('-', '') + fraction);
  const exponent = Number(power) - fraction.length;
  let bottom = 1n;
  if (exponent >= 0) top *= 10n ** BigInt(exponent);
  else bottom = 10n ** BigInt(-exponent);
  while (bottom > 1n && top % 10n === 0n && bottom % 10n === 0n) [top, bottom] = [top / 10n, bottom / 10n];
  return top === 0n ? '0' : `${text.startsWith('-') ? '-' : ''}${top}/${bottom}`;
}
