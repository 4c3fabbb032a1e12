// Runs `npm run release` with a temporary key in a clone of the checkout.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const KEY = 'release@d3kos.example';
const folder = mkdtempSync(join(tmpdir(), 'd3kos-release-'));
const clone = join(folder, 'clone');
const out = join(folder, 'release');
const environment = {
  ...process.env,
  GNUPGHOME: join(folder, 'gnupg'),
  GIT_AUTHOR_NAME: 'Test',
  GIT_AUTHOR_EMAIL: KEY,
  GIT_COMMITTER_NAME: 'Test',
  GIT_COMMITTER_EMAIL: KEY,
};
after(() => {
  spawnSync('gpgconf', ['--kill', 'all'], { env: environment });
  rmSync(folder, { recursive: true, force: true });
});

const isMissing = (program: string): boolean => spawnSync(program, ['--version']).error !== undefined;
const missing = [
  'git',
  'gpg',
  'dpkg-deb',
  'apt-ftparchive',
  'x86_64-linux-gnu-strip',
  'aarch64-linux-gnu-strip',
].filter(isMissing);

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: folder,
    env: environment,
  });
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stderr}`);
  return stdout;
}

function release(
  version: string,
  ...options: readonly string[]
): { readonly code: number | null; readonly output: string } {
  const program = join(clone, 'scripts', 'release', 'main.ts');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=development', program, version, '--out', out, '--skip-tests', '--fast', ...options],
    { encoding: 'utf8', env: environment },
  );
  return { code: status, output: `${stdout}${stderr}` };
}

test(
  'one command checks, builds twice, signs and lists a release',
  { skip: missing.length > 0 && `${missing.join(', ')} not installed` },
  () => {
    run('git', 'clone', '--quiet', '--depth', '1', `file://${ROOT}`, clone);
    symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
    appendFileSync(join(clone, '.git', 'info', 'exclude'), 'node_modules\n');
    // As scripts/setup.mjs does for `npm run`.
    run(process.execPath, join(clone, 'scripts', 'bundle-pages.mjs'));
    const manifest = join(clone, 'package.json');
    // The repository's manifest has a version.
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly version: string };

    const without = release(version);
    assert.equal(without.code, 2);
    assert.match(without.output, /--key is missing/);
    const changelog = join(clone, 'CHANGELOG.md');
    writeFileSync(changelog, `# Changelog\n\n## [${version}] - 2026-06-01\n\n### Added\n- Everything.\n`);
    const early = release(version, '--key', KEY);
    assert.equal(early.code, 1);
    assert.match(early.output, /not committed[^]*CHANGELOG\.md/);
    assert.match(early.output, new RegExp(`gpg has no secret key ${KEY}`));

    run('git', '-C', clone, 'commit', '--quiet', '--all', '--message', 'Release');
    spawnSync('mkdir', ['-m', '0700', join(folder, 'gnupg')]);
    run(
      'gpg',
      '--batch',
      '--passphrase',
      '',
      '--quick-generate-key',
      `Test <${KEY}>`,
      'ed25519',
      'sign',
      'never',
    );
    const done = release(version, '--key', KEY, '--repo', join(folder, 'apt'));
    assert.equal(done.code, 0, done.output);
    assert.match(done.output, /WARNING: the tests were not run/);
    const debs = ['d3kos-central', 'd3kos-export'].flatMap((name) =>
      ['amd64', 'arm64'].map((architecture) => `${name}_${version}_${architecture}.deb`),
    );
    assert.deepEqual(
      readdirSync(out).toSorted(),
      ['RELEASE.md', 'SHA256SUMS', 'SHA256SUMS.asc', ...debs].toSorted(),
    );
    run('gpg', '--verify', join(out, 'SHA256SUMS.asc'), join(out, 'SHA256SUMS'));
    run('sh', '-c', `cd ${out} && sha256sum --check --strict SHA256SUMS`);
    const list = readFileSync(join(out, 'RELEASE.md'), 'utf8');
    for (const text of [...debs, run('git', '-C', clone, 'rev-parse', 'HEAD').trim(), '- Everything.'])
      assert.ok(list.includes(text), text);
    run('gpg', '--verify', join(folder, 'apt', 'dists', 'stable', 'InRelease'));

    const twice = release(version, '--key', KEY);
    assert.equal(twice.code, 1);
    assert.match(twice.output, /exists\. Remove it/);
  },
);
