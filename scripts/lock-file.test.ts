import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const readJson = (name: string): Record<string, Record<string, unknown>> =>
  JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as Record<string, Record<string, unknown>>;

test('the lock file has the digest of every package that setup installs', () => {
  const packages = Object.entries(readJson('package-lock.json')['packages'] ?? {});
  const installed = packages.filter(([path]) => path.includes('node_modules/'));
  assert.ok(installed.length > 100);
  for (const [path, facts] of installed) {
    const { link, integrity, resolved } = facts as Readonly<Record<string, unknown>>;
    if (link === true) continue;
    assert.match(String(integrity), /^sha512-[A-Za-z0-9+/]{86}==$/, path);
    // Without a URL, npm uses the configured registry.
    assert.match(String(resolved ?? 'https:'), /^https:/, path);
  }
});

test('every dependency has an exact version', () => {
  for (const name of ['package.json', ...globSync('packages/*/package.json', { cwd: ROOT })]) {
    const manifest = readJson(name);
    for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies'])
      for (const [dependency, version] of Object.entries(manifest[kind] ?? {}))
        assert.match(
          String(version),
          /^[0-9]+\.[0-9]+\.[0-9]+(?:-[a-z0-9.]+)?$|^workspace:|^\*$/,
          `${name}: ${dependency}`,
        );
  }
});
