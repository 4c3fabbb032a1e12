/** Returns the bytes of each element of an array in PostgreSQL's binary format. Null elements are undefined. */
export function readArray(array: Uint8Array): readonly (Buffer | undefined)[] {
  const bytes = Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  const elements: (Buffer | undefined)[] = [];
  let at = 20;
  for (let count = bytes.readInt32BE(12); count > 0; count -= 1) {
    const length = bytes.readInt32BE(at);
    at += 4;
    elements.push(length < 0 ? undefined : bytes.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return elements;
}
