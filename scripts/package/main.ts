// `npm run package [-- --repo DIR --key KEY] [--out DIR] [--arch ARCH] [--fast]`: builds the Debian packages.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseOptions } from '../parse-options.ts';
import { bundlePrograms } from '../bundle-programs.ts';
import { writeAptRepository } from './apt-repository.ts';
import { buildDeb } from './build-deb.ts';
import { ARCHITECTURES, type Architecture, runTool } from './inputs.ts';
import { toBoatPackage, toCentralPackage } from './programs.ts';

const ROOT = join(import.meta.dirname, '..', '..');

const USAGE = `Usage: npm run package [-- OPTIONS]

Builds d3kos-export and d3kos-central as Debian packages and prints their sizes.

  --out DIR    folder for the packages; default: dist/packages
  --arch ARCH  build only for amd64 or arm64
  --fast       compress quickly, for tests; the packages are larger
  --repo DIR   also write a signed apt repository, which any web server can serve
  --key KEY    the gpg key that signs it
`;

const { values } = parseOptions(USAGE, () =>
  parseArgs({
    options: {
      out: { type: 'string', default: join(ROOT, 'dist', 'packages') },
      arch: { type: 'string' },
      fast: { type: 'boolean', default: false },
      repo: { type: 'string' },
      key: { type: 'string' },
    },
  }),
);

/** Returns the Debian packages that contain the missing programs, for the hint. */
function findMissing(architectures: readonly Architecture[]): readonly string[] {
  const needed: readonly (readonly [program: string, debianPackage: string])[] = [
    ['dpkg-deb', 'dpkg'],
    ['tar', 'tar'],
    ...architectures.map(
      ({ triplet }) => [`${triplet}-strip`, `binutils-${triplet.replace('_', '-')}`] as const,
    ),
    ...(values.repo === undefined
      ? []
      : ([
          ['apt-ftparchive', 'apt-utils'],
          ['gpg', 'gpg'],
        ] as const)),
  ];
  return needed.flatMap(([program, name]) =>
    spawnSync(program, ['--version']).error === undefined ? [] : [name],
  );
}

/** Every file has the commit's timestamp, so that two builds of one commit are identical. */
function readTimeS(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  return Number(given ?? runTool('git', ['log', '-1', '--format=%ct'], { cwd: ROOT }).trim());
}

async function main(): Promise<number> {
  const architectures = ARCHITECTURES.filter(
    ({ debian }) => values.arch === undefined || values.arch === debian,
  );
  if (architectures.length === 0) {
    console.error(`package: there is no package for ${values.arch}; use amd64 or arm64`);
    return 2;
  }
  if (values.repo !== undefined && values.key === undefined) {
    console.error('package: --repo needs --key, the gpg key that signs the repository');
    return 2;
  }
  const missing = findMissing(architectures);
  if (missing.length > 0) {
    console.error(`package: programs are missing. Install them: sudo apt-get install ${missing.join(' ')}`);
    return 1;
  }
  // The repository's manifest has a version.
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const bundles = mkdtempSync(join(tmpdir(), 'd3kos-package-'));
  try {
    const build = { version, bundles, metafile: bundlePrograms(bundles) };
    const options = {
      folder: resolve(values.out),
      timeS: readTimeS(),
      compression: values.fast ? ('zstd' as const) : ('xz' as const),
    };
    const debs: string[] = [];
    for (const architecture of architectures)
      for (const toPackage of [toBoatPackage, toCentralPackage])
        debs.push(buildDeb(await toPackage(build, architecture), options));
    for (const deb of debs)
      console.log(`${(statSync(deb).size / 1_000_000).toFixed(1).padStart(6)} MB  ${deb}`);
    if (values.repo !== undefined && values.key !== undefined) {
      writeAptRepository(resolve(values.repo), debs, values.key);
      console.log(`apt repository: ${resolve(values.repo)}`);
    }
    return 0;
  } finally {
    rmSync(bundles, { recursive: true });
  }
}

process.exitCode = await main();
