import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { createDisk } from './disk.ts';
import { JSON_LEVELS_MAX, JSON_MEMBERS_MAX, parseForeignJson } from './lenient-json.ts';
import { readJsonFile, readTextFile } from './text-file.ts';
import { LINE_LENGTH_MAX, readTextLines } from './text-lines.ts';
import { decodeText, toFirstLine, toLines } from './text.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-text-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const disk = createDisk();

/** Encodes a string in UTF-16, as a Windows editor saves it. */
function toUtf16(text: string, endian: 'le' | 'be'): Buffer {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return endian === 'le' ? bytes : bytes.swap16();
}

const TEXT = 'Frøya – 20 € à quai';

describe('a text file', () => {
  for (const [how, bytes] of [
    ['UTF-8', Buffer.from(TEXT)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${TEXT}`)],
    ['UTF-16 LE', toUtf16(TEXT, 'le')],
    ['UTF-16 BE', toUtf16(TEXT, 'be')],
    ['UTF-16 LE without a byte order mark', toUtf16(TEXT, 'le').subarray(2)],
    ['UTF-16 BE without a byte order mark', toUtf16(TEXT, 'be').subarray(2)],
    ['Windows-1252', Buffer.from('Fr\xf8ya \x96 20 \x80 \xe0 quai', 'latin1')],
    [
      'UTF-8 in which one byte is Windows-1252',
      Buffer.concat([Buffer.from('Fr\xf8', 'latin1'), Buffer.from('ya – 20 € à quai')]),
    ],
    ['UTF-8 between NUL bytes', Buffer.concat([Buffer.alloc(700), Buffer.from(TEXT), Buffer.alloc(3)])],
  ] as const)
    it(`is read in ${how}`, () => assert.equal(decodeText(bytes), TEXT));

  it('in UTF-8 keeps every character, whatever surrounds it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const whole = text.toWellFormed().replaceAll('\0', '');
        // A byte that never occurs in UTF-8 selects the code path that reads byte by byte.
        const mixed = Buffer.concat([Buffer.from('>'), Buffer.from(whole), Buffer.from([0xff])]);
        assert.equal(decodeText(mixed), `>${whole}ÿ`);
      }),
    );
  });

  it('may end its lines in any of the three ways, or with NUL bytes left by a power cut', () =>
    assert.deepEqual(toLines('a\r\nb\nc\rd\0\0\0e'), ['a', 'b', 'c', 'd', 'e']));

  it('has a first non-blank line', () => {
    assert.equal(toFirstLine('\r\n  \r\n Europe/Oslo \r\n# comment'), 'Europe/Oslo');
    assert.equal(toFirstLine(' \n'), '');
  });

  it('may be missing, empty, too large, unreadable or malformed, and each case is distinguished', async () => {
    const at = (name: string, bytes: Uint8Array | string): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    mkdirSync(join(folder, 'a-folder'));
    const kindOf = async (path: string): Promise<string> => (await readJsonFile(disk, path, 20)).kind;
    assert.equal(await kindOf(join(folder, 'nothing')), 'missing');
    assert.equal(await kindOf(at('empty', '')), 'empty');
    assert.equal(await kindOf(at('zeros', Buffer.alloc(20))), 'empty');
    assert.equal(await kindOf(at('large', ' '.repeat(21))), 'too_large');
    assert.equal(await kindOf(join(folder, 'a-folder')), 'unreadable');
    assert.equal(await kindOf(at('torn', '{"a": ')), 'odd');
    assert.equal(await kindOf(at('null', 'null')), 'value');
    assert.deepEqual(await readTextFile(disk, join(folder, 'a-folder'), 20), {
      kind: 'unreadable',
      reason: 'is a folder (EISDIR)',
    });
  });
});

describe('a file of lines', () => {
  const read = async (bytes: Uint8Array | string): Promise<readonly (readonly unknown[])[]> => {
    const path = join(folder, 'lines');
    writeFileSync(path, bytes);
    const found: (readonly unknown[])[] = [];
    for await (const lines of readTextLines(disk, path))
      for (const { kind, no, text } of lines) found.push([kind, no, text.slice(0, 20)]);
    return found;
  };

  it('is read in UTF-16 and with CRLF, and skips blank lines', async () => {
    const expected = [
      ['whole', 1, 'één'],
      ['whole', 3, 'two'],
      ['last', 4, 'three'],
    ];
    const text = 'één\r\n\r\ntwo\r\nthree';
    assert.deepEqual(await read(`\ufeff${text}`), expected);
    assert.deepEqual(await read(toUtf16(text, 'le')), expected);
    assert.deepEqual(await read(toUtf16(text, 'be')), expected);
  });

  it('ends a line at NUL bytes left by a power cut, even if they span several reads', async () => {
    const log = Buffer.concat([
      Buffer.from('one\n{"torn'),
      Buffer.alloc(600_000),
      Buffer.from('two\nthree\n'),
    ]);
    assert.deepEqual(await read(log), [
      ['whole', 1, 'one'],
      ['whole', 2, '{"torn'],
      ['whole', 2, 'two'],
      ['whole', 3, 'three'],
    ]);
  });

  it('reports an overlong line once and reads the next one', async () => {
    for (const length of [LINE_LENGTH_MAX + 1, 3 * LINE_LENGTH_MAX])
      assert.deepEqual(await read(`one\n${'x'.repeat(length)}\nthree\n`), [
        ['whole', 1, 'one'],
        ['too_long', 2, ''],
        ['whole', 3, 'three'],
      ]);
  });

  it('that is too large, or grows while it is read, is read only up to the limit', async () => {
    const step = Buffer.from(`${'x'.repeat(999)}\n`);
    let reads = 0;
    const growing = {
      readRange: async () => {
        reads += 1;
        return step;
      },
    };
    const read = async (): Promise<void> => {
      for await (const lines of readTextLines(growing, '/log', 10_000)) assert.ok(lines.length > 0);
    };
    await assert.rejects(read, { code: 'FILE_TOO_LARGE' });
    assert.equal(reads, 11);
  });

  it('is read completely, wherever reads split its lines', async () => {
    const lines = Array.from({ length: 9_000 }, (_, index) => `${index} ${'é'.repeat(index % 97)}`);
    const found = await read(`${lines.join('\n')}\n`);
    assert.deepEqual(
      found.map(([, no, text]) => [no, text]),
      lines.map((line, index) => [index + 1, line.slice(0, 20)]),
    );
  });
});

describe('JSON from another program', () => {
  const read = (text: string): unknown => {
    const parsed = parseForeignJson(text);
    return parsed.kind === 'value' ? JSON.stringify(parsed.value) : parsed.reason;
  };
  for (const [text, expected] of [
    ['{"a":NaN,"b":[-Infinity,Infinity]}', '{"a":null,"b":[null,null]}'],
    ['{"NaN":"NaN","b":NaN}', '{"NaN":"NaN","b":null}'],
    ['{"s":"a \\" NaN","n":NaN}', '{"s":"a \\" NaN","n":null}'],
    ['{"id":9007199254740993,"n":NaN,"z":-0}', '{"id":9007199254740993,"n":null,"z":-0}'],
    ['NaN', 'null'],
    ['{"a": 1', 'is not valid JSON'],
    ['', 'is not valid JSON'],
    ['"\\"'.repeat(80_000), 'is not valid JSON'],
    ['['.repeat(5_000_000), `nests deeper than ${JSON_LEVELS_MAX} levels`],
    [`[${'{},'.repeat(1_000_001)}0]`, 'contains more than 1000000 values'],
    [
      `{"a":[${'0,'.repeat(20_000)}0],"b":{${Array.from({ length: JSON_MEMBERS_MAX + 1 }, (_, no) => `"${no}":0`).join()}}}`,
      'has an object with more than 10000 keys',
    ],
    [`{"a":[${'0,'.repeat(20_000)}0]}`, `{"a":[${'0,'.repeat(20_000)}0]}`],
  ] as const)
    it(`is read or refused: ${text.slice(0, 40)}`, () => assert.equal(read(text), expected));

  it('parses to the same value as with a strict parser, and never throws', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) =>
        assert.equal(read(JSON.stringify(value)), JSON.stringify(JSON.parse(JSON.stringify(value)))),
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => void parseForeignJson(text)));
  });
});
