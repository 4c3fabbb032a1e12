import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeText, toFirstLine, toLines } from '../../packages/boat/src/platform/text.ts';
import { readTextLines } from '../../packages/boat/src/platform/text-lines.ts';
import { toPlainText } from '../../packages/boat/src/platform/plain-text.ts';
import { TEXT_LENGTH_MAX, toOwnText, toPublicText } from '../../packages/boat/src/collect/redact.ts';
import { createTimestampReader } from '../../packages/boat/src/collect/policy/timestamps.ts';
import { toText, utf8, wordTexts } from '../inputs.ts';
import type { Target } from '../target.ts';

const TEXT_WORDS = [
  'a',
  'é',
  '€',
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\0\0',
  '\ufeff',
  ' ',
  '\u2028',
  '\u0085',
  '😀',
  'ÿþ',
] as const;

/**
 * Every byte sequence decodes to a string without lone surrogates, and reading line by line gives the same lines as reading
 * everything at once.
 */
export const text: Target = {
  name: 'text',
  generate: fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    utf8(wordTexts(TEXT_WORDS)),
    wordTexts(TEXT_WORDS).map((words) => Buffer.from(words, 'utf16le')),
    wordTexts(TEXT_WORDS).map((words) => Buffer.from(words, 'latin1')),
  ),
  words: TEXT_WORDS,
  async check(bytes) {
    const decoded = decodeText(bytes);
    assert.ok(decoded.isWellFormed());
    const first = toFirstLine(decoded);
    assert.equal(first, first.trim());
    assert.doesNotMatch(toPlainText(decoded), /[\u0000-\u001f\u007f-\u009f\u202e]/);
    const lines: string[] = [];
    const file = {
      readRange: (_path: string, offset: number, length: number) =>
        Promise.resolve(bytes.subarray(offset, offset + length)),
    };
    for await (const page of readTextLines(file, 'a file')) for (const line of page) lines.push(line.text);
    if (/[\r\ufeff]/.test(decoded)) return;
    const whole = toLines(decoded).filter((line) => line.trim() !== '');
    if (lines.every((line) => line !== '')) assert.deepEqual(lines, whole);
  },
};

const SECRET_WORDS = [
  'password',
  'api_key',
  'token',
  'key',
  'Ignition key',
  ':',
  '=',
  ' ',
  '"',
  "'",
  '://',
  'https://',
  'rtsp://',
  '@',
  '/home/',
  '/opt',
  '/',
  'Bearer ',
  'basic ',
  '-',
  '_',
  'a',
  'Z',
  '0',
  '.',
  '+',
  'chat id',
  'pin',
  '\t',
  '\n',
  'secret',
  '12345678',
  'abcdef0123456789',
] as const;

/** Redaction never fails, and redacting its result again removes nothing. */
export const redaction: Target = {
  name: 'redaction',
  generate: utf8(fc.oneof(wordTexts(SECRET_WORDS), fc.string({ unit: 'binary', maxLength: 60 }))),
  words: SECRET_WORDS,
  check(bytes) {
    const given = toText(bytes);
    const open = toPublicText(given);
    // A long string is truncated, and a replacement can lengthen it again.
    if (given.length < TEXT_LENGTH_MAX)
      assert.equal(toPublicText(open), open, 'a second redaction removes more');
    assert.doesNotMatch(open, /\b[a-z][a-z0-9]{2,8}:\/\/[^\s"'<>]/);
    assert.equal(typeof toOwnText(given), 'string');
  },
};

const TIME_WORDS = [
  '2026-03-16',
  '2026-03-29T02:30:00',
  '20260322_122202',
  'T',
  ' ',
  ':',
  '-',
  '+',
  'Z',
  'z',
  '.',
  ',',
  '14:03',
  ':05',
  '.123',
  '+02:00',
  '-0730',
  '+9999',
  '1970-01-01',
  '9999-12-31T23:59:59',
  '0000',
  '99',
  '1e11',
  '1700000000',
  '-1',
  '٣',
  '\n',
] as const;
const readers = ['UTC', 'America/Toronto', 'Australia/Lord_Howe', 'Africa/Monrovia', 'no zone'].map((zone) =>
  createTimestampReader(zone),
);

/** A time is either null or a UTC timestamp that can be parsed again without a change. */
export const timestamps: Target = {
  name: 'timestamps',
  generate: utf8(
    fc.oneof(
      wordTexts(TIME_WORDS, 8),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.double().map(String),
    ),
  ),
  words: TIME_WORDS,
  check(bytes) {
    const given = toText(bytes);
    const number = given.trim() === '' ? Number.NaN : Number(given);
    for (const readTime of readers)
      for (const naive of ['utc', 'local'] as const)
        for (const raw of [given, number]) {
          const { utc, zone } = readTime(raw, naive);
          assert.equal(utc === null, zone === null);
          if (utc === null) continue;
          assert.match(utc, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
          assert.equal(readTime(utc, naive).utc, utc);
        }
  },
};
