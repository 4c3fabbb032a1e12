import { fleetEn } from './fleet-en.ts';
import { type CatalogueOf, createPageTexts, type TextsOf } from './texts.ts';

export type FleetTextKey = keyof typeof fleetEn;
export type FleetTexts = TextsOf<typeof fleetEn>;
/** The texts of the fleet's page in one language. Its keys are the keys of the English texts. */
export type FleetCatalogue = CatalogueOf<typeof fleetEn>;

/** Creates the texts of the fleet's page in a language. An unknown time zone counts as UTC. */
export function createFleetTexts(language: string, catalogue: FleetCatalogue, timeZone: string): FleetTexts {
  return createPageTexts<typeof fleetEn>(language, catalogue, timeZone);
}
