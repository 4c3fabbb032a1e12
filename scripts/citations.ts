import { globSync } from 'node:fs';

/** What a citation in code can refer to. */
export interface CitedPages {
  /** Headings of each page of `docs/spec`, by file name. */
  readonly headings: ReadonlyMap<string, ReadonlySet<string>>;
  /** Sentences of the requirements in `protocol.md`, by number such as `R34`. */
  readonly requirements: ReadonlyMap<string, string>;
  /** Numbers of the decisions, such as `0024`. */
  readonly decisions: ReadonlySet<string>;
}

/** Every file of the repository that may cite the specification or a decision, as paths from its root. */
export function listCitingFiles(root: string): readonly string[] {
  return globSync(
    ['{packages,scripts,bench,tests,crash,mutation}/**/*.{ts,mjs,js,sql}', 'deploy/**/*', 'eslint.config.js'],
    {
      cwd: root,
      exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path),
    },
  )
    .filter((path) => /\.\w+$/.test(path) && !path.startsWith('scripts/citations'))
    .toSorted();
}

/** The `## heading` and `### heading` texts of a page. */
export function toHeadings(page: string): ReadonlySet<string> {
  return new Set([...page.matchAll(/^#{2,3} (.+)$/gm)].map((match) => match[1] ?? ''));
}

/** The requirements of a page, `- **R12** One sentence.`, in their order. A number that occurs twice is in the list twice. */
export function toRequirements(page: string): readonly (readonly [number: string, sentence: string])[] {
  return [...page.matchAll(/^- \*\*(R[0-9]+)\*\* (.+(?:\n {2}.+)*)$/gm)].map((match) => [
    match[1] ?? '',
    joinLines(match[2] ?? ''),
  ]);
}

/** Requirement numbers that a text cites: `protocol.md R7, R8`. */
export function toCitedRequirements(text: string): readonly string[] {
  return [...joinLines(text).matchAll(/protocol\.md ((?:R[0-9]+(?:, | and )?)+)/g)].flatMap(
    (match) => match[1]?.match(/R[0-9]+/g) ?? [],
  );
}

/**
 * Citations of a text that lead nowhere: a page, heading, requirement or decision that does not exist, and a quotation
 * that differs from its requirement. Quotations have the form `protocol.md R34: "A boat MUST …"`.
 */
export function findCitationFaults(text: string, pages: CitedPages): readonly string[] {
  const flat = joinLines(text);
  return [
    ...findPageFaults(flat, pages),
    ...toCitedRequirements(text)
      .filter((number) => !pages.requirements.has(number))
      .map((number) => `no requirement ${number}`),
    ...[...flat.matchAll(/protocol\.md (R[0-9]+): "(.+?\.)"/g)]
      .filter(([, number = '', quoted]) => pages.requirements.get(number) !== quoted)
      .map(([, number, quoted]) => `${number} does not say "${quoted}"`),
    ...[...flat.matchAll(/[Dd]ecisions? ([0-9]{4})/g)]
      .filter((match) => !pages.decisions.has(match[1] ?? ''))
      .map((match) => `no decision ${match[1]}`),
  ];
}

function findPageFaults(flat: string, { headings }: CitedPages): readonly string[] {
  return [...flat.matchAll(/docs\/spec\/([\w-]+\.md)(?:, "([^"]+)")?/g)].flatMap(([, page = '', heading]) => {
    const known = headings.get(page);
    if (known === undefined) return [`no page docs/spec/${page}`];
    return heading === undefined || known.has(heading.replaceAll('\\`', '`'))
      ? []
      : [`no heading "${heading}" in docs/spec/${page}`];
  });
}

/** A text with its line breaks, and the comment marks after them, as single spaces. */
function joinLines(text: string): string {
  return text.replaceAll(/\s*\n\s*(?:\*(?!\/)|\/\/|#)?\s*/g, ' ');
}
