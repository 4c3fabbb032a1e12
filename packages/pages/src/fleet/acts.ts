import { type AnswerOf, call, type PositionGroup, type Reply } from './api.ts';
import { type ChangeActs, createChangeActs } from './change-acts.ts';
import type { Look } from '../ui/look.ts';
import { remember } from '../ui/memory.ts';
import { type MapView, WORLD, zoom } from './map-view.ts';
import { type ListView, toListAddress } from './place.ts';
import type { Refresh } from './refresh.ts';
import { INITIAL_STATE, type PageState } from './state.ts';
import type { Store } from './store.ts';

/** The operator's input. */
export type Login =
  | { readonly name: string; readonly password: string; readonly token?: undefined }
  | { readonly token: string; readonly name?: undefined; readonly password?: undefined };

/** The operator's actions. */
export interface Acts extends ChangeActs {
  /** Logs in with an account, or with the operator token. */
  login(given: Login): void;
  /** Resumes a session whose cookie the browser still has. */
  resume(): void;
  logout(): void;
  showList(view: ListView): void;
  nextPage(): void;
  previousPage(): void;
  /** Shows the open boat's older exports, or the latest ones. */
  showExports(before: number | undefined): void;
  showOlderLog(): void;
  showOlderRejected(): void;
  showOlderEvents(): void;
  showOlderTrail(): void;
  moveMap(map: MapView): void;
  fitMap(): void;
  /** Zooms in on a group's boats. */
  openGroup(group: PositionGroup): void;
  openDisplay(isOpen: boolean): void;
  setLook(look: Look): void;
  setLanguage(language: string): void;
  setZone(zone: PageState['zone']): void;
}

/** Zoom factor for a group. */
const GROUP_ZOOM = 4;
/** Delay between the last movement of the map and the request for its groups. */
const MAP_READ_AFTER_MS = 250;

export function createActs(store: Store, refresh: Refresh): Acts {
  const set = (facts: Partial<PageState>): void => store.change((state) => ({ ...state, ...facts }));
  let planned: ReturnType<typeof setTimeout> | undefined;
  const moveMap = (map: MapView): void => {
    set({ map });
    clearTimeout(planned);
    planned = setTimeout(() => void refresh.positions(), MAP_READ_AFTER_MS);
  };
  const turnTo = (pages: readonly (string | undefined)[]): void => {
    set({ pages });
    void refresh.boats();
    scrollTo({ top: 0 });
  };
  return {
    ...createSessionActs(store, refresh),
    ...createChangeActs(store, refresh),
    showList: (view) => void (location.hash = toListAddress(view)),
    nextPage() {
      const { boats, pages } = store.read();
      if (boats !== undefined && boats.next !== null) turnTo([...pages, boats.next]);
    },
    previousPage() {
      const { pages } = store.read();
      if (pages.length > 1) turnTo(pages.slice(0, -1));
    },
    showExports: (before) => void refresh.exports(before),
    showOlderLog: () => void refresh.olderLog(),
    showOlderRejected: () => void refresh.olderRejected(),
    showOlderEvents: () => void refresh.olderEvents(),
    showOlderTrail: () => void refresh.olderTrail(),
    moveMap,
    fitMap() {
      set({ map: WORLD });
      void refresh.positions();
    },
    openGroup: ({ latitude, longitude }) =>
      moveMap({ ...zoom(store.read().map, GROUP_ZOOM), latitude, longitude }),
    openDisplay: (isDisplayOpen) => set({ isDisplayOpen }),
    setLook(look) {
      remember('look', look);
      set({ look });
    },
    setLanguage(language) {
      remember('language', language);
      set({ language });
    },
    setZone(zone) {
      remember('zone', zone);
      set({ zone });
    },
  };
}

function createSessionActs(store: Store, refresh: Refresh): Pick<Acts, 'login' | 'resume' | 'logout'> {
  const set = (facts: Partial<PageState>): void => store.change((state) => ({ ...state, ...facts }));
  const open = (token: string | undefined, reply: Reply<AnswerOf<'session'>>): void => {
    if (reply.kind === 'refused') {
      // Without a session, the first request is refused, which is expected and not reported.
      const refusal =
        token === undefined && reply.refusal.code === 'INVALID_TOKEN' ? undefined : reply.refusal;
      return set({ session: { kind: 'none', refusal } });
    }
    const { name, role, expires_at: expiresAt } = reply.value;
    set({ session: { kind: 'open', token, name, role, expiresAt }, troubles: {} });
    void refresh.everything();
  };
  return {
    login({ name, password, token }) {
      set({ session: { kind: 'checking' } });
      const asked =
        token === undefined ? call(undefined, 'login', {}, { name, password }) : call(token, 'session', {});
      void asked.then((reply) => open(token, reply));
    },
    resume: () => void call(undefined, 'session', {}).then((reply) => open(undefined, reply)),
    logout() {
      const { session } = store.read();
      if (session.kind === 'open' && session.token === undefined) void call(undefined, 'logout', {});
      // Drops all fleet data from the page.
      store.change(({ look, language, zone, place, land, coast }) => ({
        ...INITIAL_STATE,
        session: { kind: 'none', refusal: undefined },
        look,
        language,
        zone,
        place,
        land,
        coast,
      }));
    },
  };
}
