import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import fc from 'fast-check';
import { type BundleItem, type BundlePart, readBundle, toBundleLine } from './bundle.ts';

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const START = {
  d3kos_bundle: 'start',
  version: 1,
  installation_id: '0123456789abcdef',
  created: '2026-06-01T12:00:00Z',
  software_version: '0.1.0',
} as const;

function toPart(body: Buffer, index: number): BundlePart {
  return {
    d3kos_bundle: 'part',
    export_id: 'exp_1',
    part: { index, count: 99 },
    sha256: digest(body),
    size_bytes: body.length,
  };
}

/** Builds a bundle of these bodies. Also returns the offset of each piece. */
function write(
  bodies: readonly Buffer[],
  skipped: readonly { queue_id: string; reason: string }[] = [],
): Buffer {
  const end = {
    d3kos_bundle: 'end',
    exports: 1,
    parts: bodies.length,
    skipped_count: skipped.length,
    skipped: [...skipped],
  } as const;
  return Buffer.concat([
    Buffer.from(toBundleLine(START)),
    ...bodies.flatMap((body, at) => [
      Buffer.from(toBundleLine(toPart(body, at + 1))),
      body,
      Buffer.from('\n'),
    ]),
    Buffer.from(toBundleLine(end)),
  ]);
}

async function read(bundle: Buffer, sizeMaxBytes = 1_000_000): Promise<readonly BundleItem[]> {
  const source = {
    read: async (offset: number, length: number) => bundle.subarray(offset, offset + length),
    digest,
  };
  const items: BundleItem[] = [];
  for await (const item of readBundle(source, sizeMaxBytes)) items.push(item);
  return items;
}

const wholeBodies = (items: readonly BundleItem[]) =>
  items.flatMap((item) => (item.kind === 'part' ? [Buffer.from(item.body).toString('latin1')] : []));
const isWhole = (items: readonly BundleItem[]) => items.every((item) => item.kind !== 'damaged');

const anyBodies = fc.array(
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom('\n', '{"d3kos', '\n\n{"a":1}\n', '{"installation_id":"x","data":{\n}}\n')
      .map((text) => Buffer.from(text)),
  ),
  { minLength: 1, maxLength: 6 },
);

test('returns every body as it was written, for bodies of any content', async () => {
  await fc.assert(
    fc.asyncProperty(anyBodies, async (bodies) => {
      const items = await read(write(bodies));
      assert.ok(isWhole(items), JSON.stringify(items));
      assert.deepEqual(
        wholeBodies(items),
        bodies.map((body) => body.toString('latin1')),
      );
      assert.deepEqual([items[0]?.kind, items.at(-1)?.kind], ['start', 'end']);
    }),
  );
});

test('reports a changed byte anywhere and loses at most the part that contains it', async () => {
  const bodies = ['{"a":1}\n', '{"b":2}\n', '{"c":3}\n'].map((text) => Buffer.from(text));
  const bundle = write(bodies);
  for (let at = 0; at < bundle.length; at += 1) {
    const changed = Buffer.from(bundle);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    const items = await read(changed);
    const whole = wholeBodies(items);
    for (const body of whole)
      assert.ok(
        bodies.some((own) => own.toString('latin1') === body),
        `byte ${at}: ${body}`,
      );
    // A line with a changed time, version or count may still be valid, but a change to a record is always detected.
    assert.ok(whole.length >= bodies.length - 1, `byte ${at} damages ${bodies.length - whole.length} parts`);
    if (whole.length < bodies.length) assert.ok(!isWhole(items), `byte ${at} was not reported`);
  }
});

test('reports a bundle truncated anywhere and returns the parts before the cut', async () => {
  const bodies = ['{"a":1}\n', '{"b":2}\n'].map((text) => Buffer.from(text));
  const bundle = write(bodies);
  for (let length = 0; length < bundle.length - 1; length += 1) {
    const items = await read(bundle.subarray(0, length));
    assert.ok(!isWhole(items), `cut at ${length}`);
    assert.deepEqual(wholeBodies(items), wholeBodies(await read(bundle)).slice(0, wholeBodies(items).length));
  }
});

