import { globSync } from 'node:fs';

/** Minimum length of a quotation in characters: a few words. */
const QUOTATION_LENGTH_MIN = 20;

/** The possible targets of a citation in code. */
export interface CitedPages {
  /** Headings of each page of `docs/spec`, by file name. */
  readonly headings: ReadonlyMap<string, ReadonlySet<string>>;
  /** The requirement sentences in `protocol.md`, keyed by number, such as `R34`. */
  readonly requirements: ReadonlyMap<string, string>;
  /** Decision numbers, such as `0024`. */
  readonly decisions: ReadonlySet<string>;
}

/** Returns every file in the repository that may cite the specification or a decision, as paths from the root. */
export function listCitingFiles(root: string): readonly string[] {
  return globSync(
    [
      '{packages,scripts,bench,tests,crash,mutation,fuzz,boat-lab}/**/*.{ts,mjs,js,sql}',
      'deploy/**/*',
      'eslint.config.js',
    ],
    {
      cwd: root,
      exclude: (path) => /(^|\/)(node_modules|dist)(\/|$)/.test(path),
    },
  )
    .filter((path) => /\.\w+$/.test(path) && !path.startsWith('scripts/citations'))
    .toSorted();
}

/** Returns the text of each `##` and `###` heading on a page. */
export function toHeadings(page: string): ReadonlySet<string> {
  return new Set([...page.matchAll(/^#{2,3} (.+)$/gm)].map((match) => match[1] ?? ''));
}

/** Returns a page's requirements (`- **R12** One sentence.`) in order. A number that occurs twice is listed twice. */
export function toRequirements(page: string): readonly (readonly [number: string, sentence: string])[] {
  return [...page.matchAll(/^- \*\*(R[0-9]+)\*\* (.+(?:\n {2}.+)*)$/gm)].map((match) => [
    match[1] ?? '',
    joinLines(match[2] ?? ''),
  ]);
}

/** Returns the requirement numbers that a file cites: `protocol.md R7, R8`, or with a quotation `R34: "A boat MUST …"`. */
export function toCitedRequirements(text: string): readonly string[] {
  const flat = joinLines(text);
  const listed = [...flat.matchAll(/protocol\.md ((?:R[0-9]+(?:, | and )?)+)/g)].flatMap(
    ([, list = '']) => list.match(/R[0-9]+/g) ?? [],
  );
  return [...new Set([...listed, ...toQuotations(flat).map(({ number }) => number)])];
}

/**
 * Returns the wrong citations in a file: pages, headings, requirements or decisions that do not exist, and quotations that differ
 * from their requirement.
 */
export function findCitationFaults(text: string, pages: CitedPages): readonly string[] {
  const flat = joinLines(text);
  return [
    ...findPageFaults(flat, pages),
    ...toCitedRequirements(text)
      .filter((number) => !pages.requirements.has(number))
      .map((number) => `no requirement ${number}`),
    ...toQuotations(flat)
      .filter(({ number, text: quoted }) => !isQuotation(quoted, pages.requirements.get(number) ?? ''))
      .map(({ number }) => `the quotation of ${number} differs from protocol.md`),
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

/** Returns the quotations in a file, each with the text that follows its opening quotation mark. */
function toQuotations(flat: string): readonly { readonly number: string; readonly text: string }[] {
  return [...flat.matchAll(/\b(R[0-9]+): "/g)].map((match) => ({
    number: match[1] ?? '',
    text: flat.slice(match.index + match[0].length),
  }));
}

/** True if `text` begins with the whole sentence, or with a piece of the sentence that begins or ends with "…". */
function isQuotation(text: string, sentence: string): boolean {
  if (text.startsWith(`${sentence}"`)) return true;
  const quoted = text.slice(0, text.indexOf('"'));
  const piece = quoted.replaceAll(/^… ?|,? ?…$/g, '');
  return piece !== quoted && piece.length >= QUOTATION_LENGTH_MIN && sentence.includes(piece);
}

/** Returns a file's content with each line break, and the comment marker after it, replaced by a single space. */
function joinLines(text: string): string {
  return text.replaceAll(/\s*\n\s*(?:\*(?!\/)|\/\/|#)?\s*/g, ' ');
}
