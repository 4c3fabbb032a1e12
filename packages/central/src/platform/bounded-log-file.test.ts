import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { LOG_FILE_SIZE_MAX_BYTES, openBoundedLogFile } from './bounded-log-file.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'central-log-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

test('keeps the newest lines in two files within the size limit', async () => {
  const path = join(folder, 'postgres.log');
  const log = openBoundedLogFile(path);
  const line = Buffer.from(`${'x'.repeat(65_000)}\n`);
  for (let written = 0; written < 3.5 * LOG_FILE_SIZE_MAX_BYTES; written += line.byteLength) log.write(line);
  log.write(Buffer.from('the last line\n'));
  log.close();
  for (const name of [path, `${path}.1`]) assert.ok((await stat(name)).size <= LOG_FILE_SIZE_MAX_BYTES);
  assert.ok((await stat(`${path}.1`)).size > LOG_FILE_SIZE_MAX_BYTES / 2);
  assert.match(await readFile(path, 'utf8'), /the last line\n$/);
});

test('appends to an existing file, and rotates one that was already full', async () => {
  const path = join(folder, 'left.log');
  await writeFile(path, 'of yesterday\n');
  const again = openBoundedLogFile(path);
  again.write(Buffer.from('of today\n'));
  again.close();
  assert.equal(await readFile(path, 'utf8'), 'of yesterday\nof today\n');
  await writeFile(path, Buffer.alloc(LOG_FILE_SIZE_MAX_BYTES, 'y'));
  const full = openBoundedLogFile(path);
  full.write(Buffer.from('of tomorrow\n'));
  full.close();
  assert.equal(await readFile(path, 'utf8'), 'of tomorrow\n');
  assert.equal((await stat(`${path}.1`)).size, LOG_FILE_SIZE_MAX_BYTES);
});

test('drops lines if the disk is full, and does not throw', () => {
  const log = openBoundedLogFile('/dev/full');
  log.write(Buffer.from('a line\n'));
  log.close();
});
