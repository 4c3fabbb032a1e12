import {
  type AnswerOf,
  call,
  COAST_PATH,
  type Given,
  LAND_PATH,
  type Refusal,
  type UsedRoute,
} from './api.ts';
import type { Topology } from './land.ts';
import { COAST_FROM_SCALE, toFit, toWindow } from './map-view.ts';
import {
  EXPORTS_SHOWN,
  isAdmin,
  type OpenBoat,
  PAGE_LENGTH,
  type PageState,
  toEndedSession,
  type Troubles,
} from './state.ts';
import type { Store } from './store.ts';

/** Reads facts from central. An answer replaces the displayed facts only if the operator is still on the same view. */
export interface Refresh {
  everything(): Promise<void>;
  boats(): Promise<void>;
  positions(): Promise<void>;
  exports(before: number | undefined): Promise<void>;
  olderLog(): Promise<void>;
  olderRejected(): Promise<void>;
  olderEvents(): Promise<void>;
  olderTrail(): Promise<void>;
}

const LOG_SHOWN = 12;
const REJECTED_SHOWN = 10;
const ALERTS_SHOWN = 10;
/** Number of events that central returns at once. */
const EVENTS_PER_PAGE = 200;
/** Codes with which central refuses the operator. */
const LOGGED_OUT: readonly string[] = ['INVALID_TOKEN'];

/** Sends a request to central and returns the answer. If central refuses, it shows the refusal and returns undefined. */
type Ask = <Id extends UsedRoute>(id: Id, parameters: Given<Id>) => Promise<AnswerOf<Id> | undefined>;

function createAsk(store: Store): Ask {
  return async (id, parameters) => {
    const { session, place } = store.read();
    if (session.kind !== 'open') return undefined;
    const reply = await call(session.token, id, parameters);
    if (store.read().session !== session) return undefined;
    const { place: answered } = store.read();
    const refusal = reply.kind === 'refused' ? reply.refusal : undefined;
    if (refusal !== undefined && LOGGED_OUT.includes(refusal.code))
      store.change((state) => ({ ...state, session: toEndedSession(session, refusal) }));
    // An answer about the previous view does not concern the facts of this one.
    else if (answered === place)
      store.change((state) => ({ ...state, troubles: toTroubles(state.troubles, id, refusal) }));
    return reply.kind === 'answer' ? reply.value : undefined;
  };
}

/** Returns the troubles after a request to a route was answered or refused. */
function toTroubles(troubles: Troubles, id: UsedRoute, refusal: Refusal | undefined): Troubles {
  const { [id]: former, ...others } = troubles;
  if (refusal !== undefined) return { ...others, [id]: refusal };
  return former === undefined ? troubles : others;
}

export function createRefresh(store: Store): Refresh {
  const ask = createAsk(store);
  const boat = createBoatRefresh(store, ask);
  const fleet = createFleetRefresh(store, ask);
  return {
    everything: () => {
      switch (store.read().place.kind) {
        case 'fleet':
          return fleet.everything();
        case 'boat':
          return boat.everything();
        case 'accounts':
          return readAccounts(store, ask);
      }
    },
    boats: fleet.boats,
    positions: fleet.positions,
    exports: boat.exports,
    olderLog: boat.olderLog,
    olderRejected: boat.olderRejected,
    olderEvents: boat.olderEvents,
    olderTrail: () => readOlderTrail(store, ask),
  };
}

async function readAccounts(store: Store, ask: Ask): Promise<void> {
  if (!isAdmin(store.read())) return;
  const isLong = (store.read().trail?.events.length ?? 0) > EVENTS_PER_PAGE;
  const [accounts, trail] = await Promise.all([
    ask('accounts', {}),
    // The operator is reading an extended list, so it is kept.
    isLong ? undefined : ask('audit', { scope: 'central' }),
  ]);
  store.change((state) => ({
    ...state,
    accounts: accounts ?? state.accounts,
    trail: trail ?? state.trail,
  }));
}

async function readOlderTrail(store: Store, ask: Ask): Promise<void> {
  const { trail } = store.read();
  if (trail?.next == null) return;
  const older = await ask('audit', { scope: 'central', before: trail.next });
  if (older !== undefined)
    store.change((state) =>
      state.trail === trail
        ? { ...state, trail: { ...older, events: [...trail.events, ...older.events] } }
        : state,
    );
}

function createFleetRefresh(store: Store, ask: Ask): Pick<Refresh, 'everything' | 'boats' | 'positions'> {
  const boats = async (): Promise<void> => {
    const { place, pages } = store.read();
    if (place.kind !== 'fleet') return;
    const { filter, sort, tier, version, search } = place.view;
    const page = await ask('fleetBoats', {
      filter,
      sort,
      limit: String(PAGE_LENGTH),
      ...toGiven({ tier, version, search, after: pages.at(-1) }),
    });
    if (page !== undefined)
      store.change((state) =>
        state.place === place && state.pages === pages ? { ...state, boats: page } : state,
      );
  };
  const positions = async (): Promise<void> => {
    const { map, place } = store.read();
    if (place.kind !== 'fleet') return;
    const found = await ask('fleetPositions', toWindow(map));
    if (found === undefined) return;
    store.change((state) =>
      state.map === map ? { ...state, positions: found, map: map.isSet ? map : toFit(found.bounds) } : state,
    );
    if (!map.isSet) return positions();
    await loadLand(store);
  };
  const overview = async (): Promise<void> => {
    const found = await ask('fleetOverview', {});
    if (found !== undefined) store.change((state) => ({ ...state, overview: found }));
  };
  return {
    everything: async () => void (await Promise.all([overview(), boats(), positions()])),
    boats,
    positions,
  };
}

