import '../ui/tokens.css';
import '../ui/components.css';
import './fleet.css';
import { render } from 'preact';
import { fleetEn } from '../i18n/fleet-en.ts';
import { createFleetTexts, type FleetCatalogue, type FleetTexts } from '../i18n/fleet-texts.ts';
import { chooseLanguage, type Language } from '../i18n/languages.ts';
import { createWords, loadTexts, type Words } from '../i18n/load-texts.ts';
import { parseLook, type Theme, toTheme } from '../ui/look.ts';
import { recall } from '../ui/memory.ts';
import { createActs } from './acts.ts';
import { toTextsPath } from './api.ts';
import { App } from './app.tsx';
import { parsePlace } from './place.ts';
import { createRefresh } from './refresh.ts';
import { applyPlace, INITIAL_STATE, type PageState } from './state.ts';
import { createStore } from '../ui/store.ts';

/** Interval between data refreshes while the page is visible. */
const REFRESH_EVERY_MS = 15_000;

function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

const load = (language: Language): Promise<FleetCatalogue | undefined> =>
  loadTexts(toTextsPath(language), language, fleetEn);

/** The page's language: the operator's choice, then the one in the address, then the browser's. */
function toLanguage(chosen: string | null | undefined): Language {
  const asked = new URLSearchParams(location.search).get('lang');
  return chooseLanguage([chosen, asked, ...navigator.languages]);
}

/**
 * Returns the texts for a language and a time zone. They are cached until one of the two changes, because formatters are slow to
 * create.
 */
function createTextsCache(): (words: Words<FleetCatalogue>, timeZone: string) => FleetTexts {
  let key = '';
  let texts: FleetTexts | undefined;
  return ({ language, catalogue }, timeZone) => {
    if (texts !== undefined && key === `${language} ${timeZone}`) return texts;
    key = `${language} ${timeZone}`;
    texts = createFleetTexts(language, catalogue, timeZone);
    document.documentElement.lang = language;
    document.documentElement.dir = texts.direction;
    return texts;
  };
}

interface DrawDeps {
  readonly root: HTMLElement;
  readonly acts: ReturnType<typeof createActs>;
  readonly firstWords: Words<FleetCatalogue>;
  readonly show: () => void;
}

function createDraw({ root, acts, firstWords, show }: DrawDeps): (state: PageState) => void {
  const toTexts = createTextsCache();
  const toWords = createWords(firstWords, load, show);
  return (state) => {
    const timeZone = state.zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone;
    const words = toWords(toLanguage(state.language));
    const texts = toTexts(words, timeZone);
    const name = state.place.kind === 'boat' ? state.boat?.details?.boat.name : undefined;
    document.title = name == null ? texts.say('page.title') : `${name} – ${texts.say('page.title')}`;
    showTheme(toTheme(state.look, new Date().getHours(), true, undefined));
    render(<App view={{ state, texts, acts, timeZone, missingLanguage: words.missing }} />, root);
  };
}

function start(firstWords: Words<FleetCatalogue>): void {
  const root = document.getElementById('app');
  if (root === null) throw new Error('the page has no element with the ID "app"');
  let isPlanned = false;
  /** Renders once after all changes in the current task. */
  const show = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(() => {
      isPlanned = false;
      draw(store.read());
    });
  };
  const store = createStore(INITIAL_STATE, show);
  const refresh = createRefresh(store);
  const acts = createActs(store, refresh);
  const draw = createDraw({ root, acts, firstWords, show });
  const follow = (): void => {
    store.change((state) => applyPlace(state, parsePlace(location.hash)));
    void refresh.everything();
  };
  store.change((state) => ({
    ...state,
    language: recall('language') ?? undefined,
    look: parseLook(recall('look')),
    zone: recall('zone') === 'local' ? 'local' : 'utc',
  }));
  addEventListener('hashchange', follow);
  follow();
  show();
  acts.resume();
  const read = (): void => {
    if (document.visibilityState === 'visible') void refresh.everything();
  };
  setInterval(read, REFRESH_EVERY_MS);
  document.addEventListener('visibilitychange', read);
}

// The script runs in the head, before the first frame, so that no bright frame appears at night. The texts are loaded meanwhile.
showTheme(toTheme(parseLook(recall('look')), new Date().getHours(), true, undefined));
const language = toLanguage(recall('language'));
const firstTexts = load(language);
document.addEventListener('DOMContentLoaded', () => {
  void firstTexts.then((catalogue) =>
    start(catalogue === undefined ? { language: 'en', catalogue: fleetEn } : { language, catalogue }),
  );
});
