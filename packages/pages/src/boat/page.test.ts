import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as protocol from '@d3kos/protocol';
import { EXPORT_ERROR_CODES } from '../../../boat/src/platform/errors.ts';
import { en } from '../i18n/en.ts';
import { createTexts } from '../i18n/texts.ts';
import { isOnlyOnBoard, toAshore } from './ashore.ts';
import { toBackUrl } from './back.ts';
import { toFileContents } from './contents.ts';
import { toEntryView } from './entry-view.ts';
import { toTheme } from '../ui/look.ts';
import { toMonth } from './month.ts';
import { SCHEDULED_TIER_MIN, toNextExportAt } from './next-export.ts';
import { toOnBoard } from './on-board.ts';
import { toNoticeText } from './notice.ts';
import { toSituation } from './situation.ts';
import { applyEvent, applyLoss, HISTORY_FIRST, INITIAL_STATE, type PageState } from './state.ts';
import { toStatement } from './statement.ts';
import {
  NOW,
  type Scenario,
  SCENARIOS,
  type ScenarioName,
  STATUS,
  toEntry,
  toRow,
} from './testing/scenarios.ts';
import { toWarnings } from './warnings.ts';
import { toWay } from './way.ts';

const texts = createTexts('en', en, 'Europe/Athens');

/** The page after it has read a scenario and received its events. */
function toState({ status, queue, history, files, events }: Scenario): PageState {
  const read: PageState = {
    ...INITIAL_STATE,
    status,
    queue,
    history,
    files,
    historyLimit: HISTORY_FIRST,
  };
  return [{ kind: 'heartbeat', time: NOW } as const, ...events].reduce(applyEvent, read);
}

/** Each scenario's situation. The type ensures that the table is complete. */
const SITUATIONS: Readonly<Record<ScenarioName, ReturnType<typeof toSituation>['kind']>> = {
  safe: 'safe',
  uploading: 'uploading',
  collecting: 'collecting',
  empty: 'empty',
  unknown: 'unknown',
  online_waits: 'waits',
  offline: 'offline',
  captive_portal: 'captive_portal',
  untrusted: 'untrusted',
  clock_wrong: 'clock_wrong',
  unavailable: 'unavailable',
  blocked_token: 'blocked',
  blocked_disabled: 'blocked',
  blocked_mismatch: 'blocked',
  token_file: 'blocked',
  blocked_address: 'blocked',
  no_address: 'blocked',
  no_token: 'blocked',
  blocked_other: 'blocked',
  new_state: 'later_state',
  metered: 'metered',
  over_budget: 'over_budget',
  tier_0: 'tier0',
  tier_1: 'safe',
  tier_3: 'safe',
  no_licence: 'license',
  no_installation_id: 'identity',
  card_full: 'card',
  source_unreadable: 'sources',
  card_not_durable: 'safe',
  ledger_replaced: 'safe',
  failed: 'failed',
  new_boat: 'blocked',
  failed_and_waiting: 'failed',
  failed_offline: 'offline',
  failed_but_ashore: 'waits',
  crowded: 'offline',
};

describe('the statement', () => {
  for (const [name, kind] of Object.entries(SITUATIONS))
    test(`${name}: the page shows the situation, and every placeholder is filled`, () => {
      const state = toState(SCENARIOS[name as ScenarioName]);
      const situation = toSituation(state);
      assert.equal(situation.kind, kind);
      const statement = toStatement(situation, state, texts);
      const { says } = toWay(situation, state, texts);
      const shown = [statement.title, statement.says, statement.main.label, ...statement.steps, says];
      for (const text of shown) assert.doesNotMatch(text, /[{}]|undefined|NaN|Invalid/, text);
      for (const text of shown.slice(0, 3)) assert.ok(text.length > 3, text);
    });

  test('every situation has its own sentence', () => {
    const titles = Object.entries(SCENARIOS).map(([name, scenario]) => {
      const state = toState(scenario);
      return `${SITUATIONS[name as ScenarioName]}: ${toStatement(toSituation(state), state, texts).title}`;
    });
    assert.ok(new Set(titles).size >= 24, String(new Set(titles).size));
  });

  test('in no situation are facts that are no longer live shown as current', () => {
    for (const scenario of Object.values(SCENARIOS)) {
      const state = applyLoss(toState(scenario));
      const statement = toStatement(toSituation(state), state, texts);
      assert.equal(statement.title, 'Not known at the moment');
      assert.match(statement.says, /from 13:08 today/);
      assert.equal(statement.main.act, 'none');
    }
  });

  test('before the first answer, the page shows that it is waiting for the export manager', () => {
    const statement = toStatement(toSituation(INITIAL_STATE), INITIAL_STATE, texts);
    assert.equal(statement.title, 'Contacting the export manager…');
  });

  test('a status that cannot be read is shown with its code', () => {
    const statusRefusal = { code: 'DISK_FAILED', error: 'Reading failed', hint: 'Replace the card' };
    const state: PageState = { ...INITIAL_STATE, link: 'live', statusRefusal };
    assert.match(toStatement(toSituation(state), state, texts).says, /DISK_FAILED.*Replace the card/);
  });
});

