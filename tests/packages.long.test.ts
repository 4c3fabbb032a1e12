// Builds the packages twice and compares them, checks their content, and creates a signed apt repository from them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { listCommands } from '../packages/boat/src/cli/arguments.ts';
import { COMMANDS } from '../packages/central/src/cli/command-table.ts';
import { toBoatManual, toCentralManual } from '../scripts/package/manual.ts';

const folder = mkdtempSync(join(tmpdir(), 'd3kos-packages-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const isMissing = (program: string): boolean => spawnSync(program, ['--version']).error !== undefined;
const missing = ['dpkg-deb', 'x86_64-linux-gnu-strip', 'aarch64-linux-gnu-strip'].filter(isMissing);
const withoutTools = missing.length > 0 && `${missing.join(', ')} not installed`;

/** Runs a program with a umask, requires it to succeed, and returns its output. */
function run(umask: string, program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', `umask ${umask}; exec "$@"`, 'sh', program, ...args],
    {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, GNUPGHOME: join(folder, 'gnupg') },
    },
  );
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stderr}`);
  return stdout;
}

function build(umask: string, out: string, ...more: readonly string[]): Readonly<Record<string, string>> {
  const main = join(import.meta.dirname, '..', 'scripts', 'package', 'main.ts');
  run(umask, process.execPath, '--conditions=development', main, '--fast', '--out', out, ...more);
  const digest = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(out, file)))
      .digest('hex');
  return Object.fromEntries(readdirSync(out).map((file) => [file, digest(file)]));
}

test(
  'two builds in different folders and with different umasks are byte-identical',
  { skip: withoutTools },
  () => {
    const first = build('022', join(folder, 'first'));
    assert.deepEqual(Object.keys(first).sort(), [
      ...['amd64', 'arm64'].map((name) => `d3kos-central_0.1.0_${name}.deb`),
      ...['amd64', 'arm64'].map((name) => `d3kos-export_0.1.0_${name}.deb`),
    ]);
    assert.deepEqual(build('077', join(folder, 'second')), first);
  },
);

test(
  'every file in the packages belongs to root, and no other user can write to it',
  { skip: withoutTools },
  () => {
    for (const file of readdirSync(join(folder, 'first'))) {
      const lines = run('022', 'dpkg-deb', '--contents', join(folder, 'first', file))
        .trim()
        .split('\n');
      assert.deepEqual(
        lines.filter((line) => !/^(?:[-d]rw[-x]r-[-x]r-[-x]|lrwxrwxrwx) root\/root /.test(line)),
        [],
      );
    }
  },
);

test(
  'the repository has an index of every package, and its signature is valid',
  { skip: withoutTools || (['gpg', 'apt-ftparchive'].find(isMissing) ?? false) },
  () => {
    mkdirSync(join(folder, 'gnupg'), { mode: 0o700 });
    const key = 'd3kos test <test@d3kos.example>';
    run('077', 'gpg', '--batch', '--passphrase', '', '--quick-generate-key', key, 'ed25519', 'sign', 'never');
    const repo = join(folder, 'apt');
    build('022', join(folder, 'third'), '--repo', repo, '--key', 'test@d3kos.example');
    const suite = join(repo, 'dists', 'stable');
    run('022', 'gpg', '--verify', join(suite, 'Release.gpg'), join(suite, 'Release'));
    run('022', 'gpg', '--verify', join(suite, 'InRelease'));
    for (const architecture of ['amd64', 'arm64']) {
      const index = readFileSync(join(suite, 'main', `binary-${architecture}`, 'Packages'), 'utf8');
      for (const name of ['d3kos-export', 'd3kos-central']) {
        const path = `pool/main/${name}_0.1.0_${architecture}.deb`;
        const digest = createHash('sha256')
          .update(readFileSync(join(repo, path)))
          .digest('hex');
        assert.ok(index.includes(`Filename: ${path}`) && index.includes(`SHA256: ${digest}`), index);
      }
    }
    run('077', 'gpgconf', '--kill', 'all');
  },
);

test('the manual pages describe every command, and man formats them without a warning', (context) => {
  const boat = toBoatManual('0.1.0');
  for (const names of listCommands().slice(1))
    assert.ok(boat.includes(`.SS d3kos\\-export ${names.join(' ').replaceAll('-', '\\-')}`), names.join(' '));
  const central = toCentralManual('0.1.0');
  for (const name of Object.keys(COMMANDS))
    assert.ok(central.includes(`.SS d3kos\\-central ${name.replaceAll('-', '\\-')}`), name);
  if (isMissing('groff')) return context.skip('groff is not installed');
  for (const page of [boat, central]) {
    const path = join(folder, 'page.1');
    writeFileSync(path, page);
    const { stderr } = spawnSync('groff', ['-man', '-ww', '-Tutf8', path], { encoding: 'utf8' });
    assert.equal(stderr, '');
  }
});
