import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { findLabObstacle } from '../boat-lab/builder.ts';
import { type Lab, openLab } from '../boat-lab/lab.ts';
import { bootOnWornCard, live } from '../boat-lab/life.ts';
import { runControl } from '../boat-lab/self-check.ts';
import { createProcesses } from './support/processes.ts';

/** Determines the moments of the power cuts, to the extent that the emulation is reproducible. */
const SEED = Number(process.env['D3KOS_KILL_SEED'] ?? Date.now() % 1_000_000_000);

const obstacle = findLabObstacle();
const processes = createProcesses({ after });
let lab: Lab;
before(async () => {
  if (obstacle === undefined) lab = await openLab(processes, (line) => console.log(line));
});

test('an emulated boat that loses power while it exports loses nothing', { skip: obstacle }, async (t) => {
  t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED}`);
  const { cuts, acknowledged, delivered } = await live(lab, SEED, 'boots');
  assert.equal(cuts, 2);
  assert.ok(delivered >= acknowledged);
});

test(
  'an emulated boat with a worn card and no network starts at the first attempt',
  { skip: obstacle },
  async (t) => {
    const { startMs, residentKb } = await bootOnWornCard(lab);
    t.diagnostic(`the API answered after ${startMs} ms; ${Math.round(residentKb / 1_000)} MB`);
  },
);

test('the same boat on a card that ignores flushes loses exports', { skip: obstacle }, async (t) => {
  t.diagnostic(`replay: D3KOS_KILL_SEED=${SEED}`);
  assert.ok((await runControl(lab, 'flush ignored', SEED)).lost > 0);
});
