import ar from './fleet-texts/ar.json' with { type: 'json' };
import da from './fleet-texts/da.json' with { type: 'json' };
import de from './fleet-texts/de.json' with { type: 'json' };
import el from './fleet-texts/el.json' with { type: 'json' };
import es from './fleet-texts/es.json' with { type: 'json' };
import fi from './fleet-texts/fi.json' with { type: 'json' };
import fr from './fleet-texts/fr.json' with { type: 'json' };
import hr from './fleet-texts/hr.json' with { type: 'json' };
import it from './fleet-texts/it.json' with { type: 'json' };
import ja from './fleet-texts/ja.json' with { type: 'json' };
import nl from './fleet-texts/nl.json' with { type: 'json' };
import no from './fleet-texts/no.json' with { type: 'json' };
import pt from './fleet-texts/pt.json' with { type: 'json' };
import sv from './fleet-texts/sv.json' with { type: 'json' };
import tr from './fleet-texts/tr.json' with { type: 'json' };
import uk from './fleet-texts/uk.json' with { type: 'json' };
import zh from './fleet-texts/zh.json' with { type: 'json' };
import { fleetEn } from './fleet-en.ts';
import type { FleetCatalogue } from './fleet-texts.ts';
import type { Language } from './languages.ts';

/**
 * The texts of the fleet's page in every language. The compiler compares their keys with the English ones. Set-up and tests read
 * them here; the page loads one language at a time.
 */
export const FLEET_CATALOGUES: Readonly<Record<Language, FleetCatalogue>> = {
  ar,
  da,
  de,
  el,
  en: fleetEn,
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
