import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runTool } from './inputs.ts';
import { type PackageFile, stageFiles } from './package-file.ts';

export const MAINTAINER = 'd3kOS export maintainers <maintainers@d3kos.example>';

/** A Debian package before it is built. */
export interface DebianPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly depends: string;
  readonly recommends?: string;
  readonly summary: string;
  /** Lines of the long description. */
  readonly description: readonly string[];
  readonly files: readonly PackageFile[];
  /** Maintainer scripts by name, such as `postinst`. */
  readonly scripts: Readonly<Record<string, string>>;
  /** Paths of files that dpkg keeps if the owner has changed them. */
  readonly conffiles: readonly string[];
}

/** `xz` for a release, `zstd` for a build that a test installs immediately. */
export type Compression = 'xz' | 'zstd';

/** Only one thread, because with more threads the bytes would depend on the machine. */
const COMPRESSION_OPTIONS = {
  xz: ['-Zxz', '-z6', '--threads-max=1'],
  zstd: ['-Zzstd', '-z3', '--threads-max=1'],
} as const;

/**
 * Builds a package in `folder` and returns its path. The bytes depend only on the content, the time and the versions of dpkg
 * and its compressor.
 */
export function buildDeb(
  pack: DebianPackage,
  {
    folder,
    timeS,
    compression,
  }: { readonly folder: string; readonly timeS: number; readonly compression: Compression },
): string {
  mkdirSync(folder, { recursive: true });
  // Two builds may have the same target.
  const staging = mkdtempSync(join(folder, '.build-'));
  try {
    const root = join(staging, 'root');
    const files = [...pack.files, toChangelog(pack, timeS)];
    stageFiles(root, [...files, ...toControlFiles(pack, files)], timeS);
    process.env['SOURCE_DATE_EPOCH'] = String(timeS);
    const built = join(staging, 'deb');
    runTool('dpkg-deb', ['--root-owner-group', ...COMPRESSION_OPTIONS[compression], '--build', root, built]);
    const deb = join(folder, `${pack.name}_${pack.version}_${pack.architecture}.deb`);
    renameSync(built, deb);
    return deb;
  } finally {
    rmSync(staging, { recursive: true });
  }
}

function toControlFiles(pack: DebianPackage, files: readonly PackageFile[]): readonly PackageFile[] {
  const control = (name: string, text: string, mode = 0o644): PackageFile => ({
    path: `DEBIAN/${name}`,
    kind: 'text',
    text,
    mode,
  });
  const sizeBytes = files.reduce((sum, file) => sum + toSizeBytes(file), 0);
  return [
    control('control', toControl(pack, Math.ceil(sizeBytes / 1024))),
    control('md5sums', toMd5sums(pack, files)),
    ...(pack.conffiles.length === 0
      ? []
      : [control('conffiles', pack.conffiles.map((path) => `${path}\n`).join(''))]),
    ...Object.entries(pack.scripts).map(([name, text]) => control(name, text, 0o755)),
  ];
}

function toControl(pack: DebianPackage, sizeKib: number): string {
  const lines = [
    `Package: ${pack.name}`,
    `Version: ${pack.version}`,
    `Architecture: ${pack.architecture}`,
    `Maintainer: ${MAINTAINER}`,
    `Installed-Size: ${sizeKib}`,
    `Depends: ${pack.depends}`,
    ...(pack.recommends === undefined ? [] : [`Recommends: ${pack.recommends}`]),
    'Section: net',
    'Priority: optional',
    `Description: ${pack.summary}`,
    ...pack.description.map((line) => ` ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** dpkg checks installed files against these sums (`dpkg --verify`). Conffiles are not listed. */
function toMd5sums({ conffiles }: DebianPackage, files: readonly PackageFile[]): string {
  return files
    .filter((file) => file.kind !== 'link' && !conffiles.includes(`/${file.path}`))
    .map((file) => `${createHash('md5').update(toContent(file)).digest('hex')}  ${file.path}\n`)
    .toSorted((left, right) => left.slice(34).localeCompare(right.slice(34), 'en'))
    .join('');
}

function toContent(file: PackageFile): Uint8Array {
  if (file.kind === 'link') return Buffer.from(file.target);
  return file.kind === 'copy' ? readFileSync(file.from) : Buffer.from(file.text);
}

function toSizeBytes(file: PackageFile): number {
  return file.kind === 'copy' ? statSync(file.from).size : toContent(file).byteLength;
}

function toChangelog({ name, version }: DebianPackage, timeS: number): PackageFile {
  const date = new Date(timeS * 1_000).toUTCString().replace('GMT', '+0000');
  const text = `${name} (${version}) stable; urgency=medium

  * See CHANGELOG.md of the project for the changes of this version.

 -- ${MAINTAINER}  ${date}
`;
  return { path: `usr/share/doc/${name}/changelog.gz`, kind: 'text', text: gzipSync(text, { level: 9 }) };
}
