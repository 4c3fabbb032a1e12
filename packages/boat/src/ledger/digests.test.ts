import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import { createDatabases } from '../platform/sqlite.ts';
import { newEntry } from '../testing/new-entry.ts';
import { createPower, PowerCut } from '../testing/power-cut.ts';
import { temporaryRoot } from '../testing/temporary-root.ts';
import type { CategoryMoves, NewEntry, RecordDigest } from './entry.ts';
import { type Ledger, openLedger } from './ledger.ts';

const CATEGORY = 'system_alerts';
const root = temporaryRoot('digests');
const databases = createDatabases();
const at = (ms: number): WallMs => ms as WallMs;

let made = 0;
function freshPath(): string {
  made += 1;
  const path = join(root, String(made), 'exports.db');
  mkdirSync(dirname(path));
  return path;
}
const openAt = (path: string): { ledger: Ledger; database: LedgerDatabase } => {
  const database = databases.openLedger(path);
  return { ledger: openLedger(database, () => '00112233445566ff'), database };
};
const open = (): Ledger => openAt(freshPath()).ledger;

const entry = (n: number): NewEntry => newEntry(n, { queueId: `q_${n}`, exportId: `exp_${n}` });
const digests = (digest: string, ids: readonly number[]): readonly RecordDigest[] =>
  ids.map((id) => ({ recordId: `r${id}`, digest }));
const moves = (carried: readonly RecordDigest[]): readonly CategoryMoves[] => [
  { category: CATEGORY, cursors: [], digests: carried },
];
const digestOf = ({ progress }: Ledger, id: number): string | undefined =>
  progress.digestOf(CATEGORY, `r${id}`);
const fail = ({ queue }: Ledger, entryNo: number): void =>
  void queue.fail(entryNo, { atMs: at(1), reason: 'no', archiveFile: `/x/${entryNo}` });
const purgeAll = ({ progress }: Ledger): number => {
  let steps = 0;
  while (progress.digests.purge()) steps += 1;
  return steps;
};
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

test('staged digests become valid only when their entry commits, even after the ledger is reopened', () => {
  const path = freshPath();
  let { ledger } = openAt(path);
  ledger.queue.enqueue(entry(1), moves(digests('old', [1, 2, 3])));
  let stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('new', [1]));
  stagedNo = ledger.queue.stageDigests(stagedNo, CATEGORY, digests('new', [2]));
  assert.deepEqual(
    [1, 2, 3].map((id) => digestOf(ledger, id)),
    ['old', 'old', 'old'],
  );
  const queued = ledger.queue.enqueue(entry(2), moves(digests('new', [4])), { stagedNo });
  assert.equal(queued.entryNo, stagedNo);
  ledger.close();
  ({ ledger } = openAt(path));
  assert.deepEqual(
    [1, 2, 3, 4].map((id) => digestOf(ledger, id)),
    ['new', 'new', 'old', 'new'],
  );
  ledger.close();
});

test('staged digests of an abandoned entry leave the previous digests valid, and its number is not reused', () => {
  const path = freshPath();
  let { ledger } = openAt(path);
  ledger.queue.enqueue(entry(1), moves(digests('old', [1])));
  const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('never', [1, 2]));
  ledger.close();
  ({ ledger } = openAt(path));
  const expectOld = (): void =>
    assert.deepEqual(
      [1, 2].map((id) => digestOf(ledger, id)),
      ['old', undefined],
    );
  expectOld();
  const adopted = ledger.queue.adopt(entry(2));
  assert.ok(adopted !== undefined && adopted.entryNo > stagedNo, 'the adopted file is a different export');
  expectOld();
  assert.throws(
    () => ledger.queue.stageDigests(undefined, CATEGORY, digests('x', [1])),
    /are staged for entry/,
  );
  purgeAll(ledger);
  expectOld();
  assert.throws(() => ledger.queue.enqueue(entry(3), [], { stagedNo }), /no digests are staged/);
  ledger.close();
});

test("an entry's staged digests are not valid if its commit fails", () => {
  const ledger = open();
  ledger.slots.claim('2026-02-20', at(1));
  const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('new', [1]));
  assert.throws(() => ledger.queue.enqueue(entry(1), [], { slotId: '2026-02-20', stagedNo }));
  assert.equal(digestOf(ledger, 1), undefined);
  ledger.queue.enqueue(entry(2), [], { stagedNo });
  assert.equal(digestOf(ledger, 1), 'new');
});

test('the failure of another entry does not rewind the cursor that an entry with staged digests moved', () => {
  const path = freshPath();
  let { ledger } = openAt(path);
  ledger.queue.enqueue(entry(1), moves(digests('one', [1])));
  const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('two', [2]));
  fail(ledger, 1);
  const to = { position: 40, check: 'row 40' };
  const cursors = [{ source: 'main', from: undefined, to }];
  ledger.queue.enqueue(entry(2), [{ category: 'boatlog', cursors, digests: [] }], { stagedNo });
  ledger.close();
  ({ ledger } = openAt(path));
  assert.deepEqual(ledger.progress.cursorOf('boatlog', 'main'), to);
  assert.deepEqual(
    [1, 2].map((id) => digestOf(ledger, id)),
    [undefined, 'two'],
  );
  ledger.close();
});

