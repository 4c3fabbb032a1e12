import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { replaceFile } from '../scripts/replace-file.mjs';
import { LAB_CACHE, toDebianSources } from '../tests/support/booted-root.ts';
import { takeFromCache } from './lab-cache.ts';

const execute = promisify(execFile);

/** The Debian suite that Raspberry Pi OS uses. */
export const SUITE = 'trixie';
/**
 * The packages that build and run the boat. dbus, procps and systemd are included because the boat packages' installation scripts
 * run with this system's programs.
 */
const PACKAGES = [
  ...['mmdebstrap', 'qemu-system-arm', 'e2fsprogs', 'kmod', 'cpio', 'xz-utils', 'ca-certificates', 'udev'],
  ...['systemd', 'systemd-sysv', 'dbus', 'procps'],
];
/**
 * Timeout for a program in the builder. The slowest one builds the boat's system, which takes 90 s on an idle machine and 8
 * minutes on a busy one.
 */
const BUILD_MAX_MS = 30 * 60_000;

/** Options of mmdebstrap that keep the system small, and tolerate a wrong clock or expired package lists on the mirror. */
export const DEBIAN_OPTIONS = [
  '--variant=minbase',
  '--format=directory',
  '--aptopt=Acquire::Languages "none"',
  '--aptopt=Acquire::Check-Valid-Until "false"',
  '--aptopt=Acquire::Check-Date "false"',
  '--aptopt=APT::Install-Recommends "false"',
  ...['doc', 'man', 'locale'].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
];

/**
 * Runs one program with low priority in its own mount namespace, so that its mounts end with it even if it is killed. It is
 * killed when this process ends.
 */
const OWN_MOUNTS = [
  ...(['setpriv', '--pdeathsig', 'KILL', 'nice', '-n', '5'] as const),
  ...(['unshare', '--mount', '--propagation', 'private'] as const),
] as const;
/** The same for a program that starts other programs: its own process namespace ensures that they are killed with it. */
const OWN_PROCESSES = [...OWN_MOUNTS, '--pid', '--fork', '--kill-child', '--mount-proc'] as const;

/** Host folders, by their path in the builder. */
export type Shared = Readonly<Record<string, string>>;

/** A Debian system of the host's architecture, whose programs build the boat's system and run the emulator. */
export interface Builder {
  /** Runs a shell script as root and returns its output. */
  run(script: string, shared: Shared): Promise<string>;
  /** Starts a program with low priority. It is killed when this process ends. The caller must read its output. */
  start(
    program: string,
    args: readonly string[],
    shared: Shared,
    environment?: Readonly<Record<string, string>>,
  ): ChildProcess;
}

/** Returns the reason why the lab cannot run on this machine, or undefined if it can. */
export function findLabObstacle(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return "only root on Linux can build the boat's system";
  const needed = [
    ['mmdebstrap', 'mmdebstrap'],
    ['unshare', 'util-linux'],
    ['setpriv', 'util-linux'],
    ['openssl', 'openssl'],
    ['dpkg-deb', 'dpkg'],
    ['aarch64-linux-gnu-strip', 'binutils-aarch64-linux-gnu'],
  ] as const;
  const missing = needed.filter(([program]) => spawnSync(program, ['--version']).error !== undefined);
  if (missing.length > 0)
    return `${missing.map(([program]) => program).join(', ')} not installed (apt-get install ${[...new Set(missing.map(([, name]) => name))].join(' ')})`;
  if (spawnSync('unshare', ['--mount', '--propagation', 'private', 'true']).status !== 0)
    return 'this machine does not allow mount namespaces';
  return undefined;
}

/** Opens the builder. Builds it from the machine's apt sources if it is not in the cache. */
export async function openBuilder(report: (line: string) => void): Promise<Builder> {
  const include = PACKAGES.join(',');
  const root = await takeFromCache('boat-builder', `${SUITE} ${include}`, async (folder) => {
    report('building a Debian system with QEMU');
    const sources = join(LAB_CACHE, `${SUITE}.sources`);
    replaceFile(sources, toDebianSources(SUITE));
    const [program, ...args] = [
      ...OWN_PROCESSES,
      ...['mmdebstrap', '--mode=root', ...DEBIAN_OPTIONS, `--include=${include}`, SUITE, folder, sources],
    ] as const;
    await execute(program, args, { timeout: BUILD_MAX_MS, maxBuffer: 64 * 1024 * 1024 });
  });
  return {
    async run(script, shared) {
      const [program, ...args] = toCommand(OWN_PROCESSES, root, shared, ['sh', '-euc', script]);
      const { stdout } = await execute(program, args, {
        timeout: BUILD_MAX_MS,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
      });
      return stdout;
    },
    start(program, args, shared, environment = {}) {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      const [first, ...rest] = toCommand(OWN_MOUNTS, root, shared, [...variables, program, ...args]);
      return spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    },
  };
}

/**
 * The command that runs a program in the builder. Variable assignments may precede the program. With {@link OWN_MOUNTS}, each
 * wrapper replaces itself with the next program, so the process is the program itself.
 */
function toCommand(
  namespaces: typeof OWN_MOUNTS | typeof OWN_PROCESSES,
  root: string,
  shared: Shared,
  program: readonly string[],
): readonly [string, ...string[]] {
  const folders = Object.entries(shared);
  for (const [path] of folders) mkdirSync(join(root, path), { recursive: true });
  const script = [
    'root=$1; shift',
    'mount -t proc proc "$root/proc"',
    'mount --rbind /dev "$root/dev"',
    'if [ -e "$root/etc/resolv.conf" ]; then mount --bind /etc/resolv.conf "$root/etc/resolv.conf"; fi',
    ...folders.map(([path]) => `mount --bind "$1" "$root${path}"; shift`),
    'exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/tmp "$@"',
  ].join('\n');
  return [
    ...namespaces,
    ...['sh', '-euc', script, 'sh', root],
    ...folders.map(([, folder]) => folder),
    ...program,
  ];
}
