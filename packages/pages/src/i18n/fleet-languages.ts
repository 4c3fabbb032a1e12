import { fleetDe } from './fleet-de.ts';
import { fleetEn } from './fleet-en.ts';
import { createPageTexts, type TextsOf } from './texts.ts';

export type FleetTextKey = keyof typeof fleetEn;
export type FleetTexts = TextsOf<typeof fleetEn>;

/** The languages of the fleet's page: those of operators, who are fewer than owners. */
export const FLEET_LANGUAGES = {
  de: { name: 'Deutsch', catalogue: fleetDe },
  en: { name: 'English', catalogue: fleetEn },
} as const;
export type FleetLanguage = keyof typeof FLEET_LANGUAGES;

/** Chooses the first wanted language that the page has, and English otherwise. `de-CH` is served by `de`. */
export function chooseFleetLanguage(wanted: readonly (string | null | undefined)[]): FleetLanguage {
  for (const tag of wanted) {
    const language = tag?.toLowerCase().split('-')[0];
    if (language === 'de' || language === 'en') return language;
  }
  return 'en';
}

/** Creates the texts of a language, with times in a time zone. */
export function createFleetTexts(language: FleetLanguage, timeZone: string): FleetTexts {
  return createPageTexts<typeof fleetEn>(language, FLEET_LANGUAGES[language].catalogue, timeZone);
}
