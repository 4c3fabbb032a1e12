import { after, before, describe, test } from 'node:test';
import { assertBreaks, openKit } from './testing/kit.ts';
import { FAULTY_CENTRALS } from './testing/faulty-centrals.ts';

describe('the conformance kit, against implementations with one fault each', () => {
  let kit: Awaited<ReturnType<typeof openKit>> | undefined;
  before(async () => {
    kit = await openKit();
  });
  after(() => kit?.close());

  for (const [name, { change, breaks }] of Object.entries(FAULTY_CENTRALS))
    test(`fails one that ${name} in exactly ${breaks.join(', ')}`, async () => {
      assertBreaks((await kit?.runAgainst(change)) ?? [], breaks);
    });
});
