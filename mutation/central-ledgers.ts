import type { Mutant } from './mutant.ts';

const LEDGER_POLICY = 'packages/central/src/import/ledger-policy.ts';
const STORED_LEDGER_TESTS = ['packages/central/src/import/store-part-ledgers.test.ts'];

/** Faults in how central detects a restored ledger, or two machines with one identity. */
export const CENTRAL_LEDGER_MUTANTS: readonly Mutant[] = [
  {
    name: 'a new export under a used sequence gets a receipt',
    file: LEDGER_POLICY,
    before: 'if (knownExportId !== undefined && knownExportId !== exportId)',
    after: "if (knownExportId === '')",
    killedBy: STORED_LEDGER_TESTS,
  },
  {
    name: 'an export that assigns a held sequence to another export gets a receipt',
    file: LEDGER_POLICY,
    before: 'if (contradictedExportId !== undefined) return',
    after: "if (contradictedExportId === '') return",
    killedBy: STORED_LEDGER_TESTS,
  },
  {
    name: 'the undelivered exports that a document lists are not stored',
    file: 'packages/central/src/import/ledgers.ts',
    before: 'if (!named.has(open.sequence)) named.set(open.sequence, open);',
    after: 'if (named.has(open.sequence)) named.set(open.sequence, open);',
    killedBy: STORED_LEDGER_TESTS,
  },
  {
    name: 'two machines with one identity are not detected',
    file: LEDGER_POLICY,
    before: 'isConcurrent: isInUse && isNew && newerLedgers.length > 0,',
    after: 'isConcurrent: isInUse && !isNew && newerLedgers.length > 0,',
    killedBy: ['packages/central/src/import/ledger-policy.test.ts'],
  },
  {
    name: 'ledgers are ordered by arrival in reverse',
    file: 'packages/central/src/import/ledgers.ts',
    before: 'and n.ledger_no > coalesce(l.ledger_no',
    after: 'and n.ledger_no < coalesce(l.ledger_no',
    killedBy: STORED_LEDGER_TESTS,
  },
  {
    name: 'a ledger that a newer one listed as former counts as the newest',
    file: 'packages/central/src/import/ledgers.ts',
    before: 'coalesce(${FORMER_NO}, (select max',
    after: 'coalesce((select max',
    killedBy: STORED_LEDGER_TESTS,
  },
];
