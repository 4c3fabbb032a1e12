import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  toWindowsFile,
  VESSEL_ANSWERS,
  writeSource,
  writeVesselEnv,
} from '../../../sim/src/fixture/files.ts';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { type Collection, collectAll, createTestContext } from './collection-for-tests.ts';
import type { CollectContext, Collector } from './collector.ts';
import { engineBenchmarkCollector } from './engine-benchmark.ts';
import { onboardingCollector } from './onboarding.ts';
import { qrCodesCollector } from './qr-codes.ts';
import { settingsCollector } from './settings.ts';
import { systemAlertsCollector } from './system-alerts.ts';
import { readTimeZone } from './time-zone-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-odd-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;

/** Writes a boat's files, given by path below its root. */
function makeRoot(files: Readonly<Record<string, unknown>>): string {
  roots += 1;
  const root = join(folder, String(roots));
  mkdirSync(root);
  for (const [name, content] of Object.entries(files)) writeSource(root, name, content);
  return root;
}

function collect(
  collector: Collector,
  files: Readonly<Record<string, unknown>>,
  given: Partial<CollectContext> = {},
): Promise<Collection> {
  return collectAll(collector, createTestContext(toBoatPlaces(makeRoot(files)), undefined, given));
}

/** Returns a collection's only record. */
function only({ records, outcome }: Collection): Readonly<Record<string, unknown>> {
  assert.equal(records.length, 1, outcome.detail);
  return records[0] ?? {};
}

describe('one faulty settings file', () => {
  const neighbours = { 'config/user-preferences.json': { theme: 'dark' }, 'config/version.txt': '0.9\n' };
  for (const [name, content, key, detail] of [
    ['config/slots.json', '"bow"', 'camera_slots', 'config/slots.json has an unknown shape (a string)'],
    ['config/slots.json', '[{"label": ', 'camera_slots', 'config/slots.json is not valid JSON'],
    [
      'config/community-prefs.json',
      '[true]',
      'community',
      'config/community-prefs.json has an unknown shape (a list)',
    ],
    ['config/community-prefs.json', '', 'community', 'config/community-prefs.json is empty'],
    ['config/license.json', 'null', 'license', 'config/license.json has an unknown shape (null)'],
    ['config/settings.json', '[[[', 'display', 'config/settings.json is not valid JSON'],
    ['config/settings.json', '['.repeat(99), 'network', 'config/settings.json nests deeper than 64 levels'],
  ] as const)
    it(`affects only its own key and is named: ${detail}`, async () => {
      const found = await collect(settingsCollector, { ...neighbours, [name]: content });
      const record = only(found);
      assert.deepEqual([record['preferences'], record['version']], [{ theme: 'dark' }, '0.9']);
      assert.ok(!(key in record), `${key} is there`);
      assert.equal(found.outcome.detail, detail);
      assert.equal(found.outcome.state, 'ok');
    });

  it('is an error if there is no other', async () => {
    const { outcome } = await collect(settingsCollector, { 'config/license.json': 'x' });
    assert.deepEqual([outcome.state, outcome.detail], ['error', 'config/license.json is not valid JSON']);
  });

  it('does not prevent camera slots from being read in either of their forms', async () => {
    for (const slots of [
      [],
      ['bow'],
      { bow: { label: 'Bow' } },
      { bow: 'Bow' },
      [{ slot_id: 'bow', label: 'Bow' }],
    ]) {
      const found = await collect(settingsCollector, { 'config/slots.json': slots });
      assert.deepEqual(only(found)['camera_slots'], slots);
      assert.equal(found.outcome.detail, undefined);
    }
  });

  it('may be the time zone file, in which case UTC applies', async () => {
    const long = makeRoot({ 'config/timezone.txt': `Europe/Oslo\n${'#'.repeat(5_000)}`, ...neighbours });
    const place = makeRoot({ 'config/timezone.txt/x': '', ...neighbours });
    const name = makeRoot({ 'config/timezone.txt': 'Atlantis/Capital\n', ...neighbours });
    for (const [root, problem] of [
      [long, 'config/timezone.txt is too large'],
      [place, 'config/timezone.txt is a folder (EISDIR)'],
      [name, 'config/timezone.txt does not name a known time zone'],
    ] as const) {
      const context = createTestContext(toBoatPlaces(root));
      assert.deepEqual(await readTimeZone(context.disk, root), { problem });
      const { outcome } = await collectAll(settingsCollector, context);
      assert.deepEqual([outcome.state, outcome.detail], ['ok', problem]);
    }
  });
});

