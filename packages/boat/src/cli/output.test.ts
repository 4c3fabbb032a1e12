import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExportError } from '../platform/errors.ts';
import { createOutput } from './output.ts';

test('replaces control characters in text output and escapes them in JSON', () => {
  const hostile = 'central reports \u001b[2J\u009b2J\r\nDelivered';
  const written: string[] = [];
  const write = (line: string): void => void written.push(line);
  const text = createOutput('text', write, write);
  text.progress(hostile);
  text.result({}, [hostile]);
  text.failure(new ExportError('INTERNAL', hostile, { op: 'test', hint: hostile }));
  assert.equal(written.length, 4);
  for (const line of written) assert.doesNotMatch(line, /\p{Cc}/u);
  written.length = 0;
  createOutput('json', write, write).result({ last_error: hostile }, []);
  assert.deepEqual(JSON.parse(written.join('')), { last_error: hostile });
});
