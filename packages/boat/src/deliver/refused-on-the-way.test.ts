import assert from 'node:assert/strict';
import test from 'node:test';
import type { LicenseResult } from '../license/policy.ts';
import {
  accept,
  LICENSE,
  queueExport,
  RECORD_IDS,
  recordsIn,
  type Sent,
  WAITS,
} from '../testing/queued-export.ts';
import type { EntryResult } from './deliver-entry.ts';
import type { Outcome, ProbeResult } from './outcome.ts';

const LOST: Outcome = { kind: 'answer_lost', code: 'ECONNRESET' };
const verdictOf = (result: EntryResult | undefined) =>
  result?.kind === 'stopped' ? result.verdict : assert.fail(`the delivery ended with ${result?.kind}`);
const page = (status: number): Outcome => ({
  kind: 'not_central',
  reason: 'html',
  status,
  detail: 'A web page',
});

for (const status of [403, 451, 302, 200, 511])
  test(`a foreign answer with ${status} is a refusal by a proxy if central answers the probe`, async () => {
    const { deliver, probes } = await queueExport();
    const verdict = verdictOf(await deliver(() => page(status)));
    assert.deepEqual(verdict, {
      kind: 'refused_on_the_way',
      detail: `A proxy refuses this export (HTTP ${status})`,
    });
    assert.equal(probes(), 1);
  });

test('if the probe also gets a foreign answer, a foreign answer is from a captive portal, even with 413', async () => {
  const portal: ProbeResult = { kind: 'captive_portal', detail: 'a portal' };
  for (const status of [200, 413]) {
    const { ledger, deliver } = await queueExport();
    const verdict = verdictOf(await deliver(() => page(status), { probed: portal }));
    assert.ok(verdict.kind === 'unreachable' && verdict.destination === 'captive_portal');
    assert.equal(ledger.queue.parts(1).length, 3, 'the parts are not split for a portal');
  }
});

for (const limitBytes of [25_000, 18_000])
  test(`after a 413, a proxy that accepts ${limitBytes} bytes gets smaller parts, and central gets every record once`, async () => {
    const { deliver } = await queueExport();
    const taken: Sent[] = [];
    const result = await deliver((part) => {
      if (part.body.byteLength > limitBytes) return page(413);
      taken.push(part);
      return accept(part);
    });
    assert.equal(result?.kind, 'delivered');
    assert.deepEqual(taken.flatMap(recordsIn), RECORD_IDS);
  });

test("an export steps aside after a proxy's 413 for a part that cannot be split", async () => {
  const { deliver } = await queueExport();
  const verdict = verdictOf(await deliver(() => page(413)));
  assert.equal(verdict.kind, 'refused_on_the_way');
});

for (const outcome of [LOST, { kind: 'stalled' } as const, page(502)])
  test(`${outcome.kind} for one body while others arrive is not a failure of central`, async () => {
    const { ledger, failures, deliver } = await queueExport();
    const fail = async () => {
      const { kind } = verdictOf(await deliver(() => outcome));
      ledger.queue.putBack(1, WAITS);
      return kind;
    };
    assert.equal(await fail(), 'unavailable');
    assert.equal(await fail(), 'unavailable', 'no other part has arrived yet');
    const other = { ledgerId: '', exportId: 'exp_2', part: { index: 1, count: 1 }, body: new Uint8Array() };
    failures.record(2, 1, accept(other));
    assert.equal(await fail(), 'refused_on_the_way');
    assert.equal(await fail(), 'refused_on_the_way');
  });

test('an export that was refused on the way still counts as such after a restart', async () => {
  const { ledger, deliver } = await queueExport();
  await deliver(() => page(403));
  ledger.queue.putBack(1, { ...WAITS, refusals: 1 });
  assert.equal(verdictOf(await deliver(() => LOST)).kind, 'refused_on_the_way');
});

test('does not probe central after a downgrade to tier 0 during a send', async () => {
  const { deliver, probes } = await queueExport();
  let checks = 0;
  const license = async (): Promise<LicenseResult> => {
    checks += 1;
    return checks === 1 ? LICENSE : { ...LICENSE, tier: 0 };
  };
  assert.equal((await deliver(() => LOST, { license }))?.kind, 'not_permitted');
  assert.equal(probes(), 0);
});
