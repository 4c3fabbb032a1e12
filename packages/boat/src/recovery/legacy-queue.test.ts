import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { toSpoolPaths } from '../spool/spool-paths.ts';
import { type LegacyItem, parseLegacyQueue, salvage } from './legacy-queue.ts';
import { gatherLoose, LOOSE_ITEMS_PER_EXPORT_MAX, toLegacyDocument } from './legacy-queue-data.ts';
import { findWholeObjects, parseLegacyJson } from './legacy-json.ts';
import { toLegacyPlaces } from './legacy-queue-place.ts';

const seedItem = (stamp: string, status = 'pending') => ({
  queue_id: `q_${stamp}`,
  export_file: `/opt/d3kos/data/exports/exports/export_${stamp}.json`,
  created_at: '2026-02-20T10:05:30.123456Z',
  tier: 2,
  category_count: 9,
  file_size_bytes: 45632,
  status,
  retry_count: 0,
  next_retry_at: '2026-02-20T10:05:30Z',
  last_error: null,
});
const inlineItem = (type: string, data: unknown) => ({
  id: 'a1',
  type,
  data,
  timestamp: '2026-02-20T10:05:30Z',
  attempts: 3,
  status: 'pending',
  next_retry: null,
  last_error: 'timeout',
});
const document = {
  installation_id: '0123456789abcdef',
  export_timestamp: '2026-02-20T10:05:30Z',
  format_version: '1.0',
  data: { boatlog: { category: 'boatlog', entry_count: 1, entries: [{ entry_id: 7 }] } },
};

/** Formats an item as one line for the tables. */
function toLine(item: LegacyItem): string {
  if (item.kind === 'file') return `file ${item.path} ${item.facts.queueId ?? '-'} ${item.facts.tier ?? '-'}`;
  const { data, installationId, isLoose, isWhole } = item.document;
  return `data ${String(installationId ?? '-')} ${isLoose ? 'loose' : 'document'} ${isWhole ? 'whole' : 'partly'} ${JSON.stringify(data)}`;
}

