/**
 * The medium on which a file system stores its files. When power fails, the contents of `memory` are lost. `overlay` may write to
 * memory. `network` and `fuse` depend on another machine or program, which may be unavailable.
 */
export type StorageKind = 'disk' | 'memory' | 'overlay' | 'network' | 'fuse';

/** The file system that contains a path. */
export interface StorageMedium {
  readonly kind: StorageKind;
  /** The kernel's name for the file system, such as `ext4`. */
  readonly fileSystem: string;
  readonly mountPoint: string;
}

/** One line of `/proc/self/mountinfo` (proc_pid_mountinfo(5)). */
interface Mount {
  readonly mountPoint: string;
  readonly fileSystem: string;
  readonly source: string;
  readonly options: string;
}

const MEMORY_TYPES: ReadonlySet<string> = new Set(['tmpfs', 'ramfs', 'rootfs', 'devtmpfs']);

/** Block devices that store their blocks in memory. */
const MEMORY_DEVICE = /^\/dev\/(zram|ram)\d/;

const OVERLAY_TYPES: ReadonlySet<string> = new Set(['overlay', 'overlayfs', 'aufs', 'unionfs']);

const NETWORK_TYPES: ReadonlySet<string> = new Set([
  '9p',
  'afs',
  'ceph',
  'cifs',
  'coda',
  'gfs2',
  'lustre',
  'ncpfs',
  'nfs',
  'nfs4',
  'ocfs2',
  'smb3',
  'smbfs',
  'virtiofs',
]);

/**
 * Finds the file system that contains `path` in the text of `/proc/self/mountinfo`. Returns undefined if no mount contains the
 * path. Does not query the file systems themselves, because a network mount may never answer.
 */
export function findStorageMedium(mountInfo: string, path: string): StorageMedium | undefined {
  const mounts = mountInfo.split('\n').flatMap((line) => parseMount(line) ?? []);
  const found = findMount(mounts, path);
  if (found === undefined) return undefined;
  const { fileSystem, mountPoint } = found;
  return { kind: toKind(mounts, found), fileSystem, mountPoint };
}

function parseMount(line: string): Mount | undefined {
  const fields = line.split(' ');
  // A single hyphen ends the optional fields.
  const separator = fields.indexOf('-', 6);
  const [fileSystem, source = '', options = ''] = separator < 0 ? [] : fields.slice(separator + 1);
  const mountPoint = fields[4];
  if (fileSystem === undefined || mountPoint === undefined) return undefined;
  return { mountPoint: unescape(mountPoint), fileSystem, source: unescape(source), options };
}

/** The kernel escapes space, tab, newline and backslash as octal numbers. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Returns the mount with the longest matching mount point. A later mount at the same point hides the earlier one. */
function findMount(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts)
    if (isInside(mount.mountPoint, path) && mount.mountPoint.length >= (best?.mountPoint.length ?? 0))
      best = mount;
  return best;
}

function isInside(mountPoint: string, path: string): boolean {
  return mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`);
}

function toKind(mounts: readonly Mount[], { fileSystem, source, options }: Mount): StorageKind {
  if (MEMORY_TYPES.has(fileSystem) || MEMORY_DEVICE.test(source)) return 'memory';
  if (NETWORK_TYPES.has(fileSystem)) return 'network';
  if (fileSystem.startsWith('fuse')) return 'fuse';
  if (!OVERLAY_TYPES.has(fileSystem)) return 'disk';
  // Writes go to the upper layer. In a container, the upper layer may be listed here without being visible.
  const upper = /(?:^|,)upperdir=([^,]+)/.exec(options)?.[1];
  const below = upper === undefined ? undefined : findMount(mounts, unescape(upper));
  return below !== undefined && MEMORY_TYPES.has(below.fileSystem) ? 'memory' : 'overlay';
}

/** What the owner needs to know about the medium. */
export interface StorageWarning {
  /** `lost`: exports are lost at every power-off. `uncertain`: they may be lost, or the disk may not answer. */
  readonly risk: 'lost' | 'uncertain';
  readonly message: string;
  readonly hint: string;
}

/** Returns the warning for a medium, or undefined for a local disk. */
export function toStorageWarning({
  kind,
  fileSystem,
  mountPoint,
}: StorageMedium): StorageWarning | undefined {
  const where = `The exports are on ${mountPoint} (${fileSystem})`;
  switch (kind) {
    case 'disk':
      return undefined;
    case 'memory':
      return {
        risk: 'lost',
        message: `${where}, which is in memory: they will not survive a power-off`,
        hint: 'Mount a disk at data/exports, or disable the overlay file system (raspi-config, Performance Options). Until then, every undelivered export is lost when power fails.',
      };
    case 'overlay':
      return {
        risk: 'uncertain',
        message: `${where}, an overlay: they may not survive a power-off or a new container`,
        hint: 'Mount a disk or a volume at data/exports.',
      };
    case 'network':
      return {
        risk: 'uncertain',
        message: `${where}, which is on another machine: they may not survive its failure, and exports hang while it does not answer`,
        hint: 'Mount a local disk at data/exports.',
      };
    case 'fuse':
      return {
        risk: 'uncertain',
        message: `${where}, which another program serves: they may not survive a power-off, and exports hang while the program does not answer`,
        hint: 'Mount a disk with a kernel file system, such as ext4, at data/exports.',
      };
    default:
      return kind satisfies never;
  }
}
