import type { Language } from './languages.ts';

/** The texts of one language. */
export interface Words<Texts> {
  readonly language: Language;
  readonly catalogue: Texts;
}

/** The texts that the page shows. */
export interface ShownWords<Texts> extends Words<Texts> {
  /** The wanted language, if its texts could not be loaded. */
  readonly missing: Language | undefined;
}

/**
 * Loads the texts of a language. Returns undefined if they cannot be loaded, and never rejects. If the loaded file lacks a text,
 * because the server was updated while the page was open, that text is in English.
 */
export async function loadTexts<Texts extends object>(
  path: string,
  language: Language,
  english: Texts,
): Promise<Texts | undefined> {
  if (language === 'en') return english;
  try {
    const response = await fetch(path);
    if (!response.ok) return undefined;
    const texts: unknown = await response.json();
    // The file comes from the server of this page. `npm run setup` compared its keys with the English ones.
    return { ...english, ...(texts as Texts) };
  } catch {
    return undefined;
  }
}

/** Minimum time between two attempts to load the texts of a language. */
const TEXTS_RETRY_MS = 10_000;

/**
 * Holds the texts of the chosen language. While `load` loads another language, the previous texts are shown. If it cannot be
 * loaded, it is requested again when the page is next drawn. `show` is called after each load.
 */
export function createWords<Texts>(
  first: Words<Texts>,
  load: (language: Language) => Promise<Texts | undefined>,
  show: () => void,
): (wanted: Language) => ShownWords<Texts> {
  let words = first;
  let loading: Language | undefined;
  let failed: { readonly language: Language; readonly atMs: number } | undefined;
  const change = async (wanted: Language): Promise<void> => {
    loading = wanted;
    const catalogue = await load(wanted);
    if (loading !== wanted) return;
    loading = undefined;
    failed = catalogue === undefined ? { language: wanted, atMs: performance.now() } : undefined;
    if (catalogue !== undefined) words = { language: wanted, catalogue };
    show();
  };
  return (wanted) => {
    const isTooEarly = failed?.language === wanted && performance.now() - failed.atMs < TEXTS_RETRY_MS;
    if (wanted !== words.language && loading !== wanted && !isTooEarly) void change(wanted);
    const isMissing = wanted !== words.language && failed?.language === wanted;
    return { ...words, missing: isMissing ? wanted : undefined };
  };
}
