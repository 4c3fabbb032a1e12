import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { toBoatPlaces } from '../../../sim/src/fixture/places.ts';
import { parseExactJson } from '@d3kos/protocol';
import { asObject } from '../collect/allowed.ts';
import type { Collector } from '../collect/collector.ts';
import { collectAll, createTestContext } from '../collect/collection-for-tests.ts';
import { onboardingCollector } from '../collect/onboarding.ts';
import { settingsCollector } from '../collect/settings.ts';
import { createDisk } from '../platform/disk.ts';
import type { WallMs } from '../platform/ports.ts';
import type { NewerFiles } from './policy.ts';
import { planRestore, writeRestore } from './restore.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-restore-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let boats = 0;

const RECORDED = '2026-06-01T12:00:00.000Z';
const BEFORE = new Date('2026-05-01T00:00:00Z');
const AFTER = new Date('2026-07-01T00:00:00Z');
/** The boat computer's time. */
const NOW_MS = Date.UTC(2026, 6, 2) as WallMs;
const NEVER_SET = new Date('1970-01-02T00:00:00Z');

/** Creates a boat with the given files, by path below its root, and returns the root. */
function makeBoat(files: Readonly<Record<string, string>> = {}, modified: Date = AFTER): string {
  const root = join(folder, String((boats += 1)));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    utimesSync(join(root, path), modified, modified);
  }
  return root;
}

const at = (record: unknown, receivedAt = RECORDED) => ({
  record_id: 'one',
  received_at: receivedAt,
  record,
});

/** Restores a boat from two records, and returns the actions by path. */
async function restore(
  root: string,
  records: { readonly onboarding?: unknown; readonly settings?: unknown },
  newer: NewerFiles = 'keep',
) {
  const disk = createDisk();
  const stored = {
    onboarding: 'onboarding' in records ? at(records.onboarding) : null,
    settings: 'settings' in records ? at(records.settings) : null,
  };
  const plan = await planRestore(disk, root, stored, { newer, nowMs: NOW_MS });
  await writeRestore(disk, root, plan);
  return {
    actions: Object.fromEntries(plan.files.map(({ path, action }) => [path, action])),
    notRestored: plan.notRestored,
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
  };
}

/** Returns the two records that an export of this boat would contain. */
async function collectSettings(root: string) {
  const context = createTestContext(toBoatPlaces(root), undefined, { mode: 'full' });
  const record = async (collector: Collector) =>
    asObject(parseExactJson((await collectAll(collector, context)).lines[0] ?? 'null'));
  const onboarding = await record(onboardingCollector);
  const settings = await record(settingsCollector);
  return { onboarding, settings };
}

const VESSEL = 'services/dashboard/config/vessel.env';
const FILES = {
  'config/license.json': '{"installation_id":"0123456789abcdef","tier":2,"reset_count":3}',
  'config/onboarding.json':
    '{"q1":"Captain\'s Choice","q16":12345678901234567890,"completed_at":"2026-05-01T10:00:00Z"}',
  'state/onboarding-reset-count.json': '{"count":3}',
  [VESSEL]:
    "VESSEL_NAME=\"Captain's Choice\"\nHOME_PORT='Port $1'\nENGINE2_MAKE=Volvo\nBOAT_MODEL=Comet 38 & more\n",
  'config/user-preferences.json': '{"measurement_system":"metric","language":"de"}',
  'config/community-prefs.json': '{"boat_map":true}',
  'config/settings.json': '{"network":{"hotspot":{"enabled":true}},"display":{"brightness":70}}',
  'config/timezone.txt': 'America/Toronto\n',
  'config/slots.json': '[{"slot":1,"label":"bow","hardware_id":"00:11:22:33:44:55"}]',
};