describe('the time up to which the data is ashore', () => {
  const queue = { pending: [], uploading: [], failed: [] };
  const rows = [toRow(1), toRow(2), toRow(3)];

  test('is that of the latest delivered export if no export is waiting', () => {
    assert.deepEqual(toAshore(queue, rows), { kind: 'all', at: rows[0]?.created_at });
  });
  test('is before the oldest export on board, even if a newer one was delivered first', () => {
    assert.deepEqual(toAshore({ ...queue, pending: [toEntry(1.5)] }, rows), {
      kind: 'until',
      at: rows[1]?.created_at,
    });
    assert.deepEqual(toAshore({ ...queue, uploading: [toEntry(2.5)], pending: [toEntry(0.5)] }, rows), {
      kind: 'until',
      at: rows[2]?.created_at,
    });
  });
  test('is undefined before the first delivery, and if the oldest export is still waiting', () => {
    assert.deepEqual(toAshore(queue, []), { kind: 'nothing' });
    assert.deepEqual(toAshore({ ...queue, pending: [toEntry(9)] }, rows), { kind: 'nothing' });
  });
  test('counts a failed export as on board until a later export has been delivered', () => {
    const failed = toEntry(2.5, { status: 'failed', failed_at: toEntry(2.4).created_at });
    assert.deepEqual(toAshore({ ...queue, failed: [failed] }, rows), {
      kind: 'all',
      at: rows[0]?.created_at,
    });
    assert.deepEqual(toAshore({ ...queue, failed: [failed] }, rows.slice(2)), {
      kind: 'until',
      at: rows[2]?.created_at,
    });
    assert.equal(isOnlyOnBoard(toEntry(1), undefined), true);
  });
});

describe('the state that follows an event', () => {
  const sending = {
    kind: 'uploading',
    queueId: 'q_1',
    partIndex: 3,
    partCount: 9,
    sentBytes: 7,
    leftMs: null,
  } as const;

  test('an upload that ends shows neither parts nor an outcome that the daemon has not reported', () => {
    const state = applyEvent(toState(SCENARIOS.uploading), {
      kind: 'queue',
      counts: { pending: 1, uploading: 0, completed: 1, failed: 0 },
    });
    assert.deepEqual([state.sending, state.outcome], [undefined, undefined]);
    assert.equal(state.status?.queue.pending_count, 1);
  });
  test('a delivery ends only the parts of its own export', () => {
    const state = applyEvent(toState(SCENARIOS.safe), sending);
    assert.equal(applyEvent(state, { kind: 'delivered', queueId: 'q_1' }).sending, undefined);
    assert.deepEqual(applyEvent(state, { kind: 'delivered', queueId: 'q_2' }).sending?.queueId, 'q_1');
  });
  test('losing the destination during an upload is reported as a retry', () => {
    const state = applyEvent(applyEvent(toState(SCENARIOS.offline), sending), {
      kind: 'destination',
      state: 'offline',
      detail: 'No answer',
      cause: null,
    });
    assert.equal(toSituation(state).kind, 'will_retry');
  });
  test('a destination that changes while nothing is being sent is not a retry', () => {
    const state = applyEvent(toState(SCENARIOS.online_waits), {
      kind: 'destination',
      state: 'captive_portal',
      detail: '',
      cause: null,
    });
    assert.equal(toSituation(state).kind, 'captive_portal');
  });
  test('collecting counts each category once and ends when the daemon reports that it has ended', () => {
    const state = ['boatlog', 'boatlog', 'settings'].reduce<PageState>(
      (before, category) => applyEvent(before, { kind: 'collecting', category, count: 1 }),
      toState(SCENARIOS.safe),
    );
    assert.equal(state.collecting.length, 2);
    assert.equal(toSituation(applyEvent(state, { kind: 'collected' })).kind, 'safe');
  });
});

