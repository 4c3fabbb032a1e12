import '../ui/tokens.css';
import '../ui/components.css';
import './boat.css';
import { render } from 'preact';
import { chooseLanguage, type Language } from '../i18n/languages.ts';
import { en } from '../i18n/en.ts';
import { createWords, loadTexts, type Words } from '../i18n/load-texts.ts';
import { type Catalogue, createTexts, type Texts } from '../i18n/texts.ts';
import { createActs } from './acts.ts';
import { toTextsPath } from './api.ts';
import { App } from './app.tsx';
import { toBackUrl } from './back.ts';
import { connect } from './connection.ts';
import { parseLook, type Theme, toTheme } from '../ui/look.ts';
import { recall } from '../ui/memory.ts';
import { createRefresh } from './refresh.ts';
import { INITIAL_STATE, type PageState, type Place, PLACES } from './state.ts';
import { createStore } from '../ui/store.ts';

/** Interval at which the clock and the theme are updated. */
const CLOCK_EVERY_MS = 5_000;

/** Renders a page state into `root`. */
type Draw = (state: PageState) => void;

/** The page's language: the owner's choice, otherwise the one that d3kOS sets in the URL, otherwise the browser's. */
function toLanguage(chosen: string | null | undefined): Language {
  const asked = new URLSearchParams(location.search).get('lang');
  return chooseLanguage([chosen, asked, ...navigator.languages]);
}

function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

/**
 * Returns the texts for a language and a time zone. They are cached until one of the two changes, because formatters are slow to
 * create.
 */
function createTextsCache(first: BoatWords): (words: BoatWords, timeZone: string) => Texts {
  let key = '';
  let texts = createTexts(first.language, first.catalogue, 'UTC');
  return ({ language, catalogue }, timeZone) => {
    if (key === `${language} ${timeZone}`) return texts;
    key = `${language} ${timeZone}`;
    texts = createTexts(language, catalogue, timeZone);
    document.documentElement.lang = language;
    document.documentElement.dir = texts.direction;
    document.title = texts.say('page.title');
    return texts;
  };
}

type BoatWords = Words<Catalogue>;

const load = (language: Language): Promise<Catalogue | undefined> =>
  loadTexts(toTextsPath(language), language, en);

/** Returns the boat's time: the time of the latest message plus, while the page is live, the time since then. */
function createBoatTime(): (state: PageState) => string | undefined {
  let heardAt: string | undefined;
  let heardMs = 0;
  return (state) => {
    if (state.heardAt !== heardAt) heardMs = performance.now();
    heardAt = state.heardAt;
    if (heardAt === undefined) return undefined;
    const elapsedMs = state.link === 'live' ? performance.now() - heardMs : 0;
    return new Date(Date.parse(heardAt) + elapsedMs).toISOString();
  };
}

interface DrawDeps {
  readonly root: HTMLElement;
  readonly acts: ReturnType<typeof createActs>;
  readonly firstTheme: Theme;
  readonly firstWords: BoatWords;
  readonly show: () => void;
}

function createDraw({ root, acts, firstTheme, firstWords, show }: DrawDeps): Draw {
  const toTexts = createTextsCache(firstWords);
  const toWords = createWords(firstWords, load, show);
  const toBoatTime = createBoatTime();
  const backUrl = toBackUrl(document.referrer, location.href, window.top !== window);
  let theme = firstTheme;
  return (state) => {
    const { status } = state;
    const words = toWords(toLanguage(state.language));
    const texts = toTexts(words, status?.schedule.timezone ?? 'UTC');
    const boatTime = status === undefined ? undefined : toBoatTime(state);
    const clock = boatTime === undefined ? undefined : texts.clock(boatTime);
    const hour = boatTime === undefined ? new Date().getHours() : texts.hour(boatTime);
    theme = toTheme(state.look, hour, status?.destination.state !== 'clock_wrong', theme);
    showTheme(theme);
    render(<App view={{ state, texts, acts, clock, backUrl, missingLanguage: words.missing }} />, root);
  };
}

function start(firstTheme: Theme, firstWords: BoatWords): void {
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
  const draw = createDraw({ root, acts, firstTheme, firstWords, show });
  const language = recall('language') ?? undefined;
  store.change((state) => ({ ...state, language, look: parseLook(recall('look')) }));
  const follow = (): void => acts.open(toPlace(location.hash));
  addEventListener('hashchange', follow);
  follow();
  connect(store, refresh);
  setInterval(show, CLOCK_EVERY_MS);
}

function toPlace(hash: string): Place {
  return PLACES.find((place) => `#${place}` === hash) ?? 'now';
}

// The script runs in the head, before the first frame, so that no bright frame appears at night. The texts load meanwhile.
const firstTheme = toTheme(parseLook(recall('look')), new Date().getHours(), true, undefined);
showTheme(firstTheme);
const language = toLanguage(recall('language'));
const firstTexts = load(language);
document.addEventListener('DOMContentLoaded', () => {
  void firstTexts.then((catalogue) =>
    start(firstTheme, catalogue === undefined ? { language: 'en', catalogue: en } : { language, catalogue }),
  );
});
