import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportError } from '../platform/errors.ts';
import { createOutput } from './output.ts';

/** Control characters, and characters that change text direction. */
const UNSAFE = /[\p{Cc}\u202a-\u202e]/u;

test('replaces control characters in text output and escapes them in JSON', () => {
  const hostile = 'central reports \u001b[2J\u009b2J\r\n\u202eDelivered';
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  const text = createOutput('text', write, write);
  text.progress(hostile);
  text.result({}, [hostile]);
  text.failure(new ExportError('INTERNAL', hostile, { op: 'test', hint: hostile }));
  assert.equal(written.length, 4);
  for (const line of written) assert.doesNotMatch(line, UNSAFE);
  written.length = 0;
  createOutput('json', write, write).result({ last_error: hostile }, []);
  assert.doesNotMatch(written.join(''), UNSAFE);
  assert.deepEqual(JSON.parse(written.join('')), { last_error: hostile });
});
