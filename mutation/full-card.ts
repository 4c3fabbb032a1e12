import type { Mutant } from './mutant.ts';

const WAL = 'packages/boat/src/platform/wal-from-ballast.ts';
const FULL_CARD_TESTS = ['packages/boat/src/recovery/full-card.test.ts'];

/** Violations of decision 0052: a start on a full card, and the locks of open databases. */
export const FULL_CARD_MUTANTS: readonly Mutant[] = [
  {
    name: 'on a full card, the space of the ballast file is freed, so that another program can take it',
    file: WAL,
    before: '    linkOrRename(ballast, wal);',
    after: '    unlinkSync(ballast);',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'on a full card, the index of the WAL needs space',
    file: 'packages/boat/src/platform/sqlite.ts',
    before: "if (walIndex === 'index in memory') db.exec('PRAGMA locking_mode = EXCLUSIVE');",
    after: '',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'on a full card, the commits of an earlier run are written over later ones',
    file: WAL,
    before: '    eraseWalHeader(ballast);',
    after: '',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'on a full card, the commits that a power cut left in the WAL are lost',
    file: WAL,
    before: '    if (hasWal(1)) return;',
    after: '',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'on a full card, a small WAL has no room for further commits',
    file: WAL,
    before: 'if (hasWal(1) && !hasWal(reserved?.size ?? 1))',
    after: 'if (hasWal(1) && !hasWal(1))',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'on a nearly full card, spare pages are reserved that cannot be moved out of the WAL',
    file: 'packages/boat/src/recovery/open-even-if-full.ts',
    before: 'freeBytes >= ROOM_BYTES',
    after: 'freeBytes >= 0',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'the doctor releases the locks of the running ledger',
    file: 'packages/boat/src/doctor/examine-ledger.ts',
    before: '  if (ledger !== undefined) return judge(ledger.quickCheck());',
    after: '',
    killedBy: FULL_CARD_TESTS,
  },
  {
    name: 'a second reader releases the lock on a source',
    file: 'packages/boat/src/platform/sqlite-source.ts',
    before: '  if (connections.has(identity)) return openCounted();',
    after: '',
    killedBy: ['packages/boat/src/platform/sqlite.test.ts'],
  },
];
