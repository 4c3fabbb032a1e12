import { en } from './en.ts';
import type { Language } from './languages.ts';
import type { Catalogue } from './texts.ts';

/**
 * Loads the texts of a language. Returns undefined if they cannot be loaded, and never rejects. If the loaded file lacks a text,
 * because the export manager was updated while the page was open, that text is in English.
 */
export async function loadTexts(path: string, language: Language): Promise<Catalogue | undefined> {
  if (language === 'en') return en;
  try {
    const response = await fetch(path);
    if (!response.ok) return undefined;
    const texts: unknown = await response.json();
    // The file comes from the server of this page. `npm run setup` compared its keys with the English ones.
    return { ...en, ...(texts as Catalogue) };
  } catch {
    return undefined;
  }
}
