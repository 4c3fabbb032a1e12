import { en } from './en.ts';
import type { Language } from './languages.ts';
import type { Catalogue } from './texts.ts';

/**
 * Loads the texts of a language. Never rejects: if they cannot be loaded, the page is in English. If the loaded
 * file lacks a text, because the export manager was updated while the page was open, that text is in English
 * too.
 */
export async function loadTexts(path: string, language: Language): Promise<Catalogue> {
  if (language === 'en') return en;
  try {
    const response = await fetch(path);
    if (!response.ok) return en;
    const texts: unknown = await response.json();
    // The file comes from the server of this page. Set-up compared its keys with the English ones.
    return { ...en, ...(texts as Catalogue) };
  } catch {
    return en;
  }
}