test('committing or failing an entry changes no more rows with ten thousand digests than with two', () => {
  const changesOf = (count: number): readonly number[] => {
    const { ledger, database } = openAt(freshPath());
    const total = database.db.prepare('SELECT total_changes() AS n');
    const changed = (work: () => void): number => {
      const before = Number(total.get()?.['n']);
      work();
      return Number(total.get()?.['n']) - before;
    };
    const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('d', numbers(count)));
    const committed = changed(() => void ledger.queue.enqueue(entry(1), [], { stagedNo }));
    const failed = changed(() => fail(ledger, stagedNo));
    const steps = purgeAll(ledger);
    assert.ok(steps >= count / 250 && steps <= count / 250 + 2, `${steps} steps for ${count} digests`);
    const left = database.db.prepare('SELECT count(*) AS n FROM digests').get()?.['n'];
    assert.equal(left, 0, 'the purge removed all digests');
    ledger.close();
    return [committed, failed];
  };
  assert.deepEqual(changesOf(10_000), changesOf(2));
});

test('records in a failed export count as never exported, before and after the purge, unless a later export contains them', () => {
  const ledger = open();
  ledger.queue.enqueue(entry(1), moves(digests('one', [1, 2, 3])));
  ledger.queue.enqueue(entry(2), moves(digests('two', [2, 3])));
  const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests('three', [3]));
  fail(ledger, 2);
  ledger.queue.enqueue(entry(3), [], { stagedNo });
  const expected = ['one', undefined, 'three'];
  const found = (): readonly (string | undefined)[] => [1, 2, 3].map((id) => digestOf(ledger, id));
  assert.deepEqual(found(), expected);
  purgeAll(ledger);
  assert.deepEqual(found(), expected);
});

test('a record has at most two rows, however many exports contained it', () => {
  const { ledger, database } = openAt(freshPath());
  for (let n = 1; n <= 6; n += 1) {
    purgeAll(ledger);
    const stagedNo = ledger.queue.stageDigests(undefined, CATEGORY, digests(`d${n}`, numbers(10)));
    ledger.queue.enqueue(entry(n), [], { stagedNo });
  }
  assert.equal(database.db.prepare('SELECT count(*) AS n FROM digests').get()?.['n'], 20);
  ledger.queue.enqueue(entry(7), moves(digests('d7', numbers(10))));
  assert.equal(database.db.prepare('SELECT count(*) AS n FROM digests').get()?.['n'], 10);
  assert.equal(digestOf(ledger, 4), 'd7');
  ledger.close();
});

/** An action that affects digests. `perform` also applies it to a model. */
type Act =
  | { readonly do: 'export'; readonly ids: readonly number[]; readonly batches: number }
  | { readonly do: 'abandon'; readonly ids: readonly number[] }
  | { readonly do: 'fail' | 'remove'; readonly which: number }
  | { readonly do: 'purge' | 'restart' | 'adopt' };

const ids = fc.uniqueArray(fc.nat(11), { maxLength: 8 });
const anAct: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('export' as const), ids, batches: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('abandon' as const), ids }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('fail' as const, 'remove' as const), which: fc.nat(20) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('purge' as const, 'restart' as const, 'adopt' as const) }),
  },
);

/** The expected state. `last` contains the valid digests after the latest commit that changed them. */
interface Model {
  readonly last: Map<number, { readonly entryNo: number; readonly digest: string }>;
  readonly open: number[];
  readonly done: number[];
  made: number;
}