test('a warning is shown once in addition to the situation, and only while the page is live', () => {
  const titles = (name: ScenarioName): readonly string[] =>
    toWarnings(toState(SCENARIOS[name]), texts).map(({ title }) => title);
  assert.deepEqual(titles('safe'), []);
  assert.deepEqual(titles('card_not_durable'), ['Waiting exports may not survive a power-off']);
  assert.deepEqual(titles('ledger_replaced'), ['The next export sends everything again']);
  assert.deepEqual(titles('source_unreadable'), []);
  assert.deepEqual(toWarnings(applyLoss(toState(SCENARIOS.card_not_durable)), texts), []);
  const { status } = SCENARIOS.source_unreadable;
  const state = {
    ...toState(SCENARIOS.offline),
    status: { ...SCENARIOS.offline.status, categories: status.categories },
  };
  assert.deepEqual(
    toWarnings(state, texts).map(({ says }) => says),
    ['Not ashore yet: Boat log. The next export tries again.'],
  );
});

test('every error code of the export manager has a sentence and keeps its code', () => {
  for (const code of [...EXPORT_ERROR_CODES, 'UNREACHABLE', 'A_LATER_CODE']) {
    const { text, seen } = toNoticeText({ kind: 'refused', refusal: { code, error: 'e', hint: 'h' } }, texts);
    assert.match(text, /^[A-Z].{10,}/);
    assert.equal(seen, `${code}. e. h`);
  }
});

test('a waiting export has a reason in every state of central', () => {
  for (const name of [
    'unknown',
    'online_waits',
    'offline',
    'captive_portal',
    'untrusted',
    'clock_wrong',
    'unavailable',
    'blocked_token',
    'metered',
    'over_budget',
    'new_state',
  ] as const) {
    const state = toState(SCENARIOS[name]);
    const entry = SCENARIOS[name].queue.pending[0];
    assert.ok(entry !== undefined);
    assert.match(toEntryView(entry, state, texts).why, /^(Sent|Waits|Another)/);
  }
  const retry = toEntry(1, { retry_count: 2, next_retry_at: '2026-07-14T10:17:00Z' });
  assert.equal(toEntryView(retry, toState(SCENARIOS.online_waits), texts).why, 'Retry 2/3 at 13:17 today');
});

test('names the tier or the ID, not the export manager, if the export waits for the tier or the ID', () => {
  for (const [name, expected] of [
    ['no_licence', 'Waits for the boat’s tier'],
    ['no_installation_id', 'Waits for the boat’s ID'],
  ] as const) {
    const state = toState(SCENARIOS[name]);
    assert.equal(toStatement(toSituation(state), state, texts).main.label, expected);
    for (const entry of SCENARIOS[name].queue.pending)
      assert.equal(toEntryView(entry, state, texts).why, expected);
  }
});

test("names what the boat lacks rather than central's state or a retry that cannot take place", () => {
  const retry = toEntry(1, { retry_count: 2, next_retry_at: '2026-07-14T10:17:00Z' });
  const why = (name: ScenarioName): string => toEntryView(retry, toState(SCENARIOS[name]), texts).why;
  assert.equal(why('tier_0'), 'Kept on board on tier 0');
  assert.equal(why('new_boat'), 'Waits until central accepts this boat');
  const first = (name: ScenarioName): string => toEntryView(toEntry(1), toState(SCENARIOS[name]), texts).why;
  assert.equal(first('no_address'), 'The address of central is not set');
  assert.equal(first('blocked_address'), 'Central’s address is wrong');
  assert.equal(first('untrusted'), 'Another computer may be posing as central');
});

describe('the next daily export', () => {
  test('exists from the tier of the protocol', () => {
    assert.equal(SCHEDULED_TIER_MIN, protocol.SCHEDULED_TIER_MIN);
  });

  const at = (facts: Partial<typeof STATUS>): string | undefined =>
    toNextExportAt({ ...STATUS, ...facts }, NOW);
  const schedule = (timezone: string, hour: number) => ({
    schedule: { daily_hour: hour, timezone, owed_slot: null },
  });

  test('is the next time at which the local clock reaches the hour', () => {
    assert.equal(at(schedule('Europe/Athens', 3)), '2026-07-15T00:00:00Z');
    assert.equal(at(schedule('Asia/Kathmandu', 4)), '2026-07-14T22:15:00Z');
    assert.equal(at(schedule('No/Such_Zone', 11)), '2026-07-14T11:00:00Z');
  });
  test('does not exist below tier 2, for an unknown tier, or while one is due', () => {
    assert.equal(at({ tier: 1 }), undefined);
    assert.equal(at({ tier: null }), undefined);
    assert.equal(at({ schedule: { ...STATUS.schedule, owed_slot: '2026-07-14' } }), undefined);
  });
});

