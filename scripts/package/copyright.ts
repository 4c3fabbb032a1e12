import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';

const ROOT = join(import.meta.dirname, '..', '..');

/** A program or library in a package, with its licence. */
export interface Component {
  /** For example `Files: usr/lib/d3kos-export/bin/node`. */
  readonly files: string;
  readonly name: string;
  readonly licence: string;
  readonly text: string;
}

/** Lists the npm packages whose code is in a bundle. Throws if one of them has no licence text. */
export function listBundled({ outputs }: Metafile, output: string): readonly Component[] {
  const found = Object.entries(outputs).find(([path]) => path.endsWith(`/${output}`))?.[1];
  if (found === undefined) throw new Error(`no bundle ${output}`);
  const names = new Set(
    Object.keys(found.inputs).flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []),
  );
  return [...names].toSorted().map((name) => toComponent(name, `part of ${output}`));
}

/** An npm package's licence, from node_modules. */
export function toComponent(
  name: string,
  files: string,
  folder = join(ROOT, 'node_modules', name),
): Component {
  // npm requires both fields.
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly license: string;
  };
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.md|\.txt)?$/i.test(entry));
  const text =
    file === undefined
      ? `The package contains no text of its licence, ${license}.`
      : readFileSync(join(folder, file), 'utf8');
  return { files, name: `${name} ${version}`, licence: license, text };
}

/** Returns a package's `copyright` file: the project's own licence, then those of its components. */
export function toCopyright(components: readonly Component[]): string {
  if (!existsSync(join(ROOT, 'LICENSE'))) throw new Error('the project has no LICENSE');
  const parts = components.map(
    ({ files, name, licence, text }) =>
      `${'-'.repeat(70)}\n${name} (${files})\nLicence: ${licence}\n\n${text.trim()}\n`,
  );
  return `d3kOS export. Copyright: the authors of d3kOS export.
Licence: Apache-2.0. On Debian systems, the full text of the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.

The package contains the following components under their own licences.

${parts.join('\n')}`;
}
