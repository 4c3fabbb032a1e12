import assert from 'node:assert/strict';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type Card, insertCard } from '../crash/card.ts';
import { CARD_SIZE_BYTES, cutPower } from '../crash/cut-power.ts';
import { createProcesses, toEnding } from './support/processes.ts';

/** How often the power is cut; `npm run crash` does it many times more. */
const CUTS = Number(process.env['D3KOS_CUTS'] ?? 5);
/** Fixes the moments, as far as real processes can repeat anything. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);
const BOUND = { timeout: 12 * 60_000 };

/** A card that is gone with its test; undefined, with the reason told, where this machine gives none. */
function cardFor(t: TestContext): Card | undefined {
  const card = insertCard(CARD_SIZE_BYTES);
  if (card.kind === 'card') return card;
  t.skip(card.reason);
  return undefined;
}

test('a power cut takes what was not synced, and nothing else', BOUND, async (t) => {
  const card = cardFor(t);
  if (card === undefined) return;
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

test(`${CUTS} power cuts of a boat at work: nothing lost, nothing twice, views whole`, BOUND, async (t) => {
  t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED} D3KOS_CUTS=${CUTS}`);
  const card = cardFor(t);
  if (card === undefined) return;
  const processes = createProcesses(toEnding(t));
  processes.atEnd(() => card.close());
  await cutPower(processes, card, { times: CUTS, seed: SEED, report: (line) => t.diagnostic(line) });
});
