import { after, before, describe, test } from 'node:test';
import { assertBreaks, openKit } from './testing/kit.ts';
import { WRONG } from './testing/wrong-centrals.ts';

describe('the conformance kit, against implementations with one fault each', () => {
  let kit: Awaited<ReturnType<typeof openKit>> | undefined;
  before(async () => {
    kit = await openKit();
  });
  after(() => kit?.close());

  for (const [name, { change, breaks }] of Object.entries(WRONG))
    test(`fails one that ${name} in exactly ${breaks.join(', ')}`, async () => {
      assertBreaks((await kit?.runAgainst(change)) ?? [], breaks);
    });
});
