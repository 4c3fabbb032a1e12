import { de } from './de.ts';
import { en } from './en.ts';
import type { Catalogue } from './texts.ts';

/** The languages of the page, each with its own name and its texts. */
export const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly catalogue: Catalogue }>> = {
  de: { name: 'Deutsch', catalogue: de },
  en: { name: 'English', catalogue: en },
};

/** Chooses the first wanted language that the page has, and English otherwise. `de-CH` is served by `de`. */
export function chooseLanguage(wanted: readonly (string | null | undefined)[]): string {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split('-')[0];
    if (language !== undefined && Object.hasOwn(LANGUAGES, language)) return language;
  }
  return 'en';
}
