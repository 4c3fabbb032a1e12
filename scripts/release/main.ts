// `npm run release -- VERSION --key KEY`: checks, tests, builds twice, compares, signs and lists a release.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions } from '../parse-options.ts';
import { writeAptRepository } from '../package/apt-repository.ts';
import { runTool } from '../package/inputs.ts';
import { type Checkout, findObstacles, toChangelogSection } from './checks.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const USAGE = `Usage: npm run release -- VERSION --key KEY [OPTIONS]

Checks the checkout, runs the tests, builds both packages for both architectures twice and compares the bytes, and writes
the packages with SHA256SUMS, its signature and RELEASE.md. Changes nothing in the checkout.

  --key KEY     the gpg key that signs; it must exist, because no key is created
  --out DIR     folder for the release; default: dist/release/VERSION
  --repo DIR    also add the packages to an apt repository, signed with the same key
  --skip-tests  do not run the tests
  --fast        compress quickly, for a rehearsal; the packages are larger
`;

const { values, positionals } = parseOptions(USAGE, () =>
  parseArgs({
    allowPositionals: true,
    options: {
      key: { type: 'string' },
      out: { type: 'string' },
      repo: { type: 'string' },
      'skip-tests': { type: 'boolean', default: false },
      fast: { type: 'boolean', default: false },
    },
  }),
);

function readCheckout(version: string): Checkout {
  const git = (...args: readonly string[]): string => runTool('git', args, { cwd: ROOT });
  // The repository's manifest has a version.
  const { version: packageVersion } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const tag = git('tag', '--list', `v${version}`).trim();
  return {
    packageVersion,
    changelog: readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'),
    status: git('status', '--porcelain'),
    commit: git('rev-parse', 'HEAD').trim(),
    taggedCommit: tag === '' ? undefined : git('rev-list', '-n', '1', tag).trim(),
  };
}

/** Runs a script of this checkout with its output on this terminal. Throws if it fails. */
function runScript(...args: readonly string[]): void {
  const options = ['--conditions=development', '--disable-warning=ExperimentalWarning'];
  const { status } = spawnSync(process.execPath, [...options, ...args], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}. Nothing was released`);
}

function digestsOf(folder: string): ReadonlyMap<string, string> {
  const digest = (file: string): string =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex');
  return new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith('.deb'))
      .toSorted()
      .map((file) => [file, digest(file)]),
  );
}

/** Builds the packages twice in two folders. Throws if a byte differs. Returns the digests of the packages in `folder`. */
function buildTwice(folder: string): ReadonlyMap<string, string> {
  const again = join(folder, 'again');
  for (const out of [folder, again])
    runScript(join('scripts', 'package', 'main.ts'), '--out', out, ...(values.fast ? ['--fast'] : []));
  const first = digestsOf(folder);
  const second = digestsOf(again);
  const different = [...first].filter(([file, digest]) => second.get(file) !== digest).map(([file]) => file);
  if (first.size === 0 || different.length > 0 || second.size !== first.size)
    throw new Error(`two builds differ: ${different.join(', ')}. Compare the folders ${folder} and ${again}`);
  rmSync(again, { recursive: true });
  return first;
}

function writeRelease(folder: string, version: string, checkout: Checkout, key: string): void {
  const digests = buildTwice(folder);
  const sums = join(folder, 'SHA256SUMS');
  writeFileSync(sums, [...digests].map(([file, digest]) => `${digest}  ${file}\n`).join(''));
  const options = ['--batch', '--yes', '--local-user', key, '--armor', '--detach-sign'];
  runTool('gpg', [...options, '--output', `${sums}.asc`, sums]);
  const rows = [...digests].map(
    ([file, digest]) => `| \`${file}\` | ${statSync(join(folder, file)).size} | \`${digest}\` |\n`,
  );
  const list = `# d3kOS export ${version}

Commit ${checkout.commit}. Both builds of each package had the same bytes.

| file | bytes | SHA-256 |
|---|---|---|
${rows.join('')}
${toChangelogSection(version, checkout.changelog) ?? ''}
`;
  writeFileSync(join(folder, 'RELEASE.md'), list);
  process.stdout.write(list);
}

/** True if gpg can sign with the key. */
function canSign(key: string): boolean {
  const { status, error } = spawnSync('gpg', ['--batch', '--list-secret-keys', key]);
  if (error !== undefined) throw new Error('gpg is not installed. Install it: sudo apt-get install gpg');
  return status === 0;
}

function main(): number {
  const [version] = positionals;
  if (version === undefined || positionals.length > 1) {
    process.stderr.write(`release: expected one version, such as 1.2.0\n\n${USAGE}`);
    return 2;
  }
  if (values.key === undefined) {
    console.error('release: --key is missing. It selects the gpg key that signs; no key is created');
    return 2;
  }
  const checkout = readCheckout(version);
  const out = resolve(values.out ?? join(ROOT, 'dist', 'release', version));
  const obstacles = [
    ...findObstacles(version, checkout),
    ...(canSign(values.key) ? [] : [`gpg has no secret key ${values.key}. Import it, or name another one`]),
    ...(existsSync(out) ? [`${out} exists. Remove it, or choose another folder with --out`] : []),
  ];
  for (const obstacle of obstacles) console.error(`release: ${obstacle}`);
  if (obstacles.length > 0) return 1;
  if (values['skip-tests']) console.error('release: WARNING: the tests were not run');
  else runScript(join('scripts', 'test.ts'));
  if (values.fast)
    console.error('release: WARNING: the packages are compressed for a rehearsal, not for a release');
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  writeRelease(partial, version, checkout, values.key);
  renameSync(partial, out);
  if (values.repo !== undefined) {
    const debs = [...digestsOf(out).keys()].map((file) => join(out, file));
    writeAptRepository(resolve(values.repo), debs, values.key);
  }
  console.log(
    `Released to ${out}. Publish it, and tag the commit: git tag -s v${version} ${checkout.commit}`,
  );
  return 0;
}

process.exitCode = main();
