import type { FleetTexts } from '../i18n/fleet-languages.ts';
import type { Acts } from './acts.ts';
import type { PageState } from './state.ts';

/** Values that the components of the page share. */
export interface View {
  readonly state: PageState;
  readonly texts: FleetTexts;
  readonly acts: Acts;
  /** The language and the time zone as `Intl` names them. */
  readonly language: string;
  readonly timeZone: string;
}
