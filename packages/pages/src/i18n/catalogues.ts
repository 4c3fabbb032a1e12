import ar from './texts/ar.json' with { type: 'json' };
import da from './texts/da.json' with { type: 'json' };
import de from './texts/de.json' with { type: 'json' };
import el from './texts/el.json' with { type: 'json' };
import es from './texts/es.json' with { type: 'json' };
import fi from './texts/fi.json' with { type: 'json' };
import fr from './texts/fr.json' with { type: 'json' };
import hr from './texts/hr.json' with { type: 'json' };
import it from './texts/it.json' with { type: 'json' };
import ja from './texts/ja.json' with { type: 'json' };
import nl from './texts/nl.json' with { type: 'json' };
import no from './texts/no.json' with { type: 'json' };
import pt from './texts/pt.json' with { type: 'json' };
import sv from './texts/sv.json' with { type: 'json' };
import tr from './texts/tr.json' with { type: 'json' };
import uk from './texts/uk.json' with { type: 'json' };
import zh from './texts/zh.json' with { type: 'json' };
import { en } from './en.ts';
import type { Language } from './languages.ts';
import type { Catalogue } from './texts.ts';

/**
 * The texts of every language. The compiler compares their keys with the English ones. `npm run setup` and tests read them here.
 * The page loads one language at a time.
 */
export const CATALOGUES: Readonly<Record<Language, Catalogue>> = {
  ar,
  da,
  de,
  el,
  en,
  es,
  fi,
  fr,
  hr,
  it,
  ja,
  nl,
  no,
  pt,
  sv,
  tr,
  uk,
  zh,
};
