import { isUtf8 } from 'node:buffer';

/** Byte order marks. Windows editors write one before the text. */
const UTF8_MARK = [0xef, 0xbb, 0xbf] as const;
const UTF16_LE_MARK = [0xff, 0xfe] as const;
const UTF16_BE_MARK = [0xfe, 0xff] as const;

export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/**
 * Detects the encoding of a file that begins with `bytes`: the one indicated by a byte order mark, or UTF-16 if every second byte
 * of the first two characters is zero. For anything else, including Windows-1252 (see `decodeText`), returns `utf-8`.
 */
export function detectEncoding(bytes: Uint8Array): TextEncoding {
  if (startsWith(bytes, UTF16_LE_MARK)) return 'utf-16le';
  if (startsWith(bytes, UTF16_BE_MARK)) return 'utf-16be';
  const [first, second, third, fourth] = bytes;
  if (first !== 0 && second === 0 && third !== 0 && fourth === 0) return 'utf-16le';
  if (first === 0 && second !== 0 && third === 0 && fourth !== 0) return 'utf-16be';
  return 'utf-8';
}

/**
 * Decodes a text file from any program in linear time: UTF-8, UTF-16, and Windows-1252 for individual bytes that are not valid
 * UTF-8. Removes the byte order mark, and leading and trailing NUL characters, which a power cut can leave.
 */
export function decodeText(bytes: Uint8Array): string {
  const encoding = detectEncoding(bytes);
  const text = encoding === 'utf-8' ? decodeBytes(bytes) : new TextDecoder(encoding).decode(bytes);
  return trimNuls(text);
}

/**
 * Like `decodeText`, but for a file of any size. Text that is not entirely UTF-8 is decoded in blocks, and `rest` is awaited
 * after each block.
 */
export async function decodeLongText(bytes: Uint8Array, rest: () => Promise<unknown>): Promise<string> {
  if (detectEncoding(bytes) !== 'utf-8' || isUtf8(bytes)) return decodeText(bytes);
  let text = '';
  for (const block of decodeMixed(bytes.subarray(startOfText(bytes)))) {
    text += block;
    await rest();
  }
  return trimNuls(text);
}

/**
 * Decodes UTF-8. Each byte that is not part of a UTF-8 character is decoded as Windows-1252, so that one name in another encoding
 * does not garble the rest. Removes a byte order mark.
 */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = startOfText(bytes);
  return isUtf8(bytes) ? buffer.toString('utf8', start) : [...decodeMixed(buffer.subarray(start))].join('');
}

/** Returns the position after a UTF-8 byte order mark. */
function startOfText(bytes: Uint8Array): number {
  return startsWith(bytes, UTF8_MARK) ? UTF8_MARK.length : 0;
}

/**
 * Splits a string into lines. A run of NUL characters also ends a line, because a power cut can leave one in place of a newline.
 */
export function toLines(text: string): readonly string[] {
  return text.split(/\r\n?|\n|\0+/);
}

/** Returns the first non-blank line, trimmed, or '' if there is none. */
export function toFirstLine(text: string): string {
  return (
    toLines(text)
      .values()
      .map((line) => line.trim())
      .find((line) => line !== '') ?? ''
  );
}

/** Removes a byte order mark and leading and trailing NUL characters from decoded text. */
export function toBareText(text: string): string {
  return trimNuls(text.startsWith('\ufeff') ? text.slice(1) : text);
}

function trimNuls(text: string): string {
  let start = 0;
  while (text.charCodeAt(start) === 0) start += 1;
  let end = text.length;
  while (end > start && text.charCodeAt(end - 1) === 0) end -= 1;
  return text.slice(start, end);
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, index) => bytes[index] === byte);
}

const WINDOWS_1252 = new TextDecoder('windows-1252');
/** Maximum number of UTF-8 bytes in a Windows-1252 character, for example the euro sign. */
const CHARACTER_SIZE_MAX_BYTES = 3;
/**
 * The UTF-8 bytes of every Windows-1252 character from 0x80 to 0xff, with `CHARACTER_SIZE_MAX_BYTES` reserved for each. Unused
 * bytes are 0.
 */
const WINDOWS_CHARACTERS = Uint8Array.from(
  Array.from({ length: 128 }, (_, index) => [
    ...Buffer.concat(
      [Buffer.from(WINDOWS_1252.decode(Uint8Array.of(128 + index)), 'utf8')],
      CHARACTER_SIZE_MAX_BYTES,
    ),
  ]).flat(),
);
/** Number of bytes converted per block, so that a large file does not take three times its size in memory. */
const BLOCK_BYTES = 64 * 1024;
/** A UTF-8 character has up to four bytes, so a block may be three bytes longer. */
const BLOCK_REST_BYTES = 3;

/** Decodes bytes that are not entirely UTF-8 in blocks. Each block takes about a millisecond. */
function* decodeMixed(bytes: Uint8Array): Generator<string, void, void> {
  const block = Buffer.allocUnsafe((BLOCK_BYTES + BLOCK_REST_BYTES) * CHARACTER_SIZE_MAX_BYTES);
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + BLOCK_BYTES);
    let size = 0;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      const length = byte < 0x80 ? 1 : characterLength(bytes, at);
      if (length === 0) {
        const from = (byte - 128) * CHARACTER_SIZE_MAX_BYTES;
        for (let part = from; part < from + CHARACTER_SIZE_MAX_BYTES; part += 1) {
          const next = WINDOWS_CHARACTERS[part] ?? 0;
          if (next !== 0) block[size++] = next;
        }
        at += 1;
      } else for (const last = at + length; at < last; at += 1) block[size++] = bytes[at] ?? 0;
    }
    yield block.toString('utf8', 0, size);
  }
}

/** Returns the length in bytes of the UTF-8 character at `at`, or 0 if there is none (Unicode, table 3-7). */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const second = bytes[at + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let next = at + 2; next < at + length; next += 1) if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
