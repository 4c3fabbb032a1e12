import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog, type LogOptions } from './log.ts';
import type { Log } from './ports.ts';

function collecting(options: Partial<LogOptions> = {}): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const log = createLog({ journald: true, level: 'info', writeLine: (line) => lines.push(line), ...options });
  return { log, lines };
}

describe('a log line', () => {
  it('begins with its priority if journald reads it', () => {
    const { log, lines } = collecting({ level: 'debug' });
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      log.write(level, 'Export worker started');
    assert.deepEqual(
      lines.map((line) => line.slice(0, 3)),
      ['<7>', '<6>', '<4>', '<3>'],
    );
    assert.equal(lines[1], '<6>Export worker started');
  });

  it('otherwise begins with time and level', () => {
    const { log, lines } = collecting({ journald: false });
    log.write('info', '✓ Export uploaded successfully: q_1');
    assert.match(
      lines[0] ?? '',
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info {2}✓ Export uploaded successfully: q_1$/,
    );
  });

  it('ends with its facts', () => {
    const { log, lines } = collecting();
    const cause = new Error('outer', { cause: new Error('inner') });
    log.write('warn', 'Told', {
      a: 1,
      b: 'two words',
      c: undefined,
      d: { e: [1] },
      f: cause,
      g: 10n,
      h: null,
      i: '',
    });
    assert.equal(lines[0], '<4>Told a=1 b="two words" d="{\\"e\\":[1]}" f="outer: inner" g=10 h=null i=""');
  });

  it('contains no character that controls a terminal or changes text direction', () => {
    const { log, lines } = collecting();
    const unsafe =
      '\u0000\u001b\u007f\u0080\u009b2J\u009f\u061c\u200e\u200f\u2028\u202a\u202e\u2066\u2069\ufeff';
    log.write('info', `a${unsafe}b`, { fact: `c${unsafe}d`, [`k`]: unsafe });
    assert.equal(lines[0], '<6>a 2J b fact="c 2J d" k=" 2J "');
  });

  it('is one line for any value, and never throws', () => {
    const { log, lines } = collecting();
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const trap = Object.defineProperty(new Error('x'), 'message', {
      get: () => {
        throw new Error('trap');
      },
    });
    log.write('info', 'two\nlines\u001b[31m', { cycle, trap, symbol: Symbol('s'), long: 'x'.repeat(10_000) });
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^<6>two lines \[31m cycle=\? trap=\? symbol=Symbol\(s\) long=x{500}$/);
  });

  it('below the minimum level is not written', () => {
    const { log, lines } = collecting({ level: 'warn' });
    log.write('info', 'quiet');
    assert.deepEqual(lines, []);
  });

  it('from a healthy run does not match a search for problems in the journal', () => {
    for (const journald of [true, false]) {
      const { log, lines } = collecting({ journald, level: 'debug' });
      log.write('info', 'Processing export: q_1', { bytes: 1 });
      log.write('debug', 'woken');
      log.write('warn', 'No network');
      for (const line of lines) assert.doesNotMatch(line, /error/i);
    }
  });
});