describe('one faulty onboarding file', () => {
  const vessel = { 'services/dashboard/config/vessel.env': 'VESSEL_NAME=Grey Heron\n' };
  for (const [name, content, key] of [
    ['config/onboarding.json', '{"q1": ', 'configuration'],
    ['config/onboarding.json', '[]', 'configuration'],
    ['config/license.json', 'x', 'max_resets'],
  ] as const)
    it(`affects only its own key and is named: ${name} with ${content}`, async () => {
      const found = await collect(onboardingCollector, { ...vessel, [name]: content });
      const record = only(found);
      assert.deepEqual(record['vessel'], { VESSEL_NAME: 'Grey Heron' });
      assert.ok(!(key in record));
      assert.ok(found.outcome.detail?.startsWith(name), found.outcome.detail);
    });

  it('in the browser is also named', async () => {
    const found = await collect(onboardingCollector, vessel, {
      browserDocument: (key) => (key === 'onboarding-config' ? '{"torn' : undefined),
    });
    assert.ok('vessel' in only(found));
    assert.equal(found.outcome.detail, 'onboarding-config from the browser is not valid JSON');
  });
});

describe('the answers of the owner', () => {
  it('are exported as the wizard wrote them to vessel.env, and omitted keys are counted', async () => {
    const root = makeRoot({});
    writeVesselEnv(root);
    const { records, outcome } = await collectAll(onboardingCollector, createTestContext(toBoatPlaces(root)));
    assert.deepEqual(records[0]?.['vessel'], VESSEL_ANSWERS);
    assert.equal(
      outcome.detail,
      'not exported: 1 key of services/dashboard/config/vessel.env (SIGNALK_TOKEN)',
    );
  });

  it('in vessel.env keep quotes, equals signs and non-ASCII letters, and a line that is not an answer is counted', async () => {
    const text =
      'export BOAT_MAKE="A = B"\nHOME_PORT = Frøya  \nBOAT_BEAM=\'3.2\'\nENGINE3_FUEL=diesel\nbroken\n#x\n';
    const found = await collect(onboardingCollector, {
      'services/dashboard/config/vessel.env': Buffer.from(text, 'latin1'),
    });
    assert.deepEqual(only(found)['vessel'], {
      BOAT_MAKE: 'A = B',
      HOME_PORT: 'Frøya',
      BOAT_BEAM: '3.2',
      ENGINE3_FUEL: 'diesel',
    });
    assert.equal(
      found.outcome.detail,
      '1 line was not understood: services/dashboard/config/vessel.env:5 is not KEY=VALUE',
    );
  });

  it('in vessel.env keep any number of spaces within a value', async () => {
    for (const value of [`x${' '.repeat(19_000)}y`, `"${' '.repeat(15_000)}"`]) {
      const files = { 'services/dashboard/config/vessel.env': `BOAT_MAKE=${value}\n` };
      const vessel = only(await collect(onboardingCollector, files))['vessel'];
      assert.deepEqual(vessel, { BOAT_MAKE: value.replaceAll('"', '') });
    }
  });

  it('keep addresses, but not passwords in addresses', async () => {
    const found = await collect(onboardingCollector, {
      'config/onboarding.json': { q4: 'tcp://10.0.0.5:2000', q5: 'http://me:hunter2@10.0.0.5/' },
    });
    assert.deepEqual(only(found)['configuration'], {
      q4: 'tcp://10.0.0.5:2000',
      q5: 'http://[hidden]@10.0.0.5/',
    });
  });

  it('are never reported with a key that may itself be a value', async () => {
    const found = await collect(settingsCollector, {
      'config/user-preferences.json': { 'Marina Guest': 1, 'a-1234-5678': 2, wifi_password: 3 },
    });
    assert.equal(
      found.outcome.detail,
      'not exported: 3 keys of config/user-preferences.json (wifi_password, 2 more)',
    );
  });
});