test('with a full card, the page offers to clear delivered files only if there are any', () => {
  const { status, ...rest } = SCENARIOS.card_full;
  const toMain = (completed: number): string => {
    const queue = { ...status.queue, completed_count: completed };
    const state = toState({ ...rest, status: { ...status, queue } });
    return toStatement(toSituation(state), state, texts).main.act;
  };
  assert.deepEqual([toMain(1), toMain(0)], ['clear', 'check']);
});

test('the deliveries of all days are totalled', () => {
  const day = { date: '2026-07-13', record_count: 3 };
  const month = toMonth({
    success: true,
    timezone: 'UTC',
    days: [
      { ...day, export_count: 2, wire_size_bytes: 40 },
      { ...day, date: '2026-07-14', export_count: 1, wire_size_bytes: 5 },
    ],
  });
  assert.deepEqual(month, { exportCount: 3, sentBytes: 45, exportsPerDay: [2, 1], bytesPerDay: [40, 5] });
});

test('a boat that cannot send offers enrolment before its first export, and after everything is delivered', () => {
  const lacking = { cause: 'no_token', detail: 'no token' };
  for (const { status, ...rest } of [SCENARIOS.empty, SCENARIOS.safe]) {
    const state = toState({ ...rest, status: { ...status, lacking }, events: [] });
    const situation = toSituation(state);
    assert.deepEqual(situation, { kind: 'blocked', cause: 'no_token', detail: 'no token' });
    assert.equal(toStatement(situation, state, texts).main.act, 'enrol');
  }
  const { status, ...rest } = SCENARIOS.safe;
  const destination = { ...status.destination, state: 'blocked', cause: 'token', detail: 'HTTP 401' };
  assert.equal(toSituation(toState({ ...rest, status: { ...status, destination } })).kind, 'blocked');
});

test('the automatic theme follows the hour, but not while the clock is wrong', () => {
  assert.equal(toTheme('auto', 7, true, 'night'), 'day');
  assert.equal(toTheme('auto', 20, true, 'day'), 'night');
  assert.equal(toTheme('auto', 12, false, 'night'), 'night');
  assert.equal(toTheme('watch', 12, true, 'day'), 'watch');
});

test('failed exports count as on board until a later export has delivered their records', () => {
  const onBoard = (name: ScenarioName) => toOnBoard(toState(SCENARIOS[name]), texts);
  const failed = SCENARIOS.failed.queue.failed.reduce((sum, entry) => sum + entry.file_size_bytes, 0);
  assert.deepEqual(onBoard('failed'), { size: texts.bytes(failed), waiting: '', failedCount: 2 });
  assert.equal(onBoard('failed_and_waiting').waiting, '2 exports are waiting');
  assert.equal(onBoard('failed_but_ashore').failedCount, 0);
  assert.equal(onBoard('safe').waiting, 'nothing is waiting');
});

test("a record's fields are shown by name, and nested values as JSON", () => {
  const file = { data: { boatlog: { entries: [{ rpm: 1_800, note: 'calm', at: { lat: 37.9 } }, 'text'] } } };
  assert.deepEqual(toFileContents(file)[0]?.records, [
    [
      ['rpm', '1800'],
      ['note', 'calm'],
      ['at', '{"lat":37.9}'],
    ],
    [['', 'text']],
  ]);
});

test('the way back leads only to a linking page on the same host', () => {
  const here = 'http://localhost:8094/#now';
  assert.equal(toBackUrl('http://localhost/', here, false), 'http://localhost/');
  assert.equal(toBackUrl('http://localhost/', here, true), undefined);
  for (const referrer of ['', here, 'http://evil.example/', 'javascript:alert(1)', 'file://localhost/x'])
    assert.equal(toBackUrl(referrer, here, false), undefined, referrer);
});

test("an upload's progress shows the parts on one line, and what is sent and left on the next", () => {
  const state = toState(SCENARIOS.uploading);
  assert.equal(
    toWay(toSituation(state), state, texts).says.replaceAll('\u00a0', ' '),
    '5 of 9 parts are with central\n1.34 MB sent · about 3 mins left',
  );
});

test('a file that is not an export has no contents', () => {
  for (const file of [null, 1, [], {}, { data: 1 }]) assert.deepEqual(toFileContents(file), []);
});