describe("restoring a reflashed boat's settings", () => {
  it('restores every value that an export contains', async () => {
    const before = await collectSettings(makeBoat(FILES));
    const { 'config/license.json': license } = FILES;
    const root = makeBoat({ 'config/license.json': license });
    const { actions, notRestored } = await restore(root, before);
    assert.deepEqual(new Set(Object.values(actions)), new Set(['create']));
    assert.deepEqual(Object.keys(actions).length, 7);
    assert.match(notRestored.join('\n'), /slots\.json: the hardware addresses/);
    const later = await collectSettings(root);
    assert.deepEqual(later.onboarding, before.onboarding);
    const { camera_slots: slots, ...settings } = before.settings ?? {};
    assert.ok(Array.isArray(slots));
    const { camera_slots: none, ...restored } = later.settings ?? {};
    assert.deepEqual([none, restored], [{}, settings]);
    assert.match(readFileSync(join(root, 'config/onboarding.json'), 'utf8'), /12345678901234567890/);
    assert.deepEqual(new Set(Object.values((await restore(root, before)).actions)), new Set(['unchanged']));
  });

  it('keeps values that never left the boat', async () => {
    const root = makeBoat(
      {
        'config/settings.json': '{"network":{"password":"own","hotspot":{"ssid":"own"}},"other":1}',
        [VESSEL]: '# own\nOWN_KEY=own\nVESSEL_NAME=old\nVESSEL_NAME=older\n',
      },
      BEFORE,
    );
    const { read, actions } = await restore(root, {
      onboarding: { vessel: { VESSEL_NAME: 'new' } },
      settings: { network: { hotspot: { enabled: false } } },
    });
    assert.deepEqual(actions, { [VESSEL]: 'update', 'config/settings.json': 'update' });
    assert.deepEqual(JSON.parse(read('config/settings.json')), {
      network: { password: 'own', hotspot: { ssid: 'own', enabled: false } },
      other: 1,
    });
    assert.equal(read(VESSEL), '# own\nOWN_KEY=own\nVESSEL_NAME=new\n');
    assert.match(read(`${VESSEL}.before-restore`), /VESSEL_NAME=older/);
  });

  for (const [name, modified, newer, expected] of [
    ['an older file', BEFORE, 'keep', 'update'],
    ['a newer file', AFTER, 'keep', 'keep_newer'],
    ['a file from before the clock was set', NEVER_SET, 'keep', 'keep_newer'],
    ['a newer file by request', AFTER, 'update', 'update'],
  ] as const)
    it(`the action for ${name} is ${expected}`, async () => {
      const path = 'config/user-preferences.json';
      const root = makeBoat({ [path]: '{"language":"fr"}' }, modified);
      const { actions, read } = await restore(root, { settings: { preferences: { language: 'de' } } }, newer);
      assert.deepEqual(actions, { [path]: expected });
      assert.deepEqual(JSON.parse(read(path)), { language: expected === 'update' ? 'de' : 'fr' });
    });

  it('replaces a file that a power cut filled with zero bytes, and leaves one that cannot be read', async () => {
    const root = makeBoat({ 'config/user-preferences.json': '\0\0\0\0', 'config/onboarding.json/x': '' });
    const { actions } = await restore(root, {
      onboarding: { configuration: { q1: 'a' } },
      settings: { preferences: { language: 'de' } },
    });
    assert.deepEqual(actions, {
      'config/onboarding.json': 'keep_unreadable',
      'config/user-preferences.json': 'create',
    });
  });

  it('never lowers the number of resets', async () => {
    const path = 'state/onboarding-reset-count.json';
    const root = makeBoat({ [path]: '{"resetCount":5}' }, BEFORE);
    assert.deepEqual((await restore(root, { onboarding: { reset_count: 3 } })).actions, {
      [path]: 'unchanged',
    });
    const { read } = await restore(root, { onboarding: { reset_count: 7 } });
    assert.deepEqual(JSON.parse(read(path)), { resetCount: 7 });
  });
});