test('parses every known format of a legacy queue', () => {
  const boatlog = '{"boatlog":{"entries":[{"entry_id":7}]}}';
  const table: readonly (readonly [
    name: string,
    value: unknown,
    lines: readonly string[],
    unusable?: number,
  ])[] = [
    [
      'the lists of the legacy exporter, including completed exports',
      {
        version: '1.0',
        last_updated: '2026-02-20T10:05:30Z',
        pending: [seedItem('20260220_100530')],
        uploading: [seedItem('20260220_100531', 'uploading')],
        completed: [seedItem('20260220_100532', 'completed')],
        failed: [seedItem('20260220_100533', 'failed')],
      },
      ['30', '31', '33', '32'].map(
        (s) => `file /opt/d3kos/data/exports/exports/export_20260220_1005${s}.json q_20260220_1005${s} 2`,
      ),
    ],
    [
      'empty lists of the legacy exporter',
      { version: '1.0', pending: [], uploading: [], completed: [], failed: [] },
      [],
    ],
    [
      'its history',
      { version: '1.0', exports: [seedItem('20260220_100530')] },
      ['file /opt/d3kos/data/exports/exports/export_20260220_100530.json q_20260220_100530 2'],
    ],
    ['a bare list, empty', [], []],
    [
      'a list of a whole document',
      [inlineItem('export', document)],
      [
        'data 0123456789abcdef document whole {"boatlog":{"category":"boatlog","entry_count":1,"entries":[{"entry_id":7}]}}',
      ],
    ],
    [
      'a list of sections',
      [inlineItem('full', { boatlog: { entries: [{ entry_id: 7 }] } })],
      [`data - loose whole ${boatlog}`],
    ],
    [
      'a list of one section',
      [inlineItem('x', { category: 'boatlog', entries: [{ entry_id: 7 }] })],
      ['data - loose whole {"boatlog":{"category":"boatlog","entries":[{"entry_id":7}]}}'],
    ],
    ['a list of records', [inlineItem('boatlog', [{ entry_id: 7 }])], [`data - loose whole ${boatlog}`]],
    ['a list of one record', [inlineItem('Boatlog', { entry_id: 7 })], [`data - loose whole ${boatlog}`]],
    [
      'a document category',
      [inlineItem('settings', { license: {} })],
      ['data - loose whole {"settings":{"data":{"license":{}}}}'],
    ],
    ['data kept as text', [inlineItem('boatlog', '[{"entry_id":7}]')], [`data - loose whole ${boatlog}`]],
    [
      'data that is a path',
      [inlineItem('export', '/opt/d3kos/data/exports/x.json')],
      ['file /opt/d3kos/data/exports/x.json - -'],
    ],
    ['data of an unknown type', [inlineItem('mystery', { a: 1 }), inlineItem('mystery', [1])], [], 2],
    [
      'a section with more than records',
      [inlineItem('full', { boatlog: { entries: [{ entry_id: 7 }, 3] } })],
      ['data - loose partly {"boatlog":{"entries":[{"entry_id":7},3]}}'],
    ],
    [
      'pending_exports',
      {
        pending_exports: [
          {
            export_id: 'exp1',
            file_path: '/opt/d3kos/data/exports/exp1.json',
            created: '2026-01-01T00:00:00',
            upload_attempts: 2,
            status: 'pending',
            last_attempt: null,
            error_message: null,
          },
        ],
      },
      ['file /opt/d3kos/data/exports/exp1.json - -'],
    ],
    [
      'pending and failed, paths',
      { pending: ['/a/b.json', { path: '/a/c.json' }], failed: [{ file: '/a/d.json', queue_id: 'q_1; rm' }] },
      ['file /a/b.json - -', 'file /a/c.json - -', 'file /a/d.json - -'],
    ],
    [
      'pending and failed, data',
      { pending: [document], failed: [inlineItem('boatlog', { entry_id: 7 })] },
      [
        'data 0123456789abcdef document whole {"boatlog":{"category":"boatlog","entry_count":1,"entries":[{"entry_id":7}]}}',
        `data - loose whole ${boatlog}`,
      ],
    ],
    [
      'items without a path or data',
      { pending: [{ queue_id: 'q_20260220_100530' }, null, 3, 'x', '/etc/passwd'] },
      [],
      5,
    ],
  ];
  for (const [name, value, lines, unusable = 0] of table) {
    const queue = parseLegacyQueue(JSON.stringify(value, null, 2));
    assert.ok(queue.kind === 'queue', `${name}: ${queue.kind}`);
    assert.deepEqual(queue.items.map(toLine), lines, name);
    assert.equal(queue.unusable, unusable, name);
  }
});

test("keeps an item's creation time if it is valid", () => {
  const read = (created: unknown) => {
    const queue = parseLegacyQueue(JSON.stringify([{ path: '/a.json', created_at: created }]));
    return queue.kind === 'queue' ? queue.items[0]?.facts.createdAtMs : queue;
  };
  assert.equal(read('2026-02-20T10:05:30.123456Z'), Date.parse('2026-02-20T10:05:30.123Z'));
  assert.equal(read('2026-02-20T10:05:30'), Date.parse('2026-02-20T10:05:30Z'));
  assert.equal(read(1_771_581_930), 1_771_581_930_000);
  for (const none of ['soon', null, {}, -1, '2026-02-30T00:00:00Z']) assert.equal(read(none), undefined);
});

test('distinguishes an empty file, zeros after a power cut, and JSON that is not a queue', () => {
  for (const text of ['', ' \n', '\0'.repeat(4096)]) assert.equal(parseLegacyQueue(text).kind, 'blank');
  for (const text of ['{}', '3', '"x"', 'null', '{"version":"1.0"}'])
    assert.equal(parseLegacyQueue(text).kind, 'foreign');
  for (const text of ['{"pen', '\0{"pending":[', 'queue', '}]}'])
    assert.equal(parseLegacyQueue(text).kind, 'torn');
});

test("parses Python's NaN as null, even next to a string that is too long for a regular expression", () => {
  const long = `"${'x\\"'.repeat(3_000_000)} NaN"`;
  const parsed = parseLegacyJson(`{"a": NaN, "b": -Infinity, "c": ${long}}`);
  const value = parsed?.value as { a: unknown; b: unknown; c: string };
  assert.deepEqual([value.a, value.b], [null, null]);
  assert.ok(value.c.endsWith(' NaN'));
  assert.equal(parseLegacyJson('{"a": NaNs}'), undefined);
});

