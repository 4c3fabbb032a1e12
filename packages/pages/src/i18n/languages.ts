/**
 * The languages of the page, each with its own name. English is part of the script; the others are loaded when they are needed.
 */
export const LANGUAGES = {
  ar: 'العربية',
  da: 'Dansk',
  de: 'Deutsch',
  el: 'Ελληνικά',
  en: 'English',
  es: 'Español',
  fi: 'Suomi',
  fr: 'Français',
  hr: 'Hrvatski',
  it: 'Italiano',
  ja: '日本語',
  nl: 'Nederlands',
  no: 'Norsk',
  pt: 'Português',
  sv: 'Svenska',
  tr: 'Türkçe',
  uk: 'Українська',
  zh: '中文',
} as const;

export type Language = keyof typeof LANGUAGES;

/** Browsers name the two written forms of Norwegian, which share one translation. */
const ALIASES: Readonly<Record<string, Language>> = { nb: 'no', nn: 'no' };

/** Chooses the first wanted language that the page has, and English otherwise. `de-CH` is served by `de`. */
export function chooseLanguage(wanted: readonly (string | null | undefined)[]): Language {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split('-')[0] ?? '';
    if (isLanguage(language)) return language;
    const alias = ALIASES[language];
    if (alias !== undefined && Object.hasOwn(ALIASES, language)) return alias;
  }
  return 'en';
}

function isLanguage(text: string): text is Language {
  return Object.hasOwn(LANGUAGES, text);
}
