import { killNodes } from '../crash/kill-nodes.ts';
import { crashTest } from './support/crash-test.ts';

for (const [nodes, kills] of [
  [2, 20],
  [3, 40],
] as const)
  crashTest(
    `${kills} kills of ${nodes} nodes on one database: every part is stored once, every receipt is correct, and no boat is stuck`,
    kills,
    (processes, run) => killNodes(processes, run, { nodes, boats: 40 }),
  );