/** Generates an item with arbitrary JSON strings. */
const someItem = fc.oneof(
  fc.record({
    queue_id: fc.constant('q_20260220_100530'),
    export_file: fc.string({ unit: 'grapheme', maxLength: 20 }).map((name) => `/x/${name}.json`),
    last_error: fc.string({ unit: 'binary', maxLength: 30 }),
  }),
  fc.record({
    id: fc.string(),
    type: fc.constant('boatlog'),
    data: fc.array(
      fc.record({
        entry_id: fc.nat(),
        content: fc.string({ unit: 'binary' }),
        gps: fc.constant({ latitude: 1 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    status: fc.constant('pending'),
  }),
);

test('recovers exactly the complete items of a queue file truncated anywhere, in order', () => {
  fc.assert(
    fc.property(
      fc.array(someItem, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(undefined, 2),
      fc.constantFrom('{"version":"1.0","pending":[', '[', '{"pending_exports": [\n'),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (items, indent, head, fraction) => {
        const texts = items.map((item) => JSON.stringify(item, null, indent));
        const text = `${head}${texts.join(',\n')}]${head.startsWith('{') ? '}' : ''}`;
        // The last character closes the file. Without it, the file is damaged.
        const cut = Math.min(Math.floor(fraction * text.length), text.length - 1);
        let end = head.length;
        const ends = texts.map((piece) => {
          end += piece.length + 2;
          return end - 2;
        });
        const whole = items.filter((_, index) => (ends[index] ?? 0) <= cut);
        const queue = parseLegacyQueue(text.slice(0, cut));
        if (cut === 0) return assert.equal(queue.kind, 'blank');
        assert.equal(queue.kind, 'torn');
        assert.ok(queue.kind === 'torn');
        const expected = parseLegacyQueue(JSON.stringify(whole));
        assert.ok(expected.kind === 'queue');
        // A complete object inside the truncated item is not an item.
        assert.deepEqual(queue.items, expected.items);
      },
    ),
    { numRuns: 500 },
  );
});

test('parses any text without throwing, and every object found is JSON or contains a number that JSON does not support', () => {
  const torn = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '\n', '\0', '"a":') }),
    fc.json().map((text) => text.slice(1)),
  );
  fc.assert(
    fc.property(torn, torn, (left, right) => {
      parseLegacyQueue(left + right);
      salvage(left + right);
      let last = 0;
      for (const { start, end } of findWholeObjects(left + right)) {
        assert.ok(start >= last && end > start);
        last = end;
      }
    }),
    { numRuns: 2_000 },
  );
});

test('recovers the complete items of a queue that contains zeros or is followed by the end of a longer queue', () => {
  const one = JSON.stringify({ pending: [seedItem('20260220_100530')] }, null, 2);
  const two = JSON.stringify(
    { pending: [seedItem('20260220_100531'), seedItem('20260220_100532')] },
    null,
    2,
  );
  assert.deepEqual(
    salvage(one + two.slice(one.length)).items.map((item) => item.facts.queueId),
    ['q_20260220_100530', 'q_20260220_100532'],
  );
  const middle = two.indexOf('tier');
  const zeroed = `${two.slice(0, middle)}${'\0'.repeat(100)}${two.slice(middle + 100)}`;
  assert.deepEqual(
    salvage(zeroed).items.map((item) => item.facts.queueId),
    ['q_20260220_100532'],
  );
});

test('deeply nested brackets neither overflow the stack nor slow down the parser', () => {
  const depth = 200_000;
  assert.equal(parseLegacyQueue('{"a":'.repeat(depth)).kind, 'torn');
  assert.equal(parseLegacyQueue(`${'['.repeat(depth)}${']'.repeat(depth)}x`).kind, 'torn');
});

test('combines loose data into exports with at most one record per document category', () => {
  const documents = [
    toLegacyDocument('boatlog', { entry_id: 1 }),
    toLegacyDocument('settings', { a: 1 }),
    toLegacyDocument('boatlog', [{ entry_id: 2 }, { entry_id: 3 }]),
    toLegacyDocument('settings', { a: 2 }),
    toLegacyDocument('boatlog', { entry_id: 4 }),
  ].filter((found) => found !== undefined);
  assert.deepEqual(
    gatherLoose(documents).map(({ document: gathered, first }) => [first, gathered.data]),
    [
      [
        0,
        {
          boatlog: { entries: [{ entry_id: 1 }, { entry_id: 2 }, { entry_id: 3 }] },
          settings: { data: { a: 1 } },
        },
      ],
      [3, { boatlog: { entries: [{ entry_id: 4 }] }, settings: { data: { a: 2 } } }],
    ],
  );
  const many = Array.from({ length: LOOSE_ITEMS_PER_EXPORT_MAX + 1 }, (_, n) =>
    toLegacyDocument('boatlog', { entry_id: n }),
  );
  assert.equal(gatherLoose(many.filter((found) => found !== undefined)).length, 2);
});

test('searches for an export only in the folders of legacy exporters', () => {
  const paths = toSpoolPaths('/boat');
  const home = '/boat/data/exports';
  const table: readonly (readonly [
    stated: string,
    queueId: string | undefined,
    places: readonly string[],
  ])[] = [
    [`${home}/exports/a.json`, undefined, [`ours ${home}/exports/a.json`, `ours ${home}/exports/a.json`]],
    [
      `${home}/a.json`,
      'q_1',
      [`ours ${home}/a.json`, `ours ${home}/failed_exports/q_1_failed.json`, `ours ${home}/exports/a.json`],
    ],
    ['/boat/data/old/a.json', undefined, ['other /boat/data/old/a.json', `ours ${home}/exports/a.json`]],
    ['/boat/exports/a.json', undefined, ['other /boat/exports/a.json', `ours ${home}/exports/a.json`]],
    ['/opt/d3kos/data/exports/exports/a.json', undefined, [`ours ${home}/exports/a.json`]],
    [
      'exports/a.json',
      undefined,
      [`ours ${home}/exports/a.json`, 'other /boat/exports/a.json', `ours ${home}/exports/a.json`],
    ],
    ['/boat/config/license.json', undefined, [`ours ${home}/exports/license.json`]],
    ['/boat/data/exports/../../config/license.json', undefined, []],
    ['../a.json', undefined, []],
    [`${home}/damaged/a.json`, undefined, [`ours ${home}/exports/a.json`]],
    [`${home}/export_queue.json`, undefined, [`ours ${home}/exports/export_queue.json`]],
    ['/boat/data/a\0.json', undefined, []],
    [`${home}-other/a.json`, undefined, [`other ${home}-other/a.json`, `ours ${home}/exports/a.json`]],
  ];
  for (const [stated, queueId, places] of table)
    assert.deepEqual(
      toLegacyPlaces(paths, stated, queueId).map(
        ({ path, isOurs }) => `${isOurs ? 'ours' : 'other'} ${path}`,
      ),
      places,
      stated,
    );
});

/** So long that a quadratic algorithm would not finish. */
const DAMAGED_LENGTH = 4_000_000;
for (const [what, text] of [
  ['escaped quotes in an unterminated string', `{"pending":["${'\\"'.repeat(DAMAGED_LENGTH / 2)}`],
  ['escaped quotes before a control character', `"${'\\"'.repeat(DAMAGED_LENGTH / 2)}\u0001`],
  ['escaped backslashes before quotes', `["${'\\\\\\"'.repeat(DAMAGED_LENGTH / 4)}`],
] as const)
  test(`recovers items from a truncated queue in linear time: ${what}`, () => {
    const item = '{"queue_id":"q_20260322_122202","export_file":"/opt/d3kos/data/exports/a.json"}';
    assert.equal(parseLegacyQueue(text).kind, 'torn');
    const { items } = salvage(`${item}${text}\n${item}`);
    assert.equal(items.length, 2);
  });

for (const [what, text] of [
  ['empty lists', `[${'[],'.repeat(6_000_000)}[]]`],
  ['open brackets', '['.repeat(16_000_000)],
  ['objects without a list', '{"a":1}'.repeat(2_000_000)],
] as const)
  test(`recovers nothing from a queue with more values than fit into memory: ${what}`, () => {
    assert.deepEqual(parseLegacyQueue(text), { kind: 'torn', items: [], unusable: 0 });
  });

test('finds items after brackets that nest too deeply', () => {
  const item = '{"queue_id":"q_20260322_122202","export_file":"/opt/d3kos/data/exports/a.json"}';
  assert.equal(salvage(`${'['.repeat(1_000)},${item}`).items.length, 1);
});
