import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { temporaryRoot } from '../testing/temporary-root.ts';
import { runProgram } from './testing/cli-run.ts';
import { createSteppedClock } from './testing/stepped-clock.ts';

const CREDENTIALS = '/opt/d3kos/config/export-credentials.json';
const EXPORTS = '/opt/d3kos/data/exports';
const TOKEN = 'dvt_0123456789abcdef0123456789';

type Files = Readonly<Record<string, string | Error>>;

/** Runs the command while no export manager is running. Every doctor answer and every log line contains `leaked`. */
async function makeBundle(files: Files, leaked: string, ...argv: readonly string[]) {
  const run = await runProgram(['support-bundle', '--json', ...argv], {
    clock: createSteppedClock(),
    port: 9,
    environment: { EXPORT_WEBHOOK_URL: 'https://hooks.example/abc?k=p%40ssw0rd-x' },
    files,
    diagnosis: { success: true, findings: [{ [leaked]: leaked }] },
    logLines: [`info a message with ${leaked}`],
  });
  const text = run.stdout.join('\n');
  return { text, bundle: JSON.parse(text), notes: run.stderr.join('\n') };
}

const unreadable = (code: string): Error => Object.assign(new Error(`${code}: no`), { code });

for (const [name, path, code] of [
  ['another user may not read', CREDENTIALS, 'EACCES'],
  ['a failing card cannot read', `${EXPORTS}/export-credentials.json`, 'EIO'],
  ['is a pipe', `${EXPORTS}/signalk-access.json`, 'ESPIPE'],
  ['is a folder', `${EXPORTS}/export-credentials.pending.json`, 'EISDIR'],
  ['is the bundle key, unreadable', `${EXPORTS}/bundle_key.pem`, 'EACCES'],
] as const)
  test(`a secret that cannot be read never reaches the support bundle: a file that ${name}`, async () => {
    const { text, bundle, notes } = await makeBundle({ [path]: unreadable(code) }, TOKEN);
    assert.ok(!text.includes(TOKEN), text);
    for (const part of [bundle.status, bundle.doctor, bundle.queue, bundle.history])
      assert.match(part.unavailable, /cannot be read/);
    assert.match(bundle.log.unreadable, /cannot be read/);
    assert.equal(bundle.machine.architecture, 'arm64');
    assert.match(notes, /Run the command with sudo/);
  });

const LONG = 'x'.repeat(1_985);

for (const [name, files, secret, leaked] of [
  [
    'with escapes in its file',
    { [CREDENTIALS]: '{"token":"dvt\\u005f0123456789\\/abcdef"}' },
    '0123456789/abcdef',
    'dvt_0123456789/abcdef',
  ],
  ['from a damaged file', { [CREDENTIALS]: `{"token": ${TOKEN}` }, TOKEN, TOKEN],
  [
    'where a long string is truncated',
    { [CREDENTIALS]: `{"token":"${TOKEN}"}` },
    'dvt_012345',
    `${LONG}${TOKEN}`,
  ],
  [
    'that a URL encodes',
    { [CREDENTIALS]: '{"token":"abc/def+ghi=jkl&mno"}' },
    'def%2Bghi',
    'q=abc%2Fdef%2Bghi%3Djkl%26mno',
  ],
  [
    'that is a line of the key',
    { [`${EXPORTS}/bundle_key.pem`]: '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n' },
    'MC4CAQAwBQ',
    'MC4CAQAwBQYDK2VwBCIEIJ',
  ],
  ['in a short webhook URL', {}, '/abc?k', 'https://hooks.example/abc?k=p%40ssw0rd-x'],
  ['in a webhook parameter, as written', {}, 'p%40ssw0rd', 'p%40ssw0rd-x'],
  ['in a webhook parameter, decoded', {}, 'p@ssw0rd', 'p@ssw0rd-x'],
] as const satisfies readonly (readonly [string, Files, string, string])[])
  test(`no part of a secret reaches the support bundle: a secret ${name}`, async () => {
    const { text, bundle } = await makeBundle(files, leaked);
    assert.ok(!text.includes(secret), text);
    assert.match(bundle.log.lines[0], /a message with/);
    assert.ok('findings' in bundle.doctor);
  });

test('ordinary words and member names from a file with a secret stay in the support bundle', async () => {
  const files = {
    [`${EXPORTS}/signalk-access.json`]: '{"state":"requested","path":"/signalk/v1/requests/1"}',
    [CREDENTIALS]: `{"token":"${TOKEN}","token_id":"0123456789ab","installation_id":null}`,
  };
  const { bundle } = await makeBundle(files, 'an export was requested: token_id, installation_id');
  assert.match(bundle.log.lines[0], /an export was requested: token_id, installation_id/);
});

test('the support bundle file cannot control the terminal that displays it', async () => {
  const file = join(temporaryRoot('support-bundle'), 'support.json');
  await makeBundle({}, '\u009b2J\u202e\u2028', '--write', file);
  const text = readFileSync(file, 'utf8');
  assert.doesNotMatch(text, /[\u007f-\u009f\u202e\u2028]/);
  assert.match(JSON.parse(text).log.lines[0], /\u009b2J\u202e\u2028/);
});
