import type { Mutant } from './mutant.ts';

const IMAGE_TESTS = ['packages/sim/src/card-image.test.ts'];
const FIELD_TESTS = ['packages/sim/src/field.test.ts'];

const RESTORE_TESTS = ['packages/sim/src/central-restore.test.ts'];

/** Faults in handling conditions that occur in the field. The simulator detects each of them with a small planned run. */
export const FIELD_MUTANTS: readonly Mutant[] = [
  {
    name: 'a retried export stays withdrawn',
    file: 'packages/boat/src/create-export/document-header.ts',
    before: '    ...toReinstated(ledger),\n',
    after: '',
    killedBy: ['packages/boat/src/create-export/create-export.test.ts'],
  },
  {
    name: 'central ignores the reinstatement of a sequence',
    file: 'packages/central/src/import/gaps.ts',
    before: 'const points = [...newlyWithdrawn, ...reinstated,',
    after: 'const points = [...newlyWithdrawn,',
    killedBy: ['packages/central/src/import/missing-sequences.test.ts'],
  },
  {
    name: 'in simulated runs: a receipt covers records that central does not hold',
    file: 'packages/central/src/import/ledger-policy.ts',
    before: 'if (knownExportId !== undefined && knownExportId !== exportId)',
    after: "if (knownExportId === '')",
    killedBy: IMAGE_TESTS,
  },
  {
    name: 'in simulated runs: two boats with one identity are not detected',
    file: 'packages/central/src/import/ledger-policy.ts',
    before: 'isConcurrent: isInUse && isNew && newerLedgers.length > 0,',
    after: 'isConcurrent: isInUse && !isNew && newerLedgers.length > 0,',
    killedBy: IMAGE_TESTS,
  },
  {
    name: 'in simulated runs: a faulty file affects its neighbours',
    file: 'packages/boat/src/collect/settings.ts',
    before: 'if (found === 0 && browser === undefined)',
    after: 'if (problems.length > 0 || (found === 0 && browser === undefined))',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a table whose rows change counts as append-only',
    file: 'packages/boat/src/collect/state-records.ts',
    before: 'context.digestOf(record.record_id) === digest) return undefined;',
    after: 'context.digestOf(record.record_id) !== undefined) return undefined;',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a failed category counts as nothing new',
    file: 'packages/boat/src/create-export/policy.ts',
    before: "    case 'error':\n    case 'schema_unknown':\n      return true;",
    after: "    case 'error':\n    case 'schema_unknown':\n      return false;",
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a failed category uses up the daily slot',
    file: 'packages/boat/src/create-export/create-export.ts',
    before: 'usesUpSlot(unread) ? request.slotId : undefined,',
    after: 'request.slotId,',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a foreign answer counts as a captive portal',
    file: 'packages/boat/src/deliver/policy/verdict.ts',
    before: 'return foreign(detail, refused);',
    after: 'return foreign(detail, failed(detail, retryAfterMs).ifCentral);',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: local times are read as UTC',
    file: 'packages/boat/src/collect/policy/column-zones.ts',
    before: "return column === 'created_at' ? 'utc' : TIMESTAMP_ZONES[source];",
    after: "return 'utc';",
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a hanging source stops the export manager',
    file: 'packages/boat/src/platform/source-disk.ts',
    before: 'return await Promise.race([pending, deadline]);',
    after: 'return await Promise.race([pending, deadline.catch(() => pending)]);',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: "send now" does not end waits, although its answer says so',
    file: 'packages/boat/src/deliver/entry-selector.ts',
    before: 'waits.forgetAll();',
    after: '',
    killedBy: FIELD_TESTS,
  },
  {
    name: 'in simulated runs: a restored central does not list the exports that it lacks',
    file: 'packages/central/src/import/store-part.ts',
    before: 'missing: await findMissingBelow(tx, document, missingCount)',
    after: 'missing: undefined',
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'in simulated runs: a central that lost a ledger asks only for exports after the first one',
    file: 'packages/central/src/import/gap-policy.ts',
    before: 'if (sequence > highest) return',
    after: 'if (sequence > highest && highest > 0) return',
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'in simulated runs: the boat ignores the exports that central lacks',
    file: 'packages/boat/src/ledger/missing-exports.ts',
    before: 'if (named.length === 0) return NOTHING;',
    after: 'if (named.length >= 0) return NOTHING;',
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'in simulated runs: a lost export whose file was removed is not rewound',
    file: 'packages/boat/src/ledger/missing-exports.ts',
    before: 'if (lowest !== undefined) removed.rewindFrom(lowest);',
    after: '',
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'in simulated runs: the ranges of a delivered export are removed with its file',
    file: 'packages/boat/src/ledger/queue-removals.ts',
    before: "if (status === 'completed') removed.keep(entryNo);",
    after: "if (status === 'completed') removed.drop(entryNo);",
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'in simulated runs: state records of a lost export are not sent again',
    file: 'packages/boat/src/ledger/removed-exports.ts',
    before: '      rewindDigests.run(sequence);\n',
    after: '',
    killedBy: RESTORE_TESTS,
  },
  {
    name: 'the parts of a lost export keep their receipts',
    file: 'packages/boat/src/ledger/missing-exports.ts',
    before: '    parts.reopen(entryNo);\n',
    after: '',
    killedBy: ['packages/boat/src/ledger/missing-exports.test.ts'],
  },
  {
    name: 'a lost export is requeued more than once a day',
    file: 'packages/boat/src/ledger/policy.ts',
    before: 'return lastMs === undefined || lastMs > nowMs || nowMs - lastMs >= REPORT_PERIOD_MS;',
    after: 'return lastMs === undefined || lastMs > nowMs || nowMs - lastMs >= 0;',
    killedBy: ['packages/boat/src/ledger/missing-exports.test.ts'],
  },
];
