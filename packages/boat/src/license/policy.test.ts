import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tier } from '@d3kos/protocol';
import {
  decideLicense,
  type LicenseFile,
  mayQueryTierApi,
  mayExport,
  permitSending,
  TIER_0_MESSAGE,
  type LicenseResult,
  type TierAnswer,
} from './policy.ts';

const OWN = '0123456789abcdef';
const OTHER = 'fedcba9876543210';
const read = (installationId: unknown, tier?: 0 | 1 | 2 | 3): LicenseFile => ({
  kind: 'read',
  installationId,
  tier,
});
const answered = (tier: 0 | 1 | 2 | 3, installationId?: unknown): TierAnswer => ({
  kind: 'answered',
  tier,
  installationId,
});
const missing: LicenseFile = { kind: 'missing' };
const broken: LicenseFile = { kind: 'broken', detail: 'not JSON' };
const silent: TierAnswer = { kind: 'no_answer', detail: 'connect ECONNREFUSED' };

describe('the licence', () => {
  const table: readonly (readonly [name: string, file: LicenseFile, api: TierAnswer, result: string])[] = [
    ['both agree', read(OWN, 1), answered(2, OWN), `${OWN} tier 2 of tier_api`],
    ['the tier API returns no id', read(OWN, 1), answered(2), `${OWN} tier 2 of tier_api`],
    ['the tier API returns an empty id', read(OWN, 1), answered(2, ''), `${OWN} tier 2 of tier_api`],
    ['the tier API is down', read(OWN, 2), silent, `${OWN} tier 2 of license_file`],
    [
      'license.json has no tier and the tier API answers',
      read(OWN),
      answered(3, OWN),
      `${OWN} tier 3 of tier_api`,
    ],
    ['license.json has no tier and nothing answers', read(OWN), silent, 'TIER_UNKNOWN'],
    [
      'license.json has no id and the tier API returns one',
      read(undefined, 1),
      answered(1, OWN),
      `${OWN} tier 1 of tier_api`,
    ],
    [
      'license.json has no id and the tier API returns none',
      read(undefined, 1),
      silent,
      'INSTALLATION_ID_INVALID',
    ],
    ['the id is empty', read('', 2), silent, 'INSTALLATION_ID_INVALID'],
    [
      'the id is empty and the tier API returns a different one',
      read('', 2),
      answered(2, OTHER),
      'INSTALLATION_ID_INVALID',
    ],
    ['the id is in capitals', read('0123456789ABCDEF', 2), silent, 'INSTALLATION_ID_INVALID'],
    ['the id is a number', read(12, 2), answered(2, OWN), 'INSTALLATION_ID_INVALID'],
    ['the id is null', read(null, 2), answered(2), 'INSTALLATION_ID_INVALID'],
    [
      'license.json is missing and the tier API answers',
      missing,
      answered(2, OWN),
      `${OWN} tier 2 of tier_api`,
    ],
    [
      'license.json is missing and the tier API returns no id',
      missing,
      answered(2, ''),
      'INSTALLATION_ID_INVALID',
    ],
    ['license.json is missing and nothing answers', missing, silent, 'LICENSE_MISSING'],
    [
      'license.json is broken and the tier API answers',
      broken,
      answered(1, OWN),
      `${OWN} tier 1 of tier_api`,
    ],
    ['license.json is broken and nothing answers', broken, silent, 'LICENSE_INVALID'],
    [
      'the tier API answers for another boat',
      read(OWN, 1),
      answered(3, OTHER),
      `${OWN} tier 1 of license_file`,
    ],
    [
      'the tier API answers for another boat and license.json has no tier',
      read(OWN),
      answered(3, OTHER),
      'TIER_UNKNOWN',
    ],
    ['license.json has tier 0', read(OWN, 0), { kind: 'not_queried' }, `${OWN} tier 0 of license_file`],
    ['license.json has tier 0 and the id is empty', read('', 0), { kind: 'not_queried' }, 'TIER_TOO_LOW'],
    ['the tier API returns tier 0', read(OWN, 1), answered(0, OWN), `${OWN} tier 0 of tier_api`],
  ];
  for (const [name, file, api, expected] of table)
    it(`${name}: ${expected}`, () => {
      const result = decideLicense(file, api);
      if (result.kind === 'known')
        assert.equal(`${result.installationId} tier ${result.tier} of ${result.source}`, expected);
      else {
        assert.equal(result.code, expected);
        assert.ok(result.message.length > 10 && result.hint.length > 10);
      }
    });

  it('warns about a tier API that answers for another boat', () => {
    const result = decideLicense(read(OWN, 1), answered(3, OTHER));
    assert.ok(result.kind === 'known');
    assert.match(result.warning ?? '', new RegExp(`${OTHER}.*${OWN}`));
  });

  it('is refused if the ID is malformed, with the known tier and a message for each case', () => {
    const cases: readonly (readonly [
      file: LicenseFile,
      api: TierAnswer,
      tier: Tier | undefined,
      text: RegExp,
    ])[] = [
      [read(''), answered(1, OWN), 1, /has no installation ID/],
      [read('', 3), silent, 3, /has no installation ID/],
      [read('x', 2), answered(1, OWN), 1, /is malformed/],
      [missing, answered(2), 2, /has no installation ID/],
    ];
    for (const [file, api, tier, text] of cases) {
      const result = decideLicense(file, api);
      assert.ok(result.kind === 'refused');
      assert.equal(result.code, 'INSTALLATION_ID_INVALID');
      assert.equal(result.tier, tier);
      assert.match(result.message, text);
    }
  });

  it('has no warning unless the tier API answers for another boat', () => {
    assert.equal('warning' in decideLicense(read(OWN, 2), silent), false);
  });

  it('queries the tier API unless license.json has tier 0', () => {
    assert.equal(mayQueryTierApi(read(OWN, 0)), false);
    for (const file of [read(OWN, 1), read(OWN), read('', 3), missing, broken])
      assert.equal(mayQueryTierApi(file), true);
  });
});

describe('what a tier allows', () => {
  const table = [
    [0, 'manual', false],
    [0, 'scheduled', false],
    [0, 'boot', false],
    [1, 'manual', true],
    [1, 'scheduled', false],
    [1, 'boot', true],
    [2, 'manual', true],
    [2, 'scheduled', true],
    [3, 'scheduled', true],
  ] as const;
  for (const [tier, trigger, isAllowed] of table)
    it(`tier ${tier}, ${trigger}: ${isAllowed ? 'allowed' : 'refused'}`, () => {
      const permission = mayExport(tier, trigger);
      assert.equal(permission.kind, isAllowed ? 'allowed' : 'refused');
      if (permission.kind === 'refused') assert.equal(permission.code, 'TIER_TOO_LOW');
    });

  const known = (tier: Tier): LicenseResult => ({
    kind: 'known',
    installationId: '0123456789abcdef',
    tier,
    source: 'license_file',
  });

  it("refuses to create and to send exports at tier 0, with the legacy exporter's message", () => {
    assert.equal(TIER_0_MESSAGE, 'Tier 0 does not have export capability');
    for (const permission of [mayExport(0, 'manual'), mayExport(0, 'scheduled'), permitSending(known(0))]) {
      assert.ok(permission.kind === 'refused');
      assert.equal(permission.message, TIER_0_MESSAGE);
    }
    for (const tier of [1, 2, 3] as const) assert.deepEqual(permitSending(known(tier)), known(tier));
  });
});
