import test from 'node:test';
import { restoreCentralUnder } from './support/restored-central.ts';

test('after central was restored from a copy, one export of each of 20 boats makes it hold again what it had lost', (t) =>
  restoreCentralUnder(t, 20));
