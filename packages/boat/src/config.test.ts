import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { parseConfig } from './config.ts';
import { isExportError } from './platform/errors.ts';
import { listSettings } from './settings.ts';

/** For each setting, two valid values that differ from its default. */
const VALUES: Readonly<Record<string, readonly [file: unknown, environment: unknown]>> = {
  port: [9000, 9001],
  central_api_url: ['https://a.example', 'https://b.example'],
  tier_api_url: ['http://localhost:1', 'http://127.0.0.1:2'],
  recordings_path: ['/a', '/b'],
  part_size_bytes: [20_000, 30_000],
  reserve_bytes: [1, 2],
  rate_limit_bytes_per_second: [2_000, 3_000],
  metered_size_max_bytes: [1, 2],
  monthly_budget_bytes: [2_000_000, 3_000_000],
  allowed_origins: [['http://a.example'], undefined],
  timezone: ['America/Toronto', 'Europe/Zurich'],
  daily_hour: [4, 5],
  notify_after_days: [0, 30],
  signalk_url: ['off', 'http://localhost:3001'],
  webhook_url: ['https://a.example/hook?key=1', 'http://127.0.0.1:1880/hook'],
};

for (const { name, key, variable, default: fallback } of listSettings())
  test(`${key}: the environment overrides the file, and the file overrides the default`, () => {
    const [inFile, inEnvironment] = VALUES[key] ?? [];
    const text = JSON.stringify({ [key]: inFile });
    const none = parseConfig({}, undefined);
    assert.deepEqual([none.config[name], none.sources[name]], [fallback, 'default']);
    const file = parseConfig(variable === undefined ? {} : { [variable]: '' }, text);
    assert.deepEqual([file.config[name], file.sources[name]], [inFile, 'file']);
    if (variable === undefined) return;
    const both = parseConfig({ [variable]: String(inEnvironment) }, text);
    assert.deepEqual([both.config[name], both.sources[name]], [inEnvironment, 'environment']);
  });

const refused: readonly (readonly [
  environment: Record<string, string>,
  file: string | undefined,
  named: RegExp,
])[] = [
  [{ EXPORT_PORT: '0' }, undefined, /EXPORT_PORT is "0"/],
  [{ EXPORT_PORT: 'http' }, undefined, /EXPORT_PORT is "http"/],
  [{ CENTRAL_API_URL: 'http://central.example' }, undefined, /CENTRAL_API_URL is/],
  [{ CENTRAL_API_URL: 'https://me:pw@central.example' }, undefined, /CENTRAL_API_URL contains a user/],
  [{ CENTRAL_API_URL: 'https://central.example/?' }, undefined, /CENTRAL_API_URL contains/],
  [{ CENTRAL_API_URL: 'https://central.example#' }, undefined, /CENTRAL_API_URL contains/],
  [{ CENTRAL_API_URL: 'https://central.example/a?b=c' }, undefined, /CENTRAL_API_URL contains/],
  [{ CENTRAL_API_URL: 'https://central.example:0' }, undefined, /CENTRAL_API_URL has the port 0/],
  [{ TIER_API_URL: 'http://localhost:0' }, undefined, /TIER_API_URL has the port 0/],
  [{ TIER_API_URL: 'http://elsewhere.example' }, undefined, /TIER_API_URL is/],
  [{ EXPORT_SIGNALK_URL: 'http://192.168.1.5:3000' }, undefined, /EXPORT_SIGNALK_URL is/],
  [{ EXPORT_SIGNALK_URL: 'https://localhost' }, undefined, /EXPORT_SIGNALK_URL is/],
  [{ EXPORT_WEBHOOK_URL: 'http://a.example' }, undefined, /EXPORT_WEBHOOK_URL is not https/],
  [{ EXPORT_WEBHOOK_URL: 'http://192.168.1.5' }, undefined, /EXPORT_WEBHOOK_URL is not https/],
  [{ EXPORT_WEBHOOK_URL: 'https://169.254.169.254/latest' }, undefined, /cannot belong to a receiver/],
  [{ EXPORT_WEBHOOK_URL: 'https://[fe80::1]/' }, undefined, /cannot belong to a receiver/],
  [{ EXPORT_WEBHOOK_URL: 'https://[::ffff:169.254.169.254]/' }, undefined, /cannot belong to a receiver/],
  [{ EXPORT_WEBHOOK_URL: 'https://0/' }, undefined, /cannot belong to a receiver/],
  [{ EXPORT_WEBHOOK_URL: 'https://2852039166/' }, undefined, /cannot belong to a receiver/],
  [{ EXPORT_WEBHOOK_URL: 'https://a.example/#x' }, undefined, /fragment/],
  [{ EXPORT_TIMEZONE: 'Mars/Olympus' }, undefined, /EXPORT_TIMEZONE is/],
  [{ D3KOS_ROOT: 'relative' }, undefined, /D3KOS_ROOT is/],
  [{}, '{"prot":1}', /unknown key "prot"/],
  [{}, '{"port":"8094"}', /export\.json: port/],
  [{}, '[]', /export\.json/],
  [{}, '{', /is not valid JSON/],
];
for (const [environment, file, named] of refused)
  test(`refuses ${JSON.stringify(environment)} with ${file ?? 'no file'}, naming the key and the fix`, () => {
    assert.throws(
      () => parseConfig(environment, file),
      (error) => isExportError(error, 'CONFIG_INVALID') && named.test(error.message) && error.hint !== '',
    );
  });

const PASSWORD = 'sunk-cost-7';
for (const [environment, file] of [
  [{ CENTRAL_API_URL: `https://me:${PASSWORD}@[` }, undefined],
  [{ CENTRAL_API_URL: `https://me:${PASSWORD}@central.example:99999` }, undefined],
  [{ CENTRAL_API_URL: `https://me:${PASSWORD}@${'a'.repeat(5_000)}` }, undefined],
  [{ EXPORT_TIMEZONE: `https://me:${PASSWORD}@central.example` }, undefined],
  [{ EXPORT_PORT: `https://me:${PASSWORD}@central.example` }, undefined],
  [{ EXPORT_WEBHOOK_URL: `ftp://a.example/${PASSWORD}` }, undefined],
  [{ EXPORT_WEBHOOK_URL: `https://a.example/${PASSWORD}${'a'.repeat(300)}` }, undefined],
  [{ EXPORT_DAILY_HOUR: `3 https://me:${PASSWORD}@central.example` }, undefined],
  [{ TIER_API_URL: `http//me:${PASSWORD}@localhost` }, undefined],
  [{}, JSON.stringify({ central_api_url: `https://me:${PASSWORD}@[` })],
  [{}, `{"central_api_url":"https://me:${PASSWORD}@central.example",}`],
] as const)
  test(`never shows the password in a URL that it refuses: ${JSON.stringify([environment, file]).slice(0, 80)}`, () => {
    assert.throws(
      () => parseConfig(environment, file),
      (error) => isExportError(error, 'CONFIG_INVALID') && !inspect(error, { depth: 9 }).includes(PASSWORD),
    );
  });
