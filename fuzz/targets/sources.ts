import assert from 'node:assert/strict';
import { CATEGORIES } from '@d3kos/protocol';
import fc from 'fast-check';
import { createCollectors } from '../../packages/boat/src/collect/collectors.ts';
import { createTestContext } from '../../packages/boat/src/collect/collection-for-tests.ts';
import { createTimestampReader } from '../../packages/boat/src/collect/policy/timestamps.ts';
import { BROWSER_KEYS } from '../../packages/boat/src/api/requests.ts';
import { readTimeZone } from '../../packages/boat/src/collect/time-zone-file.ts';
import type { Disk } from '../../packages/boat/src/platform/ports.ts';
import { decodeText } from '../../packages/boat/src/platform/text.ts';
import { toLegacyRecords } from '../../packages/boat/src/recovery/legacy-document.ts';
import { gatherLoose } from '../../packages/boat/src/recovery/legacy-queue-data.ts';
import { parseLegacyQueue } from '../../packages/boat/src/recovery/legacy-queue.ts';
import { JSON_WORDS, jsonTexts, toText, utf8, wordTexts } from '../inputs.ts';
import type { Target } from '../target.ts';

const VESSEL_WORDS = [
  'VESSEL_NAME=',
  'ENGINE2_HP=',
  'export ',
  'HOME_PORT_LAT',
  '=',
  '"',
  "'",
  '#',
  ' ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  'A',
  'x',
  'VHF_RADIO',
  '44.5',
  'http://user:pw@192.168.1.2',
  'password=',
  '\ufeff',
] as const;
const ROOT = '/boat';
const PLACES = {
  root: ROOT,
  recordings: `${ROOT}/recordings`,
  proc: `${ROOT}/proc`,
  sys: `${ROOT}/sys`,
  run: `${ROOT}/run`,
};

/** A disk on which every path that `isHeld` accepts is a file with these bytes. Nothing else exists on it. */
function createSourceDisk(bytes: Uint8Array, isHeld: (path: string) => boolean): Disk {
  const hold = (path: string): Uint8Array | undefined => (isHeld(path) ? bytes : undefined);
  return {
    read: (path: string) => Promise.resolve(hold(path)),
    readRange: (path: string, offset: number, length: number) =>
      Promise.resolve(hold(path)?.subarray(offset, offset + length)),
    stat: (path: string) =>
      Promise.resolve(
        isHeld(path) ? { kind: 'file', sizeBytes: bytes.length, modifiedMs: 0, fileNo: 1 } : undefined,
      ),
    list: () => Promise.resolve(undefined),
    space: () => Promise.resolve({ freeBytes: 1, totalBytes: 2 }),
  } as Partial<Disk> as Disk;
}

const NO_DATABASES = { openSource: () => undefined, openLedger: () => assert.fail('opened the ledger') };

/** Runs all collectors. Each line must be a record in JSON, and each category must end with a state. */
async function collectAllOf(disk: Disk, browserText?: string): Promise<void> {
  const context = createTestContext(PLACES, undefined, {
    disk,
    databases: NO_DATABASES,
    mode: 'full',
    ...(browserText === undefined ? {} : { browserDocument: () => browserText }),
  });
  const states: string[] = [];
  for (const collector of createCollectors()) {
    const pages = collector.collect(context);
    for (;;) {
      const { done, value } = await pages.next();
      if (done === true) {
        states.push(value.state);
        break;
      }
      if (value.lines === '') continue;
      for (const line of value.lines.split(',\n')) {
        const record = JSON.parse(line) as Readonly<Record<string, unknown>>;
        assert.equal(Object.keys(record)[0], 'record_id', line.slice(0, 200));
      }
    }
  }
  assert.equal(states.length, CATEGORIES.length);
}

