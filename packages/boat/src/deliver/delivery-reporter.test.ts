import assert from 'node:assert/strict';
import test from 'node:test';
import type { LicenseResult } from '../license/policy.ts';
import { createKeptLog } from '../testing/kept-log.ts';
import { newEntry } from '../testing/new-entry.ts';
import type { Entry } from '../ledger/entry.ts';
import type { DeliveryEvent } from './delivery-event.ts';
import { createDeliveryReporter } from './delivery-reporter.ts';

function startReporter() {
  const log = createKeptLog();
  const events: DeliveryEvent[] = [];
  return { log, events, reporter: createDeliveryReporter(log, (event) => events.push(event)) };
}

test('reports a hold once when it begins and once when it ends', () => {
  const { log, events, reporter } = startReporter();
  // Only the presence of an entry matters here.
  const entry = newEntry(1) as unknown as Entry;
  for (let look = 0; look < 3; look += 1) reporter.reportSelection({ entry: undefined, hold: 'metered' });
  for (let look = 0; look < 3; look += 1) reporter.reportSelection({ entry: undefined, hold: undefined });
  assert.deepEqual(events, [
    { kind: 'send_hold_changed', hold: 'metered' },
    { kind: 'send_hold_changed', hold: undefined },
  ]);
  assert.equal(log.lines.length, 2);
  reporter.reportSelection({ entry: undefined, hold: 'metered' });
  reporter.reportSelection({ entry, hold: undefined });
  reporter.reportSelection({ entry: undefined, hold: 'metered' });
  assert.equal(events.length, 4, 'reports a hold again after an entry was sent');
});

test('reports a licence refusal once until it changes or ends', () => {
  const { events, reporter } = startReporter();
  const refusal = (message: string): LicenseResult => ({
    kind: 'refused',
    code: 'TIER_TOO_LOW',
    message,
    hint: 'Upgrade.',
    tier: 0,
  });
  for (const message of ['a', 'a', 'b', 'b']) reporter.reportPermission(refusal(message));
  assert.equal(events.length, 2);
  reporter.reportPermission({
    kind: 'known',
    installationId: '0123456789abcdef',
    tier: 2,
    source: 'tier_api',
  });
  reporter.reportPermission(refusal('b'));
  assert.equal(events.length, 3);
});

test("the log keeps the legacy exporter's lines", () => {
  const { log, reporter } = startReporter();
  const queueId = 'q_1';
  reporter.report({ kind: 'delivery_started', queueId });
  reporter.report({
    kind: 'attempt_spent',
    queueId,
    detail: 'HTTP 503',
    next: { kind: 'retry', retry: 2, delayMs: 310_000, nominalDelayMs: 300_000 },
  });
  reporter.report({ kind: 'delivered', queueId });
  assert.deepEqual(
    log.lines.map((line) => line.replace(/^info /, '')),
    [
      'Processing export: q_1',
      'Export upload failed: q_1: HTTP 503. Retry 1/3 in 5 minutes',
      '✓ Export uploaded successfully: q_1',
    ],
  );
});

test('logs exports that central has lost and what happens to them, and reports nothing for an answer that lists none', () => {
  const { log, events, reporter } = startReporter();
  reporter.reportMissing('q_1', undefined);
  reporter.reportMissing('q_1', { requeued: [], rewound: [] });
  assert.deepEqual(events, []);
  reporter.reportMissing('q_1', { requeued: [9], rewound: [] });
  reporter.reportMissing('q_1', { requeued: [4, 5, 6, 7, 8], rewound: [3] });
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['missing_reported', 'queue_changed', 'missing_reported', 'queue_changed'],
  );
  assert.match(log.lines[0] ?? '', /lost 1 export that .* \(sequence 9\): 1 export is queued again$/);
  assert.match(
    log.lines[1] ?? '',
    /lost 6 exports .* \(sequence 3, 4, 5, 6, 7, …\): 5 exports are queued again, and the records of 1 export without a file will be in the next export$/,
  );
});
