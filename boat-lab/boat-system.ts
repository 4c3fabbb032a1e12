import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toDebianSources } from '../tests/support/booted-root.ts';
import { type Builder, DEBIAN_OPTIONS, SUITE } from './builder.ts';
import { takeFromCache } from './lab-cache.ts';

/** The lab uses curl and sqlite3 on the boat. libeatmydata1 disables fsync in the self-check. */
const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'udev', 'kmod', 'iproute2', 'ca-certificates', 'procps'],
  ...['curl', 'sqlite3', 'libeatmydata1'],
];

/** Address of the host in QEMU's user-mode network. Connections to it reach the host's loopback interface. */
const HOST_ADDRESS = '10.0.2.2';
/** Central's name in its certificate and in the boat's hosts file. */
export const CENTRAL_NAME = 'central.lan';

/** Printed to the console when the boat's shell is ready for commands. */
export const SHELL_READY = 'boat-lab-shell-ready';

/** The shell on the virtio console. bash ignores SIGTERM, so systemd would otherwise wait 90 s for it at shutdown. */
const SHELL_UNIT = `[Unit]
Description=Shell for the boat lab
After=basic.target
[Service]
ExecStart=/bin/bash -c 'stty raw -echo; echo ${SHELL_READY}; exec /bin/bash --noprofile --norc'
StandardInput=tty-force
StandardOutput=tty
StandardError=journal
TTYPath=/dev/hvc0
KillSignal=SIGHUP
Environment=HOME=/root LC_ALL=C.UTF-8
[Install]
WantedBy=multi-user.target
`;

const NETWORK = `[Match]
Type=ether
[Network]
Address=10.0.2.15/24
Gateway=${HOST_ADDRESS}
IPv6AcceptRA=no
LinkLocalAddressing=no
`;

/** Loads the only driver that the kernel needs before it can read the card, and continues on the card. */
const INIT = `#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox insmod /virtio_blk.ko
until [ -b /dev/vda ]; do /bin/busybox sleep 0.1; done
/bin/busybox mount -t ext4 -o noatime /dev/vda /card
/bin/busybox umount /dev
exec /bin/busybox switch_root /card /sbin/init
`;

/** Units that would use the package mirror, wait for networks or serve terminals. */
const MASKED = [
  ...[
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
    'fstrim.timer',
    'e2scrub_all.timer',
    'e2scrub_reap.service',
  ],
  ...[
    'serial-getty@hvc0.service',
    'serial-getty@ttyAMA0.service',
    'getty@tty1.service',
    'console-getty.service',
  ],
  'systemd-networkd-wait-online.service',
];

/** A boat's parts before its first boot. */
export interface BoatSystem {
  /** Folder with `root/`, a Debian system for arm64, and the files `vmlinuz` and `initrd.gz`. It must not be changed. */
  readonly folder: string;
}

/** Returns the boat's system. Builds it if it is not in the cache. */
export async function buildBoatSystem(builder: Builder, report: (line: string) => void): Promise<BoatSystem> {
  const scripts = [toDebianScript(), toAssembleScript()];
  const recipe = `${scripts.join('\n')} ${JSON.stringify(SYSTEM_FILES)}`;
  const folder = await takeFromCache('boat-system', recipe, async (partial) => {
    report("building the boat's Debian system");
    writeFileSync(join(partial, 'boat.sources'), toDebianSources(SUITE));
    for (const [path, text] of Object.entries(SYSTEM_FILES)) {
      const file = join(partial, 'files', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: path === 'init' ? 0o755 : 0o644 });
    }
    for (const script of scripts) await builder.run(script, { '/lab': partial });
  });
  return { folder };
}

/** The boat's files by path. `init` is the first program of the initrd. */
const SYSTEM_FILES: Readonly<Record<string, string>> = {
  'etc/hostname': 'boat\n',
  'etc/hosts': `127.0.0.1 localhost\n127.0.1.1 boat\n${HOST_ADDRESS} ${CENTRAL_NAME}\n`,
  'etc/machine-id': '',
  'etc/systemd/network/10-boat.network': NETWORK,
  'etc/systemd/system/boat-lab-shell.service': SHELL_UNIT,
  init: INIT,
};

/**
 * Builds the system without running arm64 programs: the installation scripts of the packages run with the builder's programs. The
 * kernel's metapackage depends on the package that contains the kernel.
 */
function toDebianScript(): string {
  const kernel =
    "$(apt-cache depends --important linux-image-cloud-arm64 | sed -n 's/^ *Depends: \\(linux-image-[0-9].*\\)/\\1/p')";
  const download = `mkdir /lab/debs && cd /lab/debs && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" && export APT_CONFIG && apt-get download busybox-static ${kernel}`;
  const options = [
    ...DEBIAN_OPTIONS,
    // The script runs in the builder's chroot, which mmdebstrap cannot detect: process 1 of its own process namespace is in it too.
    ...['--mode=chrootless', '--skip=check/chrootless'],
    '--architectures=arm64',
    `--include=${PACKAGES.join(',')}`,
  ]
    .map((option) => `'${option}'`)
    .join(' ');
  return `cd /lab
cat > download.sh <<'SCRIPT'
${download}
SCRIPT
mmdebstrap ${options} --customize-hook='sh -eu /lab/download.sh' ${SUITE} root boat.sources`;
}

/** Adds the kernel's modules and the lab's files to the system, and builds the initrd. */
function toAssembleScript(): string {
  return `cd /lab
mkdir kernel initrd
for deb in debs/*.deb; do dpkg-deb --extract "$deb" kernel; done
cp kernel/boot/vmlinuz-* vmlinuz
version=$(basename kernel/boot/vmlinuz-*); version=\${version#vmlinuz-}
modules=$(find kernel -type d -path "*lib/modules/$version")
mkdir -p root/usr/lib/modules
cp -a "$modules" root/usr/lib/modules/
depmod --basedir root "$version"
mkdir -p initrd/bin initrd/dev initrd/card
cp $(find kernel -path '*/bin/busybox') initrd/bin/busybox
module=$(find "$modules" -name 'virtio_blk.ko*')
case $module in *.xz) xz -dc "$module" ;; *) cat "$module" ;; esac > initrd/virtio_blk.ko
cp files/init initrd/init
(cd initrd; find . | cpio --quiet -o -H newc | gzip -9) > initrd.gz
rm files/init
cp -a files/. root/
rm -f root/etc/resolv.conf
systemctl --root=root enable systemd-networkd.service boat-lab-shell.service
systemctl --root=root mask ${MASKED.join(' ')}
rm -rf kernel initrd debs files download.sh boat.sources`;
}
