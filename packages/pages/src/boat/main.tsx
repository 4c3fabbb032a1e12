import '../ui/tokens.css';
import '../ui/components.css';
import './boat.css';
import { render } from 'preact';
import { en } from '../i18n/en.ts';
import { chooseLanguage, LANGUAGES } from '../i18n/languages.ts';
import { createTexts, type Texts } from '../i18n/texts.ts';
import { createActs } from './acts.ts';
import { App } from './app.tsx';
import { connect } from './connection.ts';
import { parseLook, type Theme, toTheme } from './look.ts';
import { recall } from './memory.ts';
import { createRefresh } from './refresh.ts';
import { type PageState, type Place, PLACES } from './state.ts';
import { createStore } from './store.ts';

/** Interval at which the clock and the look follow the time. */
const CLOCK_EVERY_MS = 5_000;

/** Draws a state of the page into `root`. */
type Draw = (state: PageState) => void;

function showTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme;
}

/** Returns the texts of a language and a time zone. They are kept until one of the two changes, because formatters are slow to create. */
function createTextsCache(): (language: string, timeZone: string) => Texts {
  let key = '';
  let texts = createTexts('en', en, 'UTC');
  return (language, timeZone) => {
    if (key === `${language} ${timeZone}`) return texts;
    key = `${language} ${timeZone}`;
    texts = createTexts(language, LANGUAGES[language]?.catalogue ?? en, timeZone);
    document.documentElement.lang = language;
    document.documentElement.dir = texts.direction;
    document.title = texts.say('page.title');
    return texts;
  };
}

/** Returns the boat's time, which goes on from the newest message while the page is live. */
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

function createDraw(root: HTMLElement, acts: ReturnType<typeof createActs>, first: Theme): Draw {
  const toTexts = createTextsCache();
  const toBoatTime = createBoatTime();
  const asked = new URLSearchParams(location.search).get('lang');
  let theme = first;
  return (state) => {
    const { status } = state;
    const language = chooseLanguage([state.language, asked, ...navigator.languages]);
    const texts = toTexts(language, status?.schedule.timezone ?? 'UTC');
    const boatTime = status === undefined ? undefined : toBoatTime(state);
    const clock = boatTime === undefined ? undefined : texts.clock(boatTime);
    const hour = boatTime === undefined ? new Date().getHours() : texts.hour(boatTime);
    theme = toTheme(state.look, hour, status?.destination.state !== 'clock_wrong', theme);
    showTheme(theme);
    render(<App view={{ state, texts, acts, clock }} />, root);
  };
}

function start(theme: Theme): void {
  const root = document.getElementById('app');
  if (root === null) throw new Error('the page has no element with the ID "app"');
  let isPlanned = false;
  /** Draws once after all changes of the current task. */
  const show = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(() => {
      isPlanned = false;
      draw(store.read());
    });
  };
  const store = createStore(show);
  const refresh = createRefresh(store);
  const acts = createActs(store, refresh);
  const draw = createDraw(root, acts, theme);
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

// The script runs in the head, before the first frame, so that no bright frame appears at night.
const firstTheme = toTheme(parseLook(recall('look')), new Date().getHours(), true, undefined);
showTheme(firstTheme);
document.addEventListener('DOMContentLoaded', () => start(firstTheme));
