import { killNodes } from '../crash/kill-nodes.ts';
import { crashTest } from './support/crash-test.ts';

crashTest(
  'one of two nodes on one database is killed: every part is stored once, every receipt is correct, and no boat is stuck',
  1,
  (processes, run) => killNodes(processes, run, { nodes: 2, boats: 6 }),
);
