import type { Mutant } from './mutant.ts';

const POLICY = 'packages/boat/src/create-export/policy.ts';
const POLICY_TESTS = ['packages/boat/src/create-export/policy.test.ts'];
const CREATE_TESTS = ['packages/boat/src/create-export/create-export.test.ts'];

/** Faults in the decisions about an export's type and about how collected records are handled. */
export const CREATE_EXPORT_MUTANTS: readonly Mutant[] = [
  {
    name: 'a category that could not be read counts as read',
    file: POLICY,
    before: "    case 'error':\n    case 'schema_unknown':\n      return true;",
    after: "    case 'error':\n    case 'schema_unknown':\n      return false;",
    killedBy: CREATE_TESTS,
  },
  {
    name: 'the first export of a new ledger is incremental if the request states it',
    file: POLICY,
    before: "return isFullDue ? 'full' : requested;",
    after: 'return requested;',
    killedBy: POLICY_TESTS,
  },
  {
    name: 'an incremental export with nothing new is queued',
    file: POLICY,
    before: "if (type === 'full' || isNews) return 'queue';",
    after: "if (type === 'full' || isNews || unread.length === 0) return 'queue';",
    killedBy: POLICY_TESTS,
  },
  {
    name: 'an export without an unread category uses up the daily slot',
    file: 'packages/boat/src/create-export/create-export.ts',
    before: 'usesUpSlot(unread) ? request.slotId : undefined,',
    after: 'request.slotId,',
    killedBy: CREATE_TESTS,
  },
];
