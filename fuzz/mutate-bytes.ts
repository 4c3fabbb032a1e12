import fc from 'fast-check';

/** Maximum length of an input created by mutation. The growth check covers larger inputs. */
const INPUT_SIZE_MAX_BYTES = 8_192;
/** Maximum number of changes to one input. */
const CHANGES_MAX = 6;
/** Maximum number of copies of a repeated range. */
const COPIES_MAX = 40;

/**
 * Inputs that differ from an input of `pool` in a few places: words inserted, ranges removed, repeated or replaced by a range of
 * another input, bits flipped. `pool` must not be empty and must not change while the arbitrary is in use.
 */
export function createMutations(
  pool: readonly Uint8Array[],
  words: readonly string[],
): fc.Arbitrary<Uint8Array> {
  const inserts = words.map((word) => Buffer.from(word, 'utf8'));
  const position = fc.nat(0xffff);
  const change = fc.record({
    kind: fc.constantFrom('insert', 'remove', 'repeat', 'splice', 'flip', 'cut'),
    at: position,
    length: fc.nat(64),
    choice: fc.nat(0xffff),
  });
  return fc
    .tuple(position, fc.array(change, { minLength: 1, maxLength: CHANGES_MAX }))
    .map(([base, changes]) => {
      let bytes = pool[base % pool.length] ?? new Uint8Array();
      for (const { kind, at, length, choice } of changes) {
        const start = bytes.length === 0 ? 0 : at % (bytes.length + 1);
        const end = Math.min(bytes.length, start + length);
        const before = bytes.subarray(0, start);
        const range = bytes.subarray(start, end);
        const after = bytes.subarray(end);
        if (kind === 'insert')
          bytes = join(before, inserts[choice % inserts.length] ?? Uint8Array.of(choice), range, after);
        else if (kind === 'remove') bytes = join(before, after);
        else if (kind === 'repeat')
          bytes = join(before, ...new Array<Uint8Array>(1 + (choice % COPIES_MAX)).fill(range), after);
        else if (kind === 'splice') {
          const other = pool[choice % pool.length] ?? new Uint8Array();
          const from = other.length === 0 ? 0 : at % other.length;
          bytes = join(before, other.subarray(from, from + length), after);
        } else if (kind === 'flip') bytes = join(before, flip(range, choice), after);
        else bytes = before;
      }
      return bytes;
    });
}

function join(...pieces: readonly Uint8Array[]): Uint8Array {
  const joined = Buffer.concat(pieces);
  return joined.subarray(0, INPUT_SIZE_MAX_BYTES);
}

function flip(range: Uint8Array, choice: number): Uint8Array {
  const flipped = Uint8Array.from(range);
  flipped[0] = (flipped[0] ?? 0) ^ (choice & 0xff);
  return flipped;
}
