import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import { createSeeded } from '../packages/sim/src/fixture/seeded.ts';
import { inTemporaryFolder } from '../tests/support/boat-in-process.ts';
import { serveCard } from './nbd-server.ts';
import { type FlushMode, openVolatileCard, SECTOR_BYTES } from './volatile-card.ts';

const SECTORS = 64;
const SEEDS = 50;

const sectorOf = (value: number): Buffer => Buffer.alloc(SECTOR_BYTES, value);

/**
 * Writes 1 to every sector, flushes, writes 2 to every second sector, and cuts. Returns each sector's value, or -1 if it is mixed.
 */
function cutAfterFlush(folder: string, seed: number, flushMode: FlushMode): readonly number[] {
  const image = join(folder, 'card');
  writeFileSync(image, Buffer.alloc(SECTORS * SECTOR_BYTES));
  const card = openVolatileCard(image, flushMode);
  card.write(0, Buffer.alloc(SECTORS * SECTOR_BYTES, 1));
  card.flush();
  for (let sector = 0; sector < SECTORS; sector += 2) card.write(sector * SECTOR_BYTES, sectorOf(2));
  assert.deepEqual([...card.read(0, 2)], [2, 2], 'the cache is read before the image');
  card.cut(createSeeded(seed));
  const bytes = readFileSync(image);
  return Array.from({ length: SECTORS }, (_, sector) => {
    const content = bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
    const value = content[0] ?? -1;
    return content.equals(sectorOf(value)) ? value : -1;
  });
}

test('a power cut keeps every flushed sector and an arbitrary part of the others', async () => {
  await inTemporaryFolder('card-test', async (folder) => {
    const kept = new Set<number>();
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const values = cutAfterFlush(folder, seed, 'honest');
      for (const [sector, value] of values.entries())
        assert.ok(value === 1 || (value === 2 && sector % 2 === 0));
      kept.add(values.filter((value) => value === 2).length);
      assert.deepEqual(cutAfterFlush(folder, seed, 'honest'), values, 'a seed repeats the cut');
    }
    assert.ok(kept.has(0) && kept.has(SECTORS / 2) && kept.size > 5, `sectors kept: ${[...kept].join(' ')}`);
  });
});

test('a card that ignores flushes loses flushed sectors', async () => {
  await inTemporaryFolder('card-test', async (folder) => {
    const values = Array.from({ length: SEEDS }, (_, seed) => cutAfterFlush(folder, seed, 'ignored'));
    assert.ok(values.some((sectors) => sectors.includes(0)));
  });
});

test('a closed card has everything, flushed or not', async () => {
  await inTemporaryFolder('card-test', async (folder) => {
    const image = join(folder, 'card');
    writeFileSync(image, Buffer.alloc(SECTORS * SECTOR_BYTES));
    const card = openVolatileCard(image, 'ignored');
    card.write(SECTOR_BYTES, sectorOf(7));
    card.flush();
    card.close();
    assert.ok(
      readFileSync(image)
        .subarray(SECTOR_BYTES, 2 * SECTOR_BYTES)
        .equals(sectorOf(7)),
    );
  });
});

/** An NBD request. */
function toRequest(command: number, offset: number, length: number, data: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(28);
  header.writeUInt32BE(0x25609513, 0);
  header.writeUInt16BE(command, 6);
  header.write('handle-1', 8, 'latin1');
  header.writeBigUInt64BE(BigInt(offset), 16);
  header.writeUInt32BE(length, 24);
  return Buffer.concat([header, data]);
}

test('a client writes, flushes and reads, until the power fails during a write', async () => {
  await inTemporaryFolder('card-test', async (folder) => {
    const image = join(folder, 'card');
    writeFileSync(image, Buffer.alloc(SECTORS * SECTOR_BYTES));
    const card = openVolatileCard(image, 'honest');
    let writesSeen = 0;
    const server = await serveCard(card, join(folder, 'card.sock'), () => {
      writesSeen += 1;
      if (writesSeen === 2) server.stopAnswering();
    });
    const socket = connect(join(folder, 'card.sock'));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => (received = Buffer.concat([received, chunk])));
    const take = async (length: number): Promise<Buffer> => {
      while (received.length < length) await once(socket, 'data');
      const taken = received.subarray(0, length);
      received = received.subarray(length);
      return taken;
    };
    assert.equal((await take(18)).toString('latin1', 0, 16), 'NBDMAGICIHAVEOPT');
    const header = Buffer.alloc(16);
    header.write('IHAVEOPT', 'latin1');
    header.writeUInt32BE(7, 8);
    header.writeUInt32BE(6, 12);
    const clientFlags = Buffer.from([0, 0, 0, 3]);
    // The option GO with an empty export name and no information requests.
    socket.write(Buffer.concat([clientFlags, header, Buffer.alloc(6)]));
    const info = await take(20 + 12 + 20 + 14 + 20);
    assert.equal(info.readBigUInt64BE(22), BigInt(SECTORS * SECTOR_BYTES));
    // In two pieces, as TCP may deliver it.
    const write = toRequest(1, SECTOR_BYTES, SECTOR_BYTES, sectorOf(9));
    socket.write(write.subarray(0, 40));
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(write.subarray(40));
    assert.equal((await take(16)).toString('latin1', 8), 'handle-1');
    assert.equal(readFileSync(image)[SECTOR_BYTES], 0);
    socket.write(Buffer.concat([toRequest(3, 0, 0), toRequest(0, SECTOR_BYTES, SECTOR_BYTES)]));
    await take(16);
    assert.ok((await take(16 + SECTOR_BYTES)).subarray(16).equals(sectorOf(9)));
    assert.equal(readFileSync(image)[SECTOR_BYTES], 9);
    socket.write(toRequest(1, 0, SECTOR_BYTES, sectorOf(5)));
    while (writesSeen < 2) await new Promise((resolve) => setImmediate(resolve));
    await server.close();
    assert.equal(received.length, 0, 'the last write got no answer');
    assert.equal(card.cut(createSeeded(1)).pending, 1);
  });
});
