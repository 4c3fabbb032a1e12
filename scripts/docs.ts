import { globSync } from 'node:fs';

/** What a link of a page leads to; `path` is '' for the page itself. */
export interface LinkTarget {
  readonly path: string;
  readonly anchor: string | undefined;
}

/** Every Markdown page of the repository, as paths from its root. */
export function listPages(root: string): readonly string[] {
  return globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md', 'bench/*.md', 'deploy/**/*.md'], {
    cwd: root,
  }).toSorted();
}

/** The text of a `## heading` section, down to the next heading of its level. Throws where there is none. */
export function toSection(page: string, heading: string): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`there is no section "${heading}"`);
  return section;
}

/** The cells of every row of every table, trimmed; separator rows left out. */
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

/** The anchors a page's headings have: lower case, no punctuation, hyphens for spaces, numbered where they repeat. */
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

/** A folder of one machine: of a person, of root, of a checkout. Those of a boat are not. */
const MACHINE_PATH =
  /(?<![\w.$])\/(?:work|root|Users|workspace|home\/(?!d3kos\b)[\w.-]+)(?:\/[\w./-]*\w|\b)/g;
const REGISTRY_HOST = /\bregistry\.(?!md\b)[\w.-]+\w/g;

/** What is wrong with a page: relative links for which `isThere` says no, paths of one machine, hosts of registries. */
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

/** A page without its fenced blocks: what looks like a heading or a link there is none. */
function withoutCode(page: string): string {
  return page.replaceAll(/^```[\s\S]*?^```$/gm, '');
}
