import type { FleetTexts } from '../i18n/fleet-texts.ts';
import type { Language } from '../i18n/languages.ts';
import type { Acts } from './acts.ts';
import type { PageState } from './state.ts';

/** Values shared by the page's components. */
export interface View {
  readonly state: PageState;
  readonly texts: FleetTexts;
  readonly acts: Acts;
  /** The time zone as `Intl` names it. */
  readonly timeZone: string;
  /** The chosen language, if its texts could not be loaded. */
  readonly missingLanguage: Language | undefined;
}
