import type { JSX } from 'preact';
import { Act, Dialog } from '../ui/controls.tsx';
import { LOOKS } from '../ui/look.ts';
import { LANGUAGES } from '../i18n/languages.ts';
import type { View } from './view.ts';

/** Display settings: theme, language and time zone. */
export function Display({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const zones = [
    ['utc', say('page.zone.utc')],
    ['local', say('display.zone.local', { zone: Intl.DateTimeFormat().resolvedOptions().timeZone })],
  ] as const;
  return (
    <Dialog label={say('display.title')} onClose={() => acts.openDisplay(false)}>
      <h2>{say('display.title')}</h2>
      <div class="filters" role="group" aria-label={say('display.title')}>
        {LOOKS.map((look) => (
          <button
            key={look}
            type="button"
            class="act"
            aria-pressed={look === state.look}
            onClick={() => acts.setLook(look)}
          >
            {say(`display.${look}`)}
          </button>
        ))}
      </div>
      <h3>{say('display.language')}</h3>
      <div class="filters languages" role="group" aria-label={say('display.language')}>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <button
            key={code}
            type="button"
            class="act"
            lang={code}
            aria-pressed={code === texts.language}
            onClick={() => acts.setLanguage(code)}
          >
            {name}
          </button>
        ))}
      </div>
      <h3>{say('display.zone')}</h3>
      <div class="filters" role="group" aria-label={say('display.zone')}>
        {zones.map(([zone, name]) => (
          <button
            key={zone}
            type="button"
            class="act"
            aria-pressed={zone === state.zone}
            onClick={() => acts.setZone(zone)}
          >
            {name}
          </button>
        ))}
      </div>
      <Act focusFirst onPress={() => acts.openDisplay(false)}>
        {say('act.close')}
      </Act>
    </Dialog>
  );
}