describe('restoring what a hostile central sends', () => {
  it('writes only files and keys that the collectors export', async () => {
    const root = makeBoat();
    const { actions, notRestored } = await restore(root, {
      onboarding: {
        configuration: { __proto__: null, api_key: 'x', constructor: 1, telegram: { token: 'x' } },
        vessel: { PATH: '/tmp/evil', LD_PRELOAD: 'x', 'A\nB': 'x', BASH_ENV: 'x', VESSEL_NAME: 7 },
        reset_count: 1e300,
      },
      settings: {
        license: { tier: 3 },
        preferences: { '../x': 1, language: { nested: true } },
        timezone: '../../etc/passwd',
        network: { password: 'x' },
        browser: { settings: { theme: 'dark' } },
      },
    });
    assert.deepEqual(actions, {});
    assert.match(notRestored.join(), /browser/);
    assert.ok(!existsSync(root));
  });

  for (const record of [null, [], 'text', 7, { configuration: [], vessel: 'x' }, { network: [] }])
    it(`accepts a record of any shape: ${JSON.stringify(record)}`, async () => {
      const { actions } = await restore(makeBoat(), { onboarding: record, settings: record });
      assert.deepEqual(actions, {});
    });

  for (const receivedAt of ['9999-12-31T23:59:59Z', '+275760-09-13T00:00:00.000Z', 'x'.repeat(1_000_000), ''])
    it(`keeps a newer file if the record's time is impossible: ${receivedAt.slice(0, 30)}`, async () => {
      const path = 'config/user-preferences.json';
      const root = makeBoat({ [path]: '{"language":"fr"}' });
      const settings = at({ preferences: { language: 'de' } }, receivedAt);
      const stored = { onboarding: null, settings };
      const plan = await planRestore(createDisk(), root, stored, { newer: 'keep', nowMs: NOW_MS });
      assert.deepEqual([plan.files[0]?.action, plan.recordedAt.settings], ['keep_newer', null]);
    });

  it("writes no file that the boat's programs could not read", async () => {
    const root = makeBoat();
    const answers = Array.from({ length: 99 }, (_, no) => [`q${no + 1}`, 'x'.repeat(19_000)]);
    const { actions, notRestored } = await restore(root, {
      onboarding: { configuration: Object.fromEntries(answers) },
      settings: { preferences: { language: 'de' } },
    });
    assert.deepEqual(actions, { 'config/user-preferences.json': 'create' });
    assert.match(notRestored.join(), /onboarding\.json: it would have more than/);
  });

  it('limits the number and length of sentences about what it does not restore', async () => {
    const values = Array.from({ length: 9_000 }, (_, no) => [
      `boat_${no}_${'name_'.repeat(500)}`,
      '[hidden]',
    ]);
    const { notRestored } = await restore(makeBoat(), {
      onboarding: { configuration: Object.fromEntries(values) },
    });
    assert.ok(notRestored.length < 100 && notRestored.every((line) => line.length <= 300));
    assert.match(notRestored.at(-1) ?? '', /and [0-9]+ more values/);
  });

  it('replaces a link instead of the file behind it, and grants no new permissions', async () => {
    const root = makeBoat({ 'config/slots.json': '[]' });
    const target = join(folder, 'the-file-of-another-program');
    writeFileSync(target, '{"language":"fr"}', { mode: 0o600 });
    utimesSync(target, BEFORE, BEFORE);
    const path = join(root, 'config/user-preferences.json');
    symlinkSync(target, path);
    symlinkSync(target, `${path}.before-restore`);
    await restore(root, { settings: { preferences: { language: 'de' } } });
    assert.equal(readFileSync(target, 'utf8'), '{"language":"fr"}');
    for (const written of [path, `${path}.before-restore`]) {
      assert.ok(lstatSync(written).isFile());
      assert.equal(statSync(written).mode & 0o077, 0, written);
    }
  });

  it('passes a value to a shell exactly, no matter what it contains', () => {
    const value = fc.string({
      unit: fc.constantFrom('a', ' ', '$', '(', ')', '`', '"', "'", '\\', '!', ';', '&', '#', '~', '*', 'é'),
      maxLength: 8,
    });
    return fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 4, maxLength: 4 }), async (values) => {
        const root = makeBoat();
        const keys = ['VESSEL_NAME', 'HOME_PORT', 'BOAT_MAKE', 'VHF_RADIO'];
        const { actions, notRestored, read } = await restore(root, {
          onboarding: { vessel: Object.fromEntries(keys.map((key, index) => [key, values[index]])) },
        });
        if (actions[VESSEL] === undefined) return;
        const printed = execFileSync(
          'sh',
          [
            '-c',
            `. "$1"; printf '%s\\n' "$VESSEL_NAME" "$HOME_PORT" "$BOAT_MAKE" "$VHF_RADIO"`,
            'sh',
            join(root, VESSEL),
          ],
          { encoding: 'utf8', timeout: 10_000 },
        );
        const lines = printed.split('\n');
        for (const [index, key] of keys.entries())
          if (!notRestored.some((line) => line.includes(key)))
            assert.equal(lines[index], values[index], read(VESSEL));
      }),
      { numRuns: 40 },
    );
  });
});
