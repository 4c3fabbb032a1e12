import { call, type PositionGroup } from './api.ts';
import type { Look } from '../ui/look.ts';
import { remember } from '../ui/memory.ts';
import { type MapView, WORLD, zoom } from './map-view.ts';
import { type ListView, toListAddress } from './place.ts';
import type { Refresh } from './refresh.ts';
import { INITIAL_STATE, type PageState } from './state.ts';
import type { Store } from './store.ts';

/** What the operator can do. */
export interface Acts {
  login(token: string): void;
  logout(): void;
  showList(view: ListView): void;
  nextPage(): void;
  previousPage(): void;
  /** Replaces the exports of the open boat by older ones, or by the newest ones. */
  showExports(before: number | undefined): void;
  showOlderLog(): void;
  showOlderRejected(): void;
  moveMap(map: MapView): void;
  fitMap(): void;
  /** Shows the boats of a group closer. */
  openGroup(group: PositionGroup): void;
  openDisplay(isOpen: boolean): void;
  setLook(look: Look): void;
  setLanguage(language: string): void;
  setZone(zone: PageState['zone']): void;
}

/** How much closer a group is shown. */
const GROUP_ZOOM = 4;
/** Pause after the last movement of the map before its groups are read. */
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
    login(token) {
      set({ session: { kind: 'checking' } });
      void call(token, 'fleetOverview', {}).then((reply) => {
        if (reply.kind === 'refused') return set({ session: { kind: 'none', refusal: reply.refusal } });
        set({ session: { kind: 'open', token }, overview: reply.value, trouble: undefined });
        return refresh.everything();
      });
    },
    logout() {
      // Nothing of the fleet stays in the page.
      store.change(({ look, language, zone, place, land, coast }) => ({
        ...INITIAL_STATE,
        look,
        language,
        zone,
        place,
        land,
        coast,
      }));
    },
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