/** The wizard's answers, the time zone and the sources' other text files. */
export const textSources: Target = {
  name: 'text-sources',
  generate: utf8(
    fc.oneof(
      wordTexts(VESSEL_WORDS),
      jsonTexts,
      jsonTexts.map((line) => `${line}\n${line}\n`),
    ),
  ),
  words: [...VESSEL_WORDS, ...JSON_WORDS],
  async check(bytes) {
    const disk = createSourceDisk(bytes, (path) => path.startsWith(ROOT));
    const { problem, zone } = await readTimeZone(disk, ROOT).then(
      (reading) => ({ problem: undefined, zone: JSON.stringify(reading) }),
      (error: unknown) => ({ problem: error, zone: '' }),
    );
    assert.equal(problem, undefined, zone);
    await collectAllOf(disk);
  },
};

/** localStorage values that a kiosk page stored in the browser. */
export const browserData: Target = {
  name: 'browser-data',
  generate: utf8(
    fc.oneof(
      jsonTexts,
      fc
        .array(
          fc.record({ timestamp: jsonTexts, type: fc.string(), transcript: fc.string(), id: jsonTexts }),
          { maxLength: 3 },
        )
        .map((entries) => JSON.stringify(entries)),
    ),
  ),
  words: [
    ...JSON_WORDS,
    ...BROWSER_KEYS,
    '"timestamp":"2026-03-16T14:03:05Z"',
    '"transcript":',
    '"samples":[',
    '"id":',
  ],
  check(bytes) {
    return collectAllOf(
      createSourceDisk(bytes, () => false),
      toText(bytes),
    );
  },
};

const QUEUE_WORDS = [
  '{"pending":[',
  '{"pending_exports":[',
  '"failed":[',
  '{"exports":[',
  '{"queue_id":"q_20260322_122202"',
  '"export_file":"/opt/d3kos/data/exports/a.json"',
  '"data":',
  '"type":"boatlog"',
  '"status":"pending"',
  '"installation_id":"0123456789abcdef"',
  '"entries":[',
  '"boatlog":',
  ...JSON_WORDS,
] as const;
const legacyItems = fc
  .record(
    {
      queue_id: fc.constantFrom('q_20260322_122202', 'q_20260322_122202_2', '../x', ''),
      status: fc.string({ maxLength: 5 }),
      export_file: fc.constantFrom('/opt/d3kos/data/exports/a.json', '../../etc/shadow.json', ''),
      type: fc.constantFrom(...CATEGORIES, 'full', ''),
      tier: fc.jsonValue(),
      created_at: fc.oneof(fc.string(), fc.double()),
      data: fc.oneof(
        fc.jsonValue(),
        jsonTexts,
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 }),
      ),
    },
    { requiredKeys: [] },
  )
  .map((item) => JSON.stringify(item));
const readTime = createTimestampReader('America/Toronto');

/** The legacy exporter's queue in all of its formats, complete or torn. The recovered records have an ID and can be written. */
export const legacyQueue: Target = {
  name: 'legacy-queue',
  generate: utf8(
    fc
      .tuple(
        fc.constantFrom(
          '{"pending":[',
          '{"pending_exports":[',
          '{"exports":[',
          '[',
          '{"failed":[],"pending":[',
        ),
        fc.array(legacyItems, { maxLength: 4 }),
        fc.constantFrom(']}', ']', '', ']}tail'),
      )
      .map(([start, items, end]) => start + items.join(',') + end),
  ),
  words: QUEUE_WORDS,
  check(bytes) {
    const queue = parseLegacyQueue(decodeText(bytes));
    if (queue.kind !== 'queue' && queue.kind !== 'torn') return;
    const loose = queue.items.flatMap((item) => (item.kind === 'data' ? item.document : []));
    const documents = [...loose, ...gatherLoose(loose).map(({ document }) => document)];
    for (const document of documents)
      for (const category of CATEGORIES)
        for (const record of toLegacyRecords(
          category,
          document.data[category],
          '2026-02-20T10:00:00Z',
          readTime,
        )) {
          assert.equal(Object.keys(record)[0], 'record_id');
          assert.ok(record.record_id.length > 0 && record.record_id.length <= 300);
          assert.doesNotMatch(JSON.stringify(record), /\n/);
        }
  },
};
