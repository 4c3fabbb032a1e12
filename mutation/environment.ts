import type { Mutant } from './mutant.ts';

const DISK = 'packages/boat/src/platform/disk.ts';
const DISK_FILE_SYSTEM = 'packages/boat/src/platform/disk-file-system.ts';
const DISK_TESTS = ['packages/boat/src/platform/disk.test.ts'];
const MEDIUM = 'packages/boat/src/platform/policy/storage-medium.ts';
const MEDIUM_TESTS = ['packages/boat/src/platform/policy/storage-medium.test.ts'];
const OWN_FOLDER_TESTS = ['tests/own-folders.test.ts'];
const STORE_TESTS = ['packages/central/src/platform/pg-store.test.ts'];
const EMBEDDED_TESTS = ['packages/central/src/platform/embedded-postgres.test.ts'];

/** Faults in which the program trusts its environment or its own folders too much, or reports the wrong cause of an error. */
export const ENVIRONMENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'a link among the exports counts as its target file',
    file: DISK_FILE_SYSTEM,
    before: "if (links === 'refuse' || !own.isSymbolicLink()) return toFacts(own);",
    after: 'if (!own.isSymbolicLink()) return toFacts(own);',
    killedBy: DISK_TESTS,
  },
  {
    name: 'a link among the exports is read',
    file: DISK_FILE_SYSTEM,
    before: "(links === 'follow' ? 0 : constants.O_NOFOLLOW)",
    after: "(links === 'follow' ? 0 : 0 * constants.O_NOFOLLOW)",
    killedBy: DISK_TESTS,
  },
  {
    name: 'one directory entry that cannot be examined fails the listing of its folder',
    file: DISK,
    before: 'return UNKNOWN_FACTS;',
    after: 'if (UNKNOWN_FACTS.sizeBytes === 0) throw error;\n    return UNKNOWN_FACTS;',
    killedBy: DISK_TESTS,
  },
  {
    name: 'other users may read new exports',
    file: DISK_FILE_SYSTEM,
    before: '{ owner: 0o600, everyone: 0o644 }',
    after: '{ owner: 0o644, everyone: 0o644 }',
    killedBy: DISK_TESTS,
  },
  {
    name: 'missing inodes count as missing space',
    file: DISK,
    before: '.freeInodes === 0)',
    after: '.freeInodes === -1)',
    killedBy: OWN_FOLDER_TESTS,
  },
  {
    name: 'exports on tmpfs count as durable',
    file: MEDIUM,
    before: 'if (MEMORY_TYPES.has(fileSystem) || MEMORY_DEVICE.test(source))',
    after: 'if (MEMORY_DEVICE.test(source))',
    killedBy: MEDIUM_TESTS,
  },
  {
    name: 'an overlay that writes to memory counts as an overlay on a disk',
    file: MEDIUM,
    before: "? 'memory' : 'overlay';",
    after: "? 'overlay' : 'overlay';",
    killedBy: MEDIUM_TESTS,
  },
  {
    name: 'a device token that other users may change is used',
    file: 'packages/boat/src/deliver/credentials.ts',
    before: 'if ((permissions & OTHERS) !== 0)',
    after: 'if ((permissions & OTHERS) > OTHERS)',
    killedBy: ['packages/boat/src/deliver/credentials.test.ts'],
  },
  {
    name: 'a tag in a page on another port may run the doctor',
    file: 'packages/boat/src/http/request-origin.ts',
    before: "if (embedding === 'none' || fetchSite !== 'same-site')",
    after: "if (embedding !== 'none' && fetchSite !== 'same-site')",
    killedBy: ['tests/boat-api.test.ts'],
  },
  {
    name: 'statement limits are sent as startup parameters, which poolers refuse',
    file: 'packages/central/src/platform/pg-store.ts',
    before: 'query_timeout: limits.answerMaxMs,',
    after: 'query_timeout: limits.answerMaxMs,\n    statement_timeout: limits.statementMaxMs,',
    killedBy: STORE_TESTS,
  },
  {
    name: 'a missing privilege counts as a bug in central',
    file: 'packages/central/src/platform/store-failure.ts',
    before: "['42501', RIGHT_MISSING],",
    after: '',
    killedBy: STORE_TESTS,
  },
  {
    name: 'a database without migrations to apply still needs the privilege to create tables',
    file: 'packages/central/src/store/migrate.ts',
    before: "if (!booleanOf(table, 'there'))",
    after: "if (!booleanOf(table, 'there') || migrations.length > 0)",
    killedBy: STORE_TESTS,
  },
  {
    name: "a copied data folder's modes are not repaired",
    file: 'packages/central/src/platform/data-directory-modes.ts',
    before: 'if (right === mode) return 0;',
    after: 'if (right >= 0) return 0;',
    killedBy: EMBEDDED_TESTS,
  },
];