describe('a log with faulty lines', () => {
  const line = (name: string): string =>
    `${JSON.stringify({ ts: '2026-05-01T08:00:00Z', status: 200, alert: { name } })}\n`;
  const namesOf = ({ records }: Collection): readonly unknown[] =>
    records.map(({ alert }) => (alert as { readonly name: unknown }).name);

  it('loses no line after NUL bytes left by a power cut, and counts the truncated line', async () => {
    const log = `${line('a')}${line('b').slice(0, 30)}${'\0'.repeat(700)}${line('c')}garbage\n[1]\n${line('d')}`;
    const found = await collect(systemAlertsCollector, { 'data/alarm-webhook-log.jsonl': log });
    assert.deepEqual(namesOf(found), ['a', 'c', 'd']);
    assert.equal(
      found.outcome.detail,
      '3 lines were not understood, the first: data/alarm-webhook-log.jsonl:2 is not valid JSON',
    );
  });

  for (const encoding of ['utf-8', 'utf-16le', 'utf-16be'] as const)
    it(`is read as saved by Windows in ${encoding}, including a last line without a newline`, async () => {
      const text = `${line('a')}${line('b')}${line('Frøya').trimEnd()}`;
      const found = await collect(systemAlertsCollector, {
        'data/alarm-webhook-log.jsonl': toWindowsFile(text, encoding),
      });
      assert.deepEqual(namesOf(found), ['a', 'b', 'Frøya']);
      assert.equal(found.outcome.detail, undefined);
    });

  it('does not count as empty if no line can be interpreted', async () => {
    const found = await collect(systemAlertsCollector, { 'data/alarm-webhook-log.jsonl': 'x\ny\n' });
    assert.equal(found.outcome.state, 'schema_unknown');
  });
});

describe('a list with faulty elements', () => {
  for (const [collector, name, list] of [
    [systemAlertsCollector, 'data/alerts.json', [7, { id: 'a' }, null]],
    [qrCodesCollector, 'data/qr-codes.json', ['x', { installation_uuid: 'u' }, []]],
    [engineBenchmarkCollector, 'data/d3kos-benchmark-2026-03-20.json', ['x', { id: 1, duration: 2 }, true]],
  ] as const)
    it(`is read without the faulty elements, which are counted: ${name}`, async () => {
      const { records, outcome } = await collect(collector, { [name]: list });
      assert.equal(records.length, 1);
      assert.deepEqual(
        [outcome.state, outcome.detail],
        ['ok', `2 elements were not understood, the first: ${name}:1 is not an object`],
      );
    });
});

it('reads the newest downloads up to a total size, counts the others, and excludes any that is too large from the total', async () => {
  const toDownload = (day: number, spaces: number): readonly [string, string] => [
    `data/d3kos-benchmark-2026-03-0${day}.json`,
    `{"tests":[{"id":${day},"duration":1}]}${' '.repeat(spaces)}`,
  ];
  const found = await collect(
    engineBenchmarkCollector,
    Object.fromEntries([
      ...[1, 2, 3, 4, 5, 6].map((day) => toDownload(day, 14 * 1_048_576)),
      toDownload(7, 17 * 1_048_576),
      toDownload(8, 0),
    ]),
  );
  assert.deepEqual(
    found.records.map(({ record_id: id }) => id),
    ['test:3', 'test:4', 'test:5', 'test:6', 'test:8'],
  );
  assert.match(found.outcome.detail ?? '', /2 older downloads in data were not read/);
});

describe('a number that JavaScript cannot represent exactly', () => {
  it('keeps all its digits on the way from any type of source to the export', async () => {
    const digits = ['9007199254740993', '0.12345678901234567890', '1e400', '-0'] as const;
    for (const number of digits) {
      const browser = { browserDocument: (): string => number };
      for (const [collector, files, given] of [
        [systemAlertsCollector, { 'data/alerts.json': `[{"id":"a","metrics":{"value":${number}}}]` }, {}],
        [systemAlertsCollector, { 'data/alarm-webhook-log.jsonl': `{"alert":{"value":${number}}}\n` }, {}],
        [settingsCollector, { 'config/user-preferences.json': `{"fuel_alarm_threshold":${number}}` }, {}],
        [
          settingsCollector,
          {},
          {
            browserDocument: (key: string) =>
              key === 'd3kos-engine-hours' ? browser.browserDocument() : undefined,
          },
        ],
        [onboardingCollector, { 'config/onboarding.json': `{"engine_hp":${number}}` }, {}],
        [engineBenchmarkCollector, { 'config/benchmark-results.json': `{"duration":${number}}` }, {}],
      ] as const) {
        const { lines } = await collect(collector, files, given);
        assert.match(lines.join(), new RegExp(`:${number.replaceAll('.', '\\.')}[,}]`), collector.category);
      }
    }
  });

  it("keeps all its digits in a record's name", async () => {
    const { records } = await collect(systemAlertsCollector, {
      'data/alerts.json': '[{"id":9007199254740993},{"id":9007199254740992}]',
    });
    assert.deepEqual(
      records.map(({ record_id: id }) => id),
      ['alerts:9007199254740993', 'alerts:9007199254740992'],
    );
  });
});
