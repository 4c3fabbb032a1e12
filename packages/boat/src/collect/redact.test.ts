import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findRedactions, toOwnText, toPublicText } from './redact.ts';

describe('text from another program', () => {
  for (const sentence of [
    'Ignition key: ON',
    'Ignition-key: OFF, spare key=2',
    'Key: under the seat',
    'the secret: start early',
    'Token: none; laundry token: 2',
    'wind/various, optional /optional',
    'Authorization: denied',
    'Shear pin: 10mm',
    'Watchkey: 4h on, 4h off',
  ])
    it(`stays a sentence: ${sentence}`, () => assert.equal(toPublicText(sentence), sentence));

  for (const [text, given] of [
    ['api key: sk-1', 'api key: [hidden]'],
    ['wifi password: hunter2, channel: 6', 'wifi password: [hidden], channel: 6'],
    ['DB_PASSWORD=x', 'DB_PASSWORD=[hidden]'],
    ['Authorization: Bearer abc.def', 'Authorization: [hidden]'],
    ['authorization=Basic dXNlcjpwYXNz', 'authorization=[hidden]'],
    ['X-Auth-Token: 12', 'X-Auth-Token: [hidden]'],
    ['key: 9f86d081884c7d659a2f', 'key: [hidden]'],
    ['bot token: 7000001:AAHdqTcvCH1vGWJxfSeof', 'bot token: [hidden]'],
    ['{"clientSecret":"x y"}', '{"clientSecret":"[hidden] y"}'],
    ['chat_id: -100998877665544', 'chat_id: [hidden]'],
    ['PIN: 4711', 'PIN: [hidden]'],
    [`${'a'.repeat(200)}_token=x`, `${'a'.repeat(200)}_token=[hidden]`],
  ] as const)
    it(`loses its credentials: ${text.slice(-40)}`, () => assert.equal(toPublicText(text), given));
});

it("an owner's answer keeps addresses and paths", () => {
  const answer = 'NMEA over tcp://10.0.0.5:2000, see /home/d3kos';
  assert.equal(toOwnText(answer), answer);
});

it('reports removed text by field and reason, without its value', () => {
  const record = {
    record_id: 'x',
    error: toPublicText('POST https://x.example failed'),
    alert: [{ m: toPublicText('pwd: x') }],
  };
  assert.deepEqual(findRedactions(record), [
    { field: 'error', reason: 'an address' },
    { field: 'alert[].m', reason: 'a credential' },
  ]);
});