/** Performs `act`. The model changes once the commit that changes the valid digests has returned. */
function perform(ledger: Ledger, model: Model, act: Act): void {
  const takeFrom = (list: number[], which: number): number | undefined =>
    list.splice(which % list.length, 1)[0];
  const stageDigests = (batches: readonly (readonly RecordDigest[])[]): number | undefined => {
    let stagedNo: number | undefined;
    for (const batch of batches) stagedNo = ledger.queue.stageDigests(stagedNo, CATEGORY, batch);
    return stagedNo;
  };
  switch (act.do) {
    case 'export': {
      purgeAll(ledger);
      model.made += 1;
      const n = model.made;
      const carried = digests(`d${n}`, act.ids);
      const size = Math.max(1, Math.ceil(carried.length / (act.batches + 1)));
      const batches = numbers(act.batches).map((batch) => carried.slice(batch * size, (batch + 1) * size));
      const stagedNo = stageDigests(batches);
      const rest = carried.slice(act.batches * size);
      const { entryNo } = ledger.queue.enqueue(entry(n), moves(rest), { stagedNo });
      for (const id of act.ids) model.last.set(id, { entryNo, digest: `d${n}` });
      model.open.push(entryNo);
      return;
    }
    case 'abandon':
      purgeAll(ledger);
      stageDigests([digests('never', act.ids)]);
      return;
    case 'fail': {
      const entryNo = model.open[act.which % model.open.length];
      if (entryNo === undefined) return;
      fail(ledger, entryNo);
      model.done.push(...model.open.splice(model.open.indexOf(entryNo), 1));
      for (const [id, known] of model.last) if (known.entryNo === entryNo) model.last.delete(id);
      return;
    }
    case 'remove': {
      const entryNo = takeFrom(model.done, act.which);
      if (entryNo !== undefined) ledger.queue.forget(entryNo);
      return;
    }
    case 'purge':
      ledger.progress.digests.purge();
      return;
    case 'adopt':
      model.made += 1;
      ledger.queue.adopt(entry(model.made));
      return;
    case 'restart':
      return;
  }
}

function expectModel(ledger: Ledger, { last }: Model): void {
  for (const id of numbers(12)) assert.equal(digestOf(ledger, id), last.get(id)?.digest, `record ${id}`);
}
const freshModel = (): Model => ({ last: new Map(), open: [], done: [], made: 0 });

test('after any sequence of exports, failures, removals, adoptions, purges and restarts, every digest comes from the latest export that contains the record', () => {
  fc.assert(
    fc.property(fc.array(anAct, { maxLength: 30 }), (acts) => {
      const path = freshPath();
      let { ledger } = openAt(path);
      const model = freshModel();
      for (const act of acts) {
        perform(ledger, model, act);
        if (act.do === 'restart') {
          ledger.close();
          ({ ledger } = openAt(path));
        }
        expectModel(ledger, model);
      }
      purgeAll(ledger);
      expectModel(ledger, model);
      ledger.close();
    }),
    { numRuns: 150 },
  );
});

/** Returns the valid digests after `act` is committed. `model` is the state before the act. */
function toAfter({ last, open, made }: Model, act: Act): ReadonlyMap<number, string> {
  const after = new Map([...last].map(([id, { digest }]) => [id, digest]));
  if (act.do === 'export') for (const id of act.ids) after.set(id, `d${made + 1}`);
  if (act.do === 'fail')
    for (const [id, known] of last) if (known.entryNo === open[act.which % open.length]) after.delete(id);
  return after;
}

/** Returns whether `act` is committed. `model` describes the ledger before `act`. */
function isCommitted({ queue }: Ledger, { open, made }: Model, act: Act): boolean {
  if (act.do === 'export') return queue.findByExportId(`exp_${made + 1}`) !== undefined;
  const failing = act.do === 'fail' ? open[act.which % open.length] : undefined;
  return failing !== undefined && queue.get(failing)?.status === 'failed';
}

test('after a power cut at any commit, every digest matches the last committed entry or failure', () => {
  let cuts = 0;
  const foundIn = (ledger: Ledger): readonly (string | undefined)[] =>
    numbers(12).map((id) => digestOf(ledger, id));
  /** Performs the acts with a power cut after `stepsMax` steps. Returns false if the acts ended before the power cut. */
  const isCutAfter = (acts: readonly Act[], stepsMax: number): boolean => {
    const path = freshPath();
    createPower(path, Number.POSITIVE_INFINITY).openLedger().close();
    const ledger = createPower(path, stepsMax).openLedger();
    const model = freshModel();
    let before = freshModel();
    let cutAct: Act | undefined;
    try {
      for (cutAct of acts) {
        before = { ...model, last: new Map(model.last), open: [...model.open], done: [...model.done] };
        perform(ledger, model, cutAct);
      }
      cutAct = undefined;
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    ledger.close();
    const again = createPower(path, Number.POSITIVE_INFINITY).openLedger();
    const isAfter = cutAct !== undefined && isCommitted(again, before, cutAct);
    const expected =
      cutAct !== undefined && isAfter
        ? toAfter(before, cutAct)
        : new Map([...model.last].map(([id, { digest }]) => [id, digest]));
    assert.deepEqual(
      foundIn(again),
      numbers(12).map((id) => expected.get(id)),
    );
    purgeAll(again);
    assert.deepEqual(
      foundIn(again),
      numbers(12).map((id) => expected.get(id)),
      'a purge changes no valid digest',
    );
    again.close();
    return cutAct !== undefined;
  };
  fc.assert(
    fc.property(fc.array(anAct, { minLength: 1, maxLength: 8 }), (acts) => {
      for (let stepsMax = 0; isCutAfter(acts, stepsMax); stepsMax += 1) cuts += 1;
    }),
    { numRuns: 15 },
  );
  assert.ok(cuts > 30, `power was cut ${cuts} times`);
});
