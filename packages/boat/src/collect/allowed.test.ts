import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAllowedKey, pickFields, toAllowed, toPublicText, toWords } from './allowed.ts';

const words = toWords('oil pressure psi temp rpm', 'samples');

describe('free-form JSON', () => {
  for (const [key, isAllowed] of [
    ['oilPressure', true],
    ['oil_pressure_psi', true],
    ['TEMP', true],
    ['temp2', true],
    ['oil_token', false],
    ['apiKey', false],
    ['', false],
    ['__proto__', false],
    ['constructor', false],
  ] as const)
    it(`${isAllowed ? 'passes' : 'drops'} a key named ${key || 'nothing'}`, () =>
      assert.equal(isAllowedKey(key, words), isAllowed));

  it('keeps only allowed keys, to a limited depth', () => {
    const value = { rpm: 1, token: 'x', oil: { psi: [1, { temp: 2, secret: 3 }], chat_id: 4 } };
    assert.deepEqual(toAllowed(value, words), { rpm: 1, oil: { psi: [1, { temp: 2 }] } });
    let deep: unknown = 1;
    for (let level = 0; level < 50; level += 1) deep = { oil: deep };
    assert.ok(JSON.stringify(toAllowed(deep, words)).length < 100);
  });

  it('never passes a disallowed key, however it is spelled', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        JSON.stringify(toAllowed(value, words), (key, inner: unknown) => {
          if (!/^\d*$/.test(key)) assert.ok(isAllowedKey(key, words), key);
          return inner;
        });
      }),
    );
  });
});

describe('named fields', () => {
  it("are kept only if they are plain values under the object's own keys", () =>
    assert.deepEqual(pickFields({ a: 1, b: { c: 2 }, d: 'x', e: 'y' }, ['a', 'b', 'd', 'toString']), {
      a: 1,
      d: 'x',
    }));
});

describe('strings from other programs', () => {
  for (const [text, given] of [
    ['Fuel low: 12 %', 'Fuel low: 12 %'],
    ['America/Toronto and 1/2 tank', 'America/Toronto and 1/2 tank'],
    ['POST https://hooks.example/T0/B1 failed', 'POST [address] failed'],
    ['rtsp://admin:pw@10.42.0.100/ch1', '[address]'],
    ['cannot read /home/d3kos/a b.jpg', 'cannot read [path] b.jpg'],
    ['{"api_key": "sk-1", "x": 1}', '{"api_key": "[hidden]", "x": 1}'],
    ['bot_token=7:abc failed', 'bot_token=[hidden] failed'],
    ['password: hunter2', 'password: [hidden]'],
  ] as const)
    it(`lose addresses, paths and credentials: ${text}`, () => assert.equal(toPublicText(text), given));
});
