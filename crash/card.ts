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

/**
 * `FS_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`. After this call no write reaches the device, not even a journal write.
 */
const SHUTDOWN_REQUEST = '0x8004587d';
const SHUTDOWN_NO_LOG_FLUSH = 2;

/** Programs that can issue an ioctl. Every Debian system has at least one of them. The last argument is the mount point. */
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

/** Timeout for one command on the card. */
const COMMAND_MAX_MS = 30_000;
/** Timeout for a file system that a terminating program still uses. */
const UNMOUNT_TRIES = 100;
const UNMOUNT_PAUSE_MS = 50;

/** A file system whose power can fail: ext4 on a loop device, with its usual journal. */
export interface Card {
  readonly kind: 'card';
  /** The mount point. */
  readonly path: string;
  /** Writes all data that is still in memory to the device, so that a cut does not affect the setup. */
  sync(): void;
  /** Cuts power: unsynced data is lost, and running programs get EIO. Resolves when power is off. */
  cut(): Promise<void>;
  /**
   * Triggers a file system error, so that the file system becomes read-only, as on cards mounted with `errors=remount-ro`.
   * Returns the reason if this kernel cannot trigger one.
   */
  turnReadOnly(): string | undefined;
  /**
   * Mounts the file system again, as the next boot would, and repairs it if necessary. Call this after every program that used
   * the card has ended.
   */
  restart(): void;
  /** Unmounts the card, frees its loop device and removes its image. Further calls have no effect. */
  close(): void;
}

/**
 * A card, or the reason why this machine cannot provide one. Mounting needs root, a loop device, and a kernel that supports the
 * ioctl.
 */
export function insertCard(
  sizeBytes: number,
): Card | { readonly kind: 'unavailable'; readonly reason: string } {
  const folder = mkdtempSync(join(tmpdir(), 'd3kos-card-'));
  const path = join(folder, 'card');
  let image = join(folder, 'image');
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
        image = toReleasedImage(image);
        mountOrRepair(image, path);
      },
      close,
    };
  } catch (error) {
    close();
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'unavailable', reason: `power cuts need root and a loop device: ${reason}` };
  }
}

/** Calls `exit`, so that the `exit` listeners run. */
function end(): void {
  process.exit(1);
}

/** Tries each program on the card. If a write still succeeds afterwards, the power cut did not work. */
function findCutter(image: string, path: string): readonly [program: string, ...args: string[]] {
  const failures: string[] = [];
  for (const [program, ...args] of CUTTERS) {
    const { status, stderr } = spawnSync(program, [...args, path], { timeout: COMMAND_MAX_MS });
    const isCut = status === 0 && !canWrite(join(path, 'probe'));
    unmount(path);
    mountOrRepair(image, path);
    if (isCut && !existsSync(join(path, 'probe'))) return [program, ...args];
    failures.push(`${program}: ${String(stderr ?? 'not installed').trim() || 'no effect'}`);
  }
  throw new Error(failures.join('; '));
}

function turnReadOnly(path: string): string | undefined {
  // The kernel refuses a read-only remount while a program has a file open for writing. A file system error makes it read-only even
  // then.
  run('mount', ['-o', 'remount,errors=remount-ro', path]);
  const { dev } = statSync(path);
  // The encoding of Linux device numbers below 4096.
  const device = basename(realpathSync(`/sys/dev/block/${dev >> 8}:${dev & 0xff}`));
  try {
    writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, '1');
    return undefined;
  } catch (error) {
    return `this kernel cannot trigger an ext4 error: ${error instanceof Error ? error.message : String(error)}`;
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

/** Seconds between journal commits without an fsync. With the default of 5 s, a slow machine would sync before the power cut. */
const JOURNAL_COMMIT_S = 300;

function mount(image: string, path: string): void {
  run('mount', ['-o', `loop,commit=${JOURNAL_COMMIT_S}`, image, path]);
}

/** Mounting replays the journal. `e2fsck` repairs errors that the journal cannot repair, as at boot. */
function mountOrRepair(image: string, path: string): void {
  try {
    mount(image, path);
  } catch {
    // Exit code 1 means that errors were corrected. After worse damage, the next mount fails.
    spawnSync('e2fsck', ['-p', image], { timeout: COMMAND_MAX_MS });
    mount(image, path);
  }
}

/**
 * Unmounts the folder if it is mounted. If a program uses the folder for too long, the unmount takes effect when the program
 * ends.
 */
function unmount(path: string): void {
  const isMounted = (): boolean => spawnSync('mountpoint', ['-q', path]).status === 0;
  for (let tries = 0; isMounted(); tries += 1) {
    if (spawnSync('umount', tries < UNMOUNT_TRIES ? [path] : ['-l', path]).status === 0) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNMOUNT_PAUSE_MS);
  }
}

/**
 * Returns an image with the same contents that is no longer mounted anywhere. Mount namespaces of other programs, such as
 * containers, may keep the file system mounted. Mounting it again would return the same file system, whose power is off, so the
 * image is copied.
 */
function toReleasedImage(image: string): string {
  const isHeld = (): boolean => spawnSync('losetup', ['--associated', image]).stdout.length > 0;
  for (let tries = 0; tries < UNMOUNT_TRIES && isHeld(); tries += 1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNMOUNT_PAUSE_MS);
  if (!isHeld()) return image;
  const copy = `${image}-copy`;
  run('cp', ['--sparse=always', image, copy]);
  rmSync(image);
  return copy;
}

function run(program: string, args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe', timeout: COMMAND_MAX_MS });
}
