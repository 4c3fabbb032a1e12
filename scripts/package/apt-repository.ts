import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { ARCHITECTURES, runTool } from './inputs.ts';

const SUITE = 'stable';
const COMPONENT = 'main';

/**
 * Adds packages to an apt repository in `folder`, which any web server can serve, and signs its index with the
 * operator's gpg key. Packages of earlier versions are kept. A repository is replaced file by file, with the signed index last.
 * Until then, apt reports a wrong digest and tries again.
 */
export function writeAptRepository(folder: string, debs: readonly string[], key: string): void {
  const pool = join(folder, 'pool', COMPONENT);
  mkdirSync(pool, { recursive: true });
  for (const deb of debs) copyFileSync(deb, join(pool, basename(deb)));
  const suite = join(folder, 'dists', SUITE);
  for (const { debian } of ARCHITECTURES) {
    const target = join(suite, COMPONENT, `binary-${debian}`);
    mkdirSync(target, { recursive: true });
    const index = runTool('apt-ftparchive', ['--arch', debian, 'packages', join('pool', COMPONENT)], {
      cwd: folder,
    });
    writeFileSync(join(target, 'Packages'), index);
    writeFileSync(join(target, 'Packages.gz'), gzipSync(index, { level: 9 }));
  }
  const options = Object.entries({
    Origin: 'd3kOS export',
    Label: 'd3kOS export',
    Suite: SUITE,
    Codename: SUITE,
    Architectures: ARCHITECTURES.map(({ debian }) => debian).join(' '),
    Components: COMPONENT,
  }).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`]);
  writeFileSync(join(suite, 'Release'), runTool('apt-ftparchive', [...options, 'release', suite]));
  const sign = (...args: readonly string[]): string =>
    runTool('gpg', ['--batch', '--yes', '--local-user', key, ...args]);
  sign('--armor', '--detach-sign', '--output', join(suite, 'Release.gpg'), join(suite, 'Release'));
  sign('--clearsign', '--output', join(suite, 'InRelease'), join(suite, 'Release'));
  // Rewrite it only if it differs, so that boats that have the file do not download it again.
  const ring = join(folder, 'd3kos-export.asc');
  const publicKey = sign('--armor', '--export', key);
  if (publicKey === '') throw new Error(`gpg has no key ${key}`);
  writeFileSync(ring, publicKey);
  if (readFileSync(join(suite, 'InRelease'), 'utf8') === '') throw new Error('the signed index is empty');
}
