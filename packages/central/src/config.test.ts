import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseConfig } from './config.ts';
import { isCentralFailure } from './platform/errors.ts';
import { describeLimits, IGNORED_VARIABLES, type Setting, SETTINGS } from './settings.ts';

test('without settings, it uses the embedded database in ./central-data, listens on loopback and disables the fleet page', () => {
  const config = parseConfig({ PATH: '/bin', CENTRAL_HOST: '' });
  assert.deepEqual(config.store, { kind: 'embedded', dataDir: 'central-data' });
  assert.deepEqual([config.host, config.port, config.operatorToken], ['127.0.0.1', 8095, undefined]);
});

test('accepts the URL of a PostgreSQL server', () => {
  const url = 'postgres://central@db/fleet';
  assert.deepEqual(parseConfig({ DATABASE_URL: url }).store, { kind: 'url', url });
});

test('accepts every integer setting up to its limits and refuses values beyond them', () => {
  for (const setting of Object.values<Setting>(SETTINGS)) {
    if (setting.type !== 'integer') continue;
    for (const value of [setting.min, setting.max]) parseConfig({ [setting.variable]: String(value) });
    for (const value of [setting.min - 1, setting.max + 1, `${setting.min}.5`])
      assert.throws(() => parseConfig({ [setting.variable]: String(value) }), /CENTRAL_/);
  }
});

test('names the invalid variable and the fix, and never shows a secret', () => {
  const invalid = {
    CENTRAL_PORT: '65536',
    CENTRAL_PROT: '8095',
    CENTRAL_IMPORTS_MAX: '0',
    CENTRAL_OPERATOR_TOKEN: 'hunter2hunter2',
    CENTRAL_BODY_SIZE_MAX_BYTES: '32MB',
    DATABASE_URL: 'mysql://user:password@host/db',
    CENTRAL_QUOTA_RECORDS: 'postgres://user:password@host/db',
    CENTRAL_LOG_LEVEL: 'postgres://user:password@host/db',
  };
  for (const [name, value] of Object.entries(invalid))
    assert.throws(
      () => parseConfig({ [name]: value }),
      (error) =>
        isCentralFailure(error, 'CONFIG_INVALID') &&
        error.message.includes(name) &&
        error.hint.length > 0 &&
        !/hunter2|password@host/.test(error.message),
    );
  assert.throws(() => parseConfig({ CENTRAL_OPERATOR_TOKEN: 'hunter2 hunter2 hunter2' }), /characters/);
  assert.throws(
    () => parseConfig({ DATABASE_URL: 'postgres://h/d', CENTRAL_DATA_DIR: 'x' }),
    /cannot both be set/,
  );
});

test('matches the table of the reference page, line by line', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../docs/reference/configuration.md'), 'utf8');
  const section = page.split(/^## /m).find((text) => text.startsWith('Central\n')) ?? '';
  assert.deepEqual(
    section.split('\n').filter((line) => /^\| `[A-Z_]+`/.test(line)),
    [
      ...Object.values<Setting>(SETTINGS).map(toReferenceRow),
      ...Object.entries(IGNORED_VARIABLES).map(([name, reason]) => `| \`${name}\` | | ${reason} |`),
    ],
  );
});

function toReferenceRow(setting: Setting): string {
  const fallback = setting.default === undefined ? 'none' : `\`${setting.default}\``;
  return `| \`${setting.variable}\` | ${fallback} | ${`${setting.help} ${describeLimits(setting)}`.trim()} |`;
}
