import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CHECKS } from './run-checks.ts';
import { assertBreaks, openKit } from './testing/kit.ts';
import { FAULTY_CENTRALS } from './testing/faulty-centrals.ts';

describe('the conformance kit', () => {
  let kit: Awaited<ReturnType<typeof openKit>> | undefined;
  before(async () => {
    kit = await openKit();
  });
  after(() => kit?.close());

  test('passes our own central on every requirement, with evidence', async () => {
    const results = (await kit?.runAgainst((send) => send)) ?? [];
    assert.equal(results.length, CHECKS.length);
    assert.deepEqual(
      results.filter(({ kind, evidence }) => kind !== 'passed' || evidence === ''),
      [],
    );
  });

  // The long tier tests every faulty implementation.
  for (const name of [
    'stores every repetition as another import',
    'reports no missing sequences to the boat',
  ])
    test(`fails an implementation that ${name} in exactly the requirements that it breaks`, async () => {
      const wrong = FAULTY_CENTRALS[name];
      assert.ok(wrong !== undefined);
      assertBreaks((await kit?.runAgainst(wrong.change)) ?? [], wrong.breaks);
    });

  test('fails everything if nothing answers, and does not throw', async () => {
    const results = (await kit?.runAgainst(() => () => Promise.reject(new TypeError('fetch failed')))) ?? [];
    assert.deepEqual([...new Set(results.map(({ kind }) => kind))], ['failed']);
  });

  test('fails everything if every answer is endless, and reads only the beginning', async () => {
    let sentBytes = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(1_048_576));
          sentBytes += 1_048_576;
        },
      });
    const results = (await kit?.runAgainst(() => async () => new Response(endless()))) ?? [];
    assert.deepEqual([...new Set(results.map(({ kind }) => kind))], ['failed']);
    assert.match(results[0]?.evidence ?? '', /has more than/);
    assert.ok(sentBytes < results.length * 64 * 1_048_576, String(sentBytes));
  });

  test('has one check for each requirement that it names, and every such requirement is on the page', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../../docs/spec/protocol.md'), 'utf8');
    const numbers = CHECKS.map(({ requirement }) => requirement);
    assert.equal(new Set(numbers).size, numbers.length);
    for (const number of numbers) assert.match(page, new RegExp(`^- \\*\\*${number}\\*\\* `, 'm'), number);
    const broken = new Set(Object.values(FAULTY_CENTRALS).flatMap(({ breaks }) => breaks));
    assert.deepEqual(
      numbers.filter((number) => !broken.has(number)),
      ['R47'],
      'requirements that no faulty implementation breaks',
    );
  });
});
