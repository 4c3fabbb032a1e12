/** The facts about the checkout that decide whether a version can be released. */
export interface Checkout {
  /** The version in the checkout's package.json. */
  readonly packageVersion: string;
  readonly changelog: string;
  /** The output of `git status --porcelain`. */
  readonly status: string;
  readonly commit: string;
  /** The commit that this version's tag points to, or undefined if there is no tag. */
  readonly taggedCommit: string | undefined;
}

const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const escape = (text: string): string => text.replaceAll(/[.+*?^$()[\]{}|\\]/g, String.raw`\$&`);

/** Returns the obstacles to releasing `version`, each with the next step. Empty if there are none. */
export function findObstacles(version: string, checkout: Checkout): readonly string[] {
  const { packageVersion, changelog, status, commit, taggedCommit } = checkout;
  const obstacles: string[] = [];
  if (!VERSION.test(version)) obstacles.push(`${version} is not a version. Example: 1.2.0`);
  if (packageVersion !== version)
    obstacles.push(
      `package.json has the version ${packageVersion}. Run npm version --no-git-tag-version ${version}`,
    );
  if (toChangelogSection(version, changelog) === undefined)
    obstacles.push(
      `CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD" with an entry. Rename the section with the unreleased changes`,
    );
  if (status !== '')
    obstacles.push(
      `the checkout has changes that are not committed. Commit or remove them:\n${status.trimEnd()}`,
    );
  if (taggedCommit !== undefined && taggedCommit !== commit)
    obstacles.push(`the tag v${version} points to another commit (${taggedCommit}). Choose a new version`);
  return obstacles;
}

/** Returns a version's entries in the changelog, or undefined if the changelog has no dated section for it. */
export function toChangelogSection(version: string, changelog: string): string | undefined {
  const heading = new RegExp(String.raw`^## \[${escape(version)}\] - \d{4}-\d{2}-\d{2}$`, 'm').exec(
    changelog,
  );
  if (heading === null) return undefined;
  const rest = changelog.slice(heading.index + heading[0].length);
  const end = rest.search(/^## /m);
  const section = (end === -1 ? rest : rest.slice(0, end)).trim();
  return section.includes('- ') ? section : undefined;
}
