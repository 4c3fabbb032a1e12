import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

/** `FS_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: from this moment nothing reaches the device, the journal neither. */
const SHUTDOWN_REQUEST = '0x8004587d';
const SHUTDOWN_NO_LOG_FLUSH = 2;

/** Programs that can make an ioctl, one of which is on any Debian; the folder of the mount is their last argument. */
const CUTTERS: readonly (readonly [program: string, ...args: string[]])[] = [
  [
    'perl',
    '-e',
    `open(my $card, "<", $ARGV[0]) or die "$!\\n"; ioctl($card, ${SHUTDOWN_REQUEST}, pack("L", ${SHUTDOWN_NO_LOG_FLUSH})) or die "$!\\n";`,
  ],
  [
    'python3',
    '-c',
    `import fcntl, os, struct, sys; fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), ${SHUTDOWN_REQUEST}, struct.pack("I", ${SHUTDOWN_NO_LOG_FLUSH}))`,
  ],
];

/** Longest one command on the card may take. */
const COMMAND_MAX_MS = 30_000;
/** How long a file system that a dying program still holds is waited for. */
const UNMOUNT_TRIES = 100;
const UNMOUNT_PAUSE_MS = 50;

/** A file system of its own whose power can fail: ext4 on a loop device, with its usual journal. */
export interface Card {
  readonly kind: 'card';
  /** Where it is mounted. */
  readonly path: string;
  /** Writes everything that is still in memory: what was prepared is not what is tested. */
  sync(): void;
  /** The power fails: what was not synced is gone, and every program that goes on gets EIO. Resolves when it has. */
  cut(): Promise<void>;
  /**
   * The file system finds an error and takes no change from then on, as on cards that are mounted with `errors=remount-ro`. Gives why
   * not, where this kernel has no way to ask for it.
   */
  turnReadOnly(): string | undefined;
  /** What the next boot does: mounts it again, and repairs it first where it must. After everything that used it has ended. */
  restart(): void;
  /** Unmounts it, frees its loop device and removes it. Harmless when repeated. */
  close(): void;
}

/** A card, or why this machine gives none: mounting needs root, a loop device, and a kernel that knows the ioctl. */
export function insertCard(
  sizeBytes: number,
): Card | { readonly kind: 'unavailable'; readonly reason: string } {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-card-'));
  const path = join(folder, 'card');
  const image = join(folder, 'image');
  const close = (): void => {
    unmount(path);
    rmSync(folder, { recursive: true, force: true });
    process.removeListener('exit', close);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, end);
  };
  process.once('exit', close);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  try {
    mkdirSync(path);
    writeFileSync(image, '');
    truncateSync(image, sizeBytes);
    run('mkfs.ext4', ['-q', '-F', image]);
    mount(image, path);
    const [program, ...args] = findCutter(image, path);
    return {
      kind: 'card',
      path,
      sync: () => run('sync', ['-f', path]),
      cut: async () =>
        void (await promisify(execFile)(program, [...args, path], { timeout: COMMAND_MAX_MS })),
      turnReadOnly: () => turnReadOnly(path),
      restart: () => {
        unmount(path);
        mountOrRepair(image, path);
      },
      close,
    };
  } catch (error) {
    close();
    const told = error instanceof Error ? error.message : String(error);
    return { kind: 'unavailable', reason: `power cuts need root and a loop device: ${told}` };
  }
}

/** Lets the listeners for `exit` run. */
function end(): void {
  process.exit(1);
}

/** Tries each cutter on the card itself: a write that still works afterwards means that the power did not fail. */
function findCutter(image: string, path: string): readonly [program: string, ...args: string[]] {
  const failures: string[] = [];
  for (const [program, ...args] of CUTTERS) {
    const { status, stderr } = spawnSync(program, [...args, path], { timeout: COMMAND_MAX_MS });
    const isCut = status === 0 && !canWrite(join(path, 'probe'));
    unmount(path);
    mountOrRepair(image, path);
    if (isCut && !existsSync(join(path, 'probe'))) return [program, ...args];
    failures.push(`${program}: ${String(stderr ?? 'not there').trim() || 'without effect'}`);
  }
  throw new Error(failures.join('; '));
}

function turnReadOnly(path: string): string | undefined {
  // A remount to read-only is refused while a program has a file open for writing; an error of the file system asks nobody.
  run('mount', ['-o', 'remount,errors=remount-ro', path]);
  const { dev } = statSync(path);
  // Linux' numbers of devices, as long as they are small.
  const device = basename(realpathSync(`/sys/dev/block/${dev >> 8}:${dev & 0xff}`));
  try {
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
    return undefined;
  } catch (error) {
    return `ext4 cannot be told here that it found an error: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function canWrite(path: string): boolean {
  try {
    writeFileSync(path, 'x');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EIO') return false;
    throw error;
  }
}

function mount(image: string, path: string): void {
  run('mount', ['-o', 'loop', image, path]);
}

/** Mounting replays the journal; what it cannot mend is `e2fsck`'s, as at boot. */
function mountOrRepair(image: string, path: string): void {
  try {
    mount(image, path);
  } catch {
    // 1: errors were corrected. Whatever is worse shows at the mount, which tells it.
    spawnSync('e2fsck', ['-p', image], { timeout: COMMAND_MAX_MS });
    mount(image, path);
  }
}

/** Unmounts what is mounted; where something holds it for too long, it goes when that ends. */
function unmount(path: string): void {
  const isMounted = (): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;
  for (let tries = 0; isMounted(); tries += 1) {
    if (spawnSync('umount', tries < UNMOUNT_TRIES ? [path] : ['-l', path]).status === 0) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNMOUNT_PAUSE_MS);
  }
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe', timeout: COMMAND_MAX_MS });
}
