import { globSync } from 'node:fs';

/** A link's target in a page. `path` is '' for the page itself. */
export interface LinkTarget {
  readonly path: string;
  readonly anchor: string | undefined;
}

/** Returns every Markdown page of the repository, as paths from its root. */
export function listPages(root: string): readonly string[] {
  return globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'bench/*.md', 'deploy/**/*.md'], {
    cwd: root,
  }).toSorted();
}

/**
 * Returns the text of a `## heading` section, up to the next heading of that level. Throws if the page does not have the section.
 */
export function toSection(page: string, heading: string): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`no section "${heading}"`);
  return section;
}

/** Returns the trimmed cells of every table row, without separator rows. */
export function toCells(page: string): readonly (readonly string[])[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/**
 * Returns the anchors of a page's headings: lower case, no punctuation, hyphens for spaces, and a number after a repeated name.
 */
export function toAnchors(page: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const name = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    let anchor = name;
    for (let repeat = 1; anchors.has(anchor); repeat += 1) anchor = `${name}-${repeat}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Matches a path that exists on only one machine, such as a home directory or a checkout. Paths on a boat do not match. */
const MACHINE_PATH =
  /(?<![\w.$])\/(?:work|root|Users|workspace|home\/(?!d3kos\b)[\w.-]+)(?:\/[\w./-]*\w|\b)/g;
const REGISTRY_HOST = /\bregistry\.(?!md\b)[\w.-]+\w/g;

/** Lists a page's faults: relative links that `isThere` rejects, paths on one machine, and hosts of package registries. */
export function findPageFaults(text: string, isThere: (target: LinkTarget) => boolean): readonly string[] {
  const links = [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
  const dead = links
    .filter((link) => !/^[a-z]+:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      return !isThere({ path, anchor });
    });
  const foreign = [MACHINE_PATH, REGISTRY_HOST].flatMap((pattern) => text.match(pattern) ?? []);
  return [...dead.map((link) => `dead link ${link}`), ...foreign.map((name) => `names ${name}`)];
}

/** Removes fenced code blocks, because headings and links inside them do not count. */
function withoutCode(page: string): string {
  return page.replaceAll(/^```[\s\S]*?^```$/gm, '');
}