test('missing or extra bytes affect only the part in which they occur', async () => {
  const bodies = ['a', 'b', 'c'].map((letter) => Buffer.from(letter.repeat(500)));
  const bundle = write(bodies);
  const at = bundle.indexOf('bbb') + 10;
  const missing = await read(Buffer.concat([bundle.subarray(0, at), bundle.subarray(at + 100)]));
  const surplus = await read(
    Buffer.concat([bundle.subarray(0, at), Buffer.from('xyz'), bundle.subarray(at)]),
  );
  for (const items of [missing, surplus]) {
    assert.deepEqual(
      wholeBodies(items).map((body) => body[0]),
      ['a', 'c'],
    );
    const damage = items.find((item) => item.kind === 'damaged');
    assert.equal(damage?.header?.part.index, 2, 'names the damaged part');
  }
});

test('skips a body above the size limit and reads the next one', async () => {
  const bodies = [Buffer.alloc(3_000_000, 97), Buffer.from('small')];
  const items = await read(write(bodies), 1_000);
  assert.deepEqual(wholeBodies(items), ['small']);
  assert.match(String(items.find((item) => item.kind === 'damaged')?.reason), /3000000/);
});

test('the reason for a skipped export may be any text, but the lines remain ASCII', async () => {
  const skipped = [{ queue_id: 'q_1', reason: 'Gerät “kaputt” 🚤' }];
  const bundle = write([Buffer.from('x')], skipped);
  assert.ok(bundle.every((byte) => byte < 0x7f));
  const end = (await read(bundle)).find((item) => item.kind === 'end');
  assert.deepEqual(end?.end.skipped, skipped);
});

test('reports parts and exports that the end line counts but that the file does not contain', async () => {
  const bodies = ['one', 'two', 'three'].map((text) => Buffer.from(text));
  const bundle = write(bodies);
  const cut = (index: number) => {
    const line = Buffer.from(toBundleLine(toPart(bodies[index] ?? Buffer.from(''), index + 1)));
    const at = bundle.indexOf(line);
    return Buffer.concat([
      bundle.subarray(0, at),
      bundle.subarray(at + line.length + (bodies[index]?.length ?? 0) + 1),
    ]);
  };
  for (const index of [0, 1, 2]) {
    const items = await read(cut(index));
    assert.equal(wholeBodies(items).length, 2);
    const [damaged] = items.filter(({ kind }) => kind === 'damaged');
    assert.equal(damaged?.kind === 'damaged' && damaged.reason, '1 of 3 parts are missing');
  }
  // A copy of another part does not replace the part that was removed.
  const copied = Buffer.concat([
    Buffer.from(toBundleLine(toPart(Buffer.from('one'), 1))),
    Buffer.from('one\n'),
  ]);
  const doubled = cut(2).toString().replace(copied.toString(), `${copied.toString()}${copied.toString()}`);
  assert.ok((await read(Buffer.from(doubled))).some(({ kind }) => kind === 'damaged'));
  const exports = bundle.toString().replace('"exports":1', '"exports":2');
  assert.ok(
    (await read(Buffer.from(exports))).some(
      (item) => item.kind === 'damaged' && item.reason === '1 of 2 exports are missing',
    ),
  );
});

test('work stays proportional to the file size even if many lines claim large parts', async () => {
  const fake = (index: number, sha256: string) =>
    toBundleLine({ ...toPart(Buffer.alloc(1), 1 + (index % 900_000)), size_bytes: 100_000, sha256 });
  const sha256 = digest(Buffer.from('other'));
  for (const filler of ['', 'x'.repeat(300)]) {
    const lines = Array.from({ length: 3_000 }, (_, index) => `${fake(index, sha256)}${filler}`);
    const body = Buffer.from('intact');
    const bundle = Buffer.from(
      [toBundleLine(START), ...lines, '\n', toBundleLine(toPart(body, 1)), 'intact\n'].join(''),
    );
    let readBytes = 0;
    let digestedBytes = 0;
    const source = {
      read: async (offset: number, length: number) => {
        const bytes = bundle.subarray(offset, offset + length);
        readBytes += bytes.length;
        return bytes;
      },
      digest: (bytes: Uint8Array) => {
        digestedBytes += bytes.length;
        return digest(bytes);
      },
    };
    let whole = 0;
    for await (const item of readBundle(source, 100_000)) whole += item.kind === 'part' ? 1 : 0;
    assert.equal(whole, 1, 'the intact part after them is found');
    // The lines are also hashed, each together with the 64 characters of the previous digest.
    assert.ok(
      digestedBytes < 3 * bundle.length + 64 * 3_002 + 300_000,
      `digested ${digestedBytes} of ${bundle.length}`,
    );
    assert.ok(readBytes < 8 * bundle.length + 1_000_000, `read ${readBytes} of ${bundle.length}`);
  }
});
