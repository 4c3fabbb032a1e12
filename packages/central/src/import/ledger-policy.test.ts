import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { type Arrival, judgeLedger, type LedgerFacts } from './ledger-policy.ts';

const A = 'aaaaaaaaaaaaaaaa';
const B = 'bbbbbbbbbbbbbbbb';
const BUNDLE: Arrival = { kind: 'bundle' };
const fromSender = (senderLedgerId: string | undefined): Arrival => ({ kind: 'network', senderLedgerId });
const facts = (some: Partial<LedgerFacts> = {}): LedgerFacts => ({
  knownExportId: undefined,
  contradictedExportId: undefined,
  partsHeld: 0,
  partCount: 0,
  highestSequence: 6,
  newerLedgers: [],
  ...some,
});
const judge = (some: Partial<LedgerFacts>, arrival: Arrival, sequence: number | undefined = 7) =>
  judgeLedger('exp_new', { ledgerId: A, sequence }, facts(some), arrival);

test('an export is refused if another export has its sequence, however it arrives', () => {
  for (const arrival of [fromSender(A), fromSender(undefined), BUNDLE])
    assert.deepEqual(judge({ knownExportId: 'exp_old' }, arrival, 3), {
      kind: 'diverged',
      knownExportId: 'exp_old',
    });
});

test('an export is refused if its open_exports assigns a known sequence to another export', () => {
  for (const arrival of [fromSender(A), fromSender(undefined), BUNDLE])
    assert.deepEqual(judge({ contradictedExportId: 'exp_old' }, arrival), {
      kind: 'diverged',
      knownExportId: 'exp_old',
    });
});

test('an export is accepted if it is the one that central has under its sequence, or if central has none there', () => {
  for (const knownExportId of ['exp_new', undefined])
    assert.equal(judge({ knownExportId }, fromSender(A), 3).kind, 'accepted');
});

test('a late export of a ledger that the boat no longer uses replaces no record of a newer ledger', () => {
  for (const arrival of [fromSender(B), fromSender(undefined), BUNDLE])
    assert.deepEqual(judge({ newerLedgers: [B] }, arrival), {
      kind: 'accepted',
      protectedLedgers: [B],
      isConcurrent: false,
    });
});

test('a machine that still uses the older ledger is concurrent, and the record that arrives last is kept', () => {
  assert.deepEqual(judge({ newerLedgers: [B] }, fromSender(A)), {
    kind: 'accepted',
    protectedLedgers: [],
    isConcurrent: true,
  });
  // A part of an export created before the newer ledger began does not prove that two machines are in use.
  assert.deepEqual(judge({ newerLedgers: [B] }, fromSender(A), 6), {
    kind: 'accepted',
    protectedLedgers: [],
    isConcurrent: false,
  });
});

test('a document without a ledger or a sequence is accepted', () => {
  const nothing = facts({ highestSequence: 0 });
  for (const place of [
    { ledgerId: undefined, sequence: undefined },
    { ledgerId: undefined, sequence: 4 },
    { ledgerId: A, sequence: undefined },
  ])
    assert.deepEqual(judgeLedger('exp_new', place, nothing, fromSender(A)), {
      kind: 'accepted',
      protectedLedgers: [],
      isConcurrent: false,
    });
});
