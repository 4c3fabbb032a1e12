import assert from 'node:assert/strict';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { insertCard } from '../crash/card.ts';
import { CARD_SIZE_BYTES } from '../crash/cut-power.ts';
import { powerCutTest } from './support/crash-test.ts';

test('a power cut loses only unsynced data', async (t) => {
  const card = insertCard(CARD_SIZE_BYTES);
  if (card.kind === 'unavailable') return t.skip(card.reason);
  t.after(() => card.close());
  const [kept, lost] = [join(card.path, 'kept'), join(card.path, 'lost')];
  writeFileSync(kept, 'kept');
  const folder = openSync(card.path, 'r');
  const file = openSync(kept, 'r');
  fsyncSync(file);
  fsyncSync(folder);
  writeFileSync(lost, 'lost');
  await card.cut();
  assert.throws(() => writeFileSync(lost, 'late'), { code: 'EIO' });
  closeSync(file);
  closeSync(folder);
  card.restart();
  assert.equal(readFileSync(kept, 'utf8'), 'kept');
  assert.equal(existsSync(lost), false);
});

powerCutTest(1);
