import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildOnce } from '../../scripts/build-once.ts';
import { replaceFile } from '../../scripts/replace-file.mjs';

const execute = promisify(execFile);

/** The Debian suite that Raspberry Pi OS uses, and the packages that the tests need on a boat. */
const SUITE = 'trixie';
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'iproute2', 'ca-certificates', 'procps'],
  ...['network-manager', 'nginx', 'curl', 'jq', 'python3', 'sudo', 'zstd'],
];

/** Timeout for building the root, which takes 66 s on an idle machine and five times as long on a busy one. */
const BUILD_MAX_MS = 10 * 60_000;

/** Configures the root like a new card: a host name, known hosts, an empty machine ID and no resolver. */
const CUSTOMIZE = [
  'echo boat > "$1/etc/hostname"',
  'printf "127.0.0.1 localhost\\n127.0.1.1 boat\\n10.77.0.1 central.lan\\n" > "$1/etc/hosts"',
  ': > "$1/etc/machine-id"',
  'rm -f "$1/etc/resolv.conf"',
].join('; ');

/** Runs a program until it exits and returns its output. Rejects with its error output if it fails. */
export async function runHost(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await execute(program, [...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/**
 * Returns why no system can be booted on this machine, or which of the programs in `others` is missing. Undefined if nothing
 * prevents it.
 */
export function findBootObstacle(...others: readonly string[]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can boot a system';
  const missing = ['systemd-nspawn', 'nsenter', 'ip', 'mount', 'dpkg-deb', 'openssl', ...others].filter(
    (program) => spawnSync(program, ['--version']).error !== undefined,
  );
  if (missing.length > 0)
    return `${missing.join(', ')} not installed (apt-get install systemd-container iproute2 openssl gpg apt-utils)`;
  if (!existsSync(ROOT_FOLDER) && spawnSync('mmdebstrap', ['--version']).error !== undefined)
    return 'mmdebstrap is not installed (apt-get install mmdebstrap)';
  if (spawnSync('unshare', ['--mount', '--net', 'true']).status !== 0)
    return 'this machine does not allow namespaces';
  return tryOverlay();
}

function tryOverlay(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-overlay-'));
  try {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(folder, name));
    const options = `lowerdir=${folder}/lower,upperdir=${folder}/upper,workdir=${folder}/work`;
    const { status } = spawnSync('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      options,
      join(folder, 'merged'),
    ]);
    if (status === 0) spawnSync('umount', [join(folder, 'merged')]);
    return status === 0 ? undefined : `overlay mounts are refused below ${tmpdir()}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The cache of roots. The cache is outside the checkout, so that neither `git clean` nor copies of the checkout affect it. */
export const LAB_CACHE = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'd3kos-export',
  'boot-lab',
);
const KEY = createHash('sha256')
  .update(`${SUITE} ${PACKAGES.join(' ')} ${CUSTOMIZE}`)
  .digest('hex')
  .slice(0, 12);
const ROOT_FOLDER = join(LAB_CACHE, `root-${SUITE}-${KEY}`);

/**
 * Returns the folder of a Debian system, built from this machine's own apt sources unless it is in the cache. Do not change it:
 * machines mount it as the lower layer of an overlay.
 */
export function buildRoot(): Promise<string> {
  return buildOnce(ROOT_FOLDER, async (root) => {
    const sources = join(LAB_CACHE, `${SUITE}.sources`);
    replaceFile(sources, toDebianSources(SUITE));
    await execute(
      'mmdebstrap',
      [
        ...['--mode=root', '--variant=minbase', '--format=directory', `--include=${PACKAGES.join(',')}`],
        ...['Acquire::Languages "none"', 'Acquire::Check-Valid-Until "false"'].map(
          (option) => `--aptopt=${option}`,
        ),
        ...['doc', 'man', 'locale'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
        `--customize-hook=${CUSTOMIZE}`,
        ...[SUITE, root, sources],
      ],
      { timeout: BUILD_MAX_MS, maxBuffer: 64 * 1024 * 1024 },
    );
  });
}

/**
 * Returns the machine's apt sources with `suite` in place of the machine's own. mmdebstrap reads only the sources it is given.
 */
export function toDebianSources(suite: string): string {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const folder = '/etc/apt/sources.list.d';
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.sources'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .filter((text) => text.includes(codename));
  if (texts.length === 0) throw new Error(`no file in ${folder} names the suite ${codename}`);
  return texts.join('\n\n').replaceAll(codename, suite);
}
