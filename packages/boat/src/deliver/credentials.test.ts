import assert from 'node:assert/strict';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createDisk } from '../platform/disk.ts';
import { loadCredentials } from './credentials.ts';

const TOKEN = 'device-token-of-the-tests-0123456789';

test('does not use a token that other users can read or change, and explains the fix without showing the token', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-credentials-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'export-credentials.json');
  writeFileSync(path, JSON.stringify({ token: TOKEN }));
  for (const mode of [0o666, 0o644, 0o640, 0o620, 0o604, 0o602]) {
    chmodSync(path, mode);
    const found = await loadCredentials(createDisk(), [path]);
    assert.ok(found.kind === 'none' && found.code === 'CREDENTIALS_INVALID', mode.toString(8));
    assert.match(found.detail, /chmod 600/);
    assert.ok(!found.detail.includes(TOKEN));
  }
  // The file's mode counts, not the mode of a link to it.
  symlinkSync(path, join(folder, 'link'));
  chmodSync(path, 0o644);
  assert.equal((await loadCredentials(createDisk(), [join(folder, 'link')])).kind, 'none');
  for (const mode of [0o600, 0o400]) {
    chmodSync(path, mode);
    assert.deepEqual(await loadCredentials(createDisk(), [path]), { kind: 'token', token: TOKEN });
    assert.deepEqual(await loadCredentials(createDisk(), [join(folder, 'link')]), {
      kind: 'token',
      token: TOKEN,
    });
  }
});

test('prefers a token from enrolment to one that a person wrote, and never skips an unusable file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'd3kos-credentials-'));
  t.after(() => rm(folder, { recursive: true }));
  const [enrolled, written] = [join(folder, 'enrolled.json'), join(folder, 'written.json')];
  const load = () => loadCredentials(createDisk(), [enrolled, written]);
  const missing = await load();
  assert.ok(missing.kind === 'none' && missing.code === 'CREDENTIALS_MISSING');
  const other = 'another-device-token-of-the-tests';
  writeFileSync(written, JSON.stringify({ token: TOKEN }), { mode: 0o600 });
  assert.deepEqual(await load(), { kind: 'token', token: TOKEN });
  writeFileSync(enrolled, JSON.stringify({ token: other }), { mode: 0o600 });
  assert.deepEqual(await load(), { kind: 'token', token: other });
  writeFileSync(enrolled, '{');
  const damaged = await load();
  assert.ok(damaged.kind === 'none' && damaged.code === 'CREDENTIALS_INVALID');
  assert.ok(damaged.detail.includes(enrolled));
});