function createBoatRefresh(
  store: Store,
  ask: Ask,
): Pick<Refresh, 'everything' | 'exports' | 'olderLog' | 'olderRejected' | 'olderEvents'> {
  const setBoat = (installationId: string, facts: Partial<OpenBoat>): void =>
    store.change((state) =>
      state.boat?.installationId === installationId ? { ...state, boat: { ...state.boat, ...facts } } : state,
    );
  const exports = async (before: number | undefined): Promise<void> => {
    const id = store.read().boat?.installationId;
    if (id === undefined) return;
    const found = await ask('fleetExports', {
      id,
      limit: String(EXPORTS_SHOWN),
      ...toGiven({ before: before?.toString() }),
    });
    if (found === undefined) return;
    // A number above the newest export selects the newest exports, so the list follows new ones.
    const isNewest = before === undefined || (found.exports[0]?.sequence ?? 0) < before - 1;
    setBoat(id, { exports: found, exportsBefore: isNewest ? undefined : before });
  };
  return {
    async everything() {
      const { boat } = store.read();
      if (boat !== undefined) await readBoat(boat, ask, setBoat, exports, store);
    },
    exports,
    async olderLog() {
      const { boat } = store.read();
      const next = boat?.log?.next;
      if (boat?.log === undefined || next == null) return;
      const { installationId: id, log } = boat;
      const older = await ask('fleetLog', { id, limit: String(LOG_SHOWN), before: next });
      if (older !== undefined) setBoat(id, { log: { ...older, lines: [...log.lines, ...older.lines] } });
    },
    async olderRejected() {
      const { boat } = store.read();
      const next = boat?.rejected?.next;
      if (boat?.rejected === undefined || next == null) return;
      const { installationId: id, rejected } = boat;
      const older = await ask('fleetRejected', { id, limit: String(REJECTED_SHOWN), before: next });
      if (older !== undefined)
        setBoat(id, { rejected: { ...older, rejected: [...rejected.rejected, ...older.rejected] } });
    },
    async olderEvents() {
      const { boat } = store.read();
      const next = boat?.audit?.next;
      if (boat?.audit === undefined || next == null) return;
      const { installationId: id, audit } = boat;
      const older = await ask('audit', { installation_id: id, before: next });
      if (older !== undefined)
        setBoat(id, { audit: { ...older, events: [...audit.events, ...older.events] } });
    },
  };
}

async function readBoat(
  boat: OpenBoat,
  ask: Ask,
  setBoat: (installationId: string, facts: Partial<OpenBoat>) => void,
  exports: (before: number | undefined) => Promise<void>,
  store: Store,
): Promise<void> {
  const id = boat.installationId;
  const set = async <Key extends keyof OpenBoat>(
    key: Key,
    found: Promise<OpenBoat[Key] | undefined>,
  ): Promise<void> => {
    const value = await found;
    if (value !== undefined) setBoat(id, { [key]: value });
  };
  const isLong = (list: readonly unknown[] | undefined, shown: number): boolean =>
    (list?.length ?? 0) > shown;
  await Promise.all([
    set('details', ask('fleetBoat', { id })),
    exports(boat.exportsBefore),
    set('alerts', ask('fleetAlerts', { id, limit: String(ALERTS_SHOWN) })),
    // The operator is reading an extended list, so it is kept.
    isLong(boat.log?.lines, LOG_SHOWN)
      ? undefined
      : set('log', ask('fleetLog', { id, limit: String(LOG_SHOWN) })),
    isLong(boat.rejected?.rejected, REJECTED_SHOWN)
      ? undefined
      : set('rejected', ask('fleetRejected', { id, limit: String(REJECTED_SHOWN) })),
    ...(isAdmin(store.read())
      ? [
          set('tokens', ask('tokens', { id })),
          isLong(boat.audit?.events, EVENTS_PER_PAGE)
            ? undefined
            : set('audit', ask('audit', { installation_id: id })),
        ]
      : []),
  ]);
  await loadLand(store);
}

function toGiven<T extends Readonly<Record<string, string | undefined>>>(
  values: T,
): { [K in keyof T]?: string } {
  // Only entries with a value remain.
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

/** Loads the land shapes once, and the finer ones when they are first needed. Without them, the map shows only its markers. */
async function loadLand(store: Store): Promise<void> {
  const { land, coast, map, place } = store.read();
  const needsCoast = place.kind === 'boat' || map.scale >= COAST_FROM_SCALE;
  if (land === undefined) await loadShapes(store, 'land', LAND_PATH);
  if (needsCoast && coast === undefined) await loadShapes(store, 'coast', COAST_PATH);
}

async function loadShapes(store: Store, key: 'land' | 'coast', path: string): Promise<void> {
  try {
    const response = await fetch(path);
    if (!response.ok) return;
    // The file is part of the built page, so its type is known.
    const shapes = (await response.json()) as Topology;
    store.change((state: PageState) => ({ ...state, [key]: shapes }));
  } catch {
    // The next refresh tries again.
  }
}
