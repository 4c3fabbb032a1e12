import { strict as assert } from 'node:assert';
import { describe, test } from 'node:test';
import { toText } from '../cli/tables.ts';
import { createLineLog } from './log.ts';
import { toPlainJson, toPlainLines } from './plain-text.ts';

/** Strings that a boat, a bundle or another implementation may send. */
const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['a terminal sequence', '\u001b[2J\u001b]0;title\u0007'],
  ['a C1 terminal sequence', '\u009b2J\u0090q\u009c'],
  ['line ends', 'a\r\nerror forged\u2028b\u2029c\u0085d'],
  ['a change of direction', '\u202egnp.exe\u2066x\u2069'],
  ['an invisible character', 'a\ufeffb\u200fc'],
];
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200f\u2028\u2029\u202e\u2066\u2069\ufeff]/;

describe('text from outside', () => {
  for (const [name, text] of HOSTILE) {
    test(`cannot control the terminal or add a line to a command's output: ${name}`, () => {
      assert.doesNotMatch(toText([`before ${text} after`]), UNSAFE);
      assert.equal(toPlainLines(`before ${text.replaceAll('\n', '')} after`).split('\n').length, 1);
      const json = toPlainJson({ [text]: [text] });
      assert.doesNotMatch(json, UNSAFE);
      assert.deepEqual(JSON.parse(json), { [text]: [text] });
    });

    test(`cannot control the terminal or add a line to the log: ${name}`, () => {
      const lines: string[] = [];
      const log = createLineLog({ write: (line) => lines.push(line) }, 'debug');
      log.write('warn', `message ${text}`, { error: text });
      const [line = '', ...more] = lines;
      assert.deepEqual([more, line.at(-1)], [[], '\n']);
      assert.doesNotMatch(line.slice(0, -1), UNSAFE);
    });
  }
});
