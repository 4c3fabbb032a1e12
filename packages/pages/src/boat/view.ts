import type { Language } from '../i18n/languages.ts';
import type { Texts } from '../i18n/texts.ts';
import type { Acts } from './acts.ts';
import type { PageState } from './state.ts';

/** Values shared by the page's components. */
export interface View {
  readonly state: PageState;
  readonly texts: Texts;
  readonly acts: Acts;
  /** The boat's time of day, or undefined if it is not known. */
  readonly clock: string | undefined;
  /** The d3kOS page that linked here, or undefined if there is none to go back to. */
  readonly backUrl: string | undefined;
  /** The selected language, if its texts could not be loaded. */
  readonly missingLanguage: Language | undefined;
}
