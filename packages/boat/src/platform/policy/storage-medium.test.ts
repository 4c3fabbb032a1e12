import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStorageMedium, type StorageKind, toStorageWarning } from './storage-medium.ts';

/** Mounts on a Raspberry Pi with the overlay file system enabled, in a container, and of drives that owners add. */
const MOUNTS = [
  '21 27 0:19 / /proc rw,relatime shared:5 - proc proc rw',
  '27 1 0:24 / / rw,relatime shared:1 - overlay overlayroot rw,lowerdir=/media/root-ro,upperdir=/media/root-rw/overlay,workdir=/media/root-rw/work',
  '28 27 0:25 / /media/root-rw rw,relatime shared:2 - tmpfs tmpfs-root rw',
  '29 27 179:2 / /media/root-ro ro,relatime shared:3 - ext4 /dev/mmcblk0p2 ro',
  '30 27 8:1 / /mnt/ssd rw,noatime shared:4 - ext4 /dev/sda1 rw',
  '31 27 8:1 / /mnt/my\\040drive rw,noatime - ext4 /dev/sdb1 rw',
  '32 30 0:31 / /mnt/ssd/ram rw - ramfs none rw',
  '33 27 0:32 / /mnt/nas rw - nfs4 192.168.1.9:/boat rw,hard,vers=4.2',
  '34 27 0:33 / /mnt/windows rw - cifs //nas/boat rw',
  '35 27 0:34 / /mnt/ssh rw - fuse.sshfs owner@nas:/boat rw,user_id=0',
  '36 27 8:17 / /mnt/ntfs rw - fuseblk /dev/sdb1 rw,user_id=0',
  '37 27 252:0 / /mnt/zram rw - ext4 /dev/zram0 rw',
  '38 27 0:40 / /mnt/container rw - overlay overlay rw,lowerdir=/var/lib/docker/l,upperdir=/var/lib/docker/u,workdir=/w',
  '39 27 0:41 / /mnt/hidden rw - tmpfs tmpfs rw',
  '40 27 8:33 / /mnt/hidden rw - xfs /dev/sdc1 rw',
  '',
].join('\n');

const EXPECTED: readonly (readonly [path: string, kind: StorageKind, fileSystem: string])[] = [
  ['/opt/d3kos/data/exports', 'memory', 'overlay'],
  ['/mnt/ssd/exports', 'disk', 'ext4'],
  ['/mnt/ssdram', 'memory', 'overlay'],
  ['/mnt/ssd/ram', 'memory', 'ramfs'],
  ['/mnt/ssd/ram/exports', 'memory', 'ramfs'],
  ['/mnt/ssd/ramparts', 'disk', 'ext4'],
  ['/mnt/my drive/exports', 'disk', 'ext4'],
  ['/mnt/nas/exports', 'network', 'nfs4'],
  ['/mnt/windows', 'network', 'cifs'],
  ['/mnt/ssh/exports', 'fuse', 'fuse.sshfs'],
  ['/mnt/ntfs/exports', 'fuse', 'fuseblk'],
  ['/mnt/zram/exports', 'memory', 'ext4'],
  ['/mnt/hidden/exports', 'disk', 'xfs'],
];

for (const [path, kind, fileSystem] of EXPECTED)
  test(`reports ${path} as ${kind} (${fileSystem})`, () => {
    const medium = findStorageMedium(MOUNTS, path);
    assert.deepEqual([medium?.kind, medium?.fileSystem], [kind, fileSystem]);
    const warning = medium && toStorageWarning(medium);
    assert.equal(warning?.risk, kind === 'disk' ? undefined : kind === 'memory' ? 'lost' : 'uncertain');
    if (warning !== undefined) assert.match(warning.message, /not survive/);
  });

test("if an overlay's upper layer is not visible, reports an overlay, and reports nothing for an unreadable mount list", () => {
  const container = MOUNTS.split('\n')
    .filter((line) => line.includes('docker'))
    .join('\n');
  assert.equal(findStorageMedium(container, '/mnt/container/exports')?.kind, 'overlay');
  assert.equal(findStorageMedium('', '/opt'), undefined);
  assert.equal(findStorageMedium('27 1 0:24 / / rw,relatime', '/opt'), undefined);
});
