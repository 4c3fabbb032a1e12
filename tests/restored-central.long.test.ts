import test from 'node:test';
import { restoreCentralUnder } from './support/restored-central.ts';

test('after central is restored from a copy, one export from each of 20 boats restores the data that central had lost', (t) =>
  restoreCentralUnder(t, 20));
