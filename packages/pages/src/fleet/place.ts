import type { BoatFilter, BoatSort } from '@d3kos/central/api';

/** What the list shows. It is part of the page's URL, so a list can be bookmarked or sent to a colleague. */
export interface ListView {
  readonly filter: BoatFilter;
  readonly sort: BoatSort;
  readonly tier: string | undefined;
  readonly version: string | undefined;
  readonly search: string | undefined;
}

/** The page's current view. */
export type Place =
  | { readonly kind: 'fleet'; readonly view: ListView }
  | { readonly kind: 'boat'; readonly installationId: string }
  | { readonly kind: 'accounts' };

/** The URL of the accounts view. */
export const ACCOUNTS_ADDRESS = '#/accounts';

export const FILTERS = [
  'all',
  'late',
  'refused',
  'shared_id',
  'gaps',
  'rejecting',
  'never_heard',
  'laid_up',
  'disabled',
] as const satisfies readonly BoatFilter[];
export const SORTS = ['attention', 'heard', 'name', 'size'] as const satisfies readonly BoatSort[];

export const WHOLE_FLEET: ListView = {
  filter: 'all',
  sort: 'attention',
  tier: undefined,
  version: undefined,
  search: undefined,
};

/** Reads the view from the URL. An unknown URL shows the fleet. */
export function parsePlace(hash: string): Place {
  const boat = /^#\/boat\/([0-9a-f]{16})$/.exec(hash)?.[1];
  if (boat !== undefined) return { kind: 'boat', installationId: boat };
  if (hash === ACCOUNTS_ADDRESS) return { kind: 'accounts' };
  const query = new URLSearchParams(hash.replace(/^#\/?\??/, ''));
  const text = (name: string) => query.get(name) || undefined;
  return {
    kind: 'fleet',
    view: {
      filter: FILTERS.find((filter) => filter === query.get('filter')) ?? 'all',
      sort: SORTS.find((sort) => sort === query.get('sort')) ?? 'attention',
      tier: text('tier'),
      version: text('version'),
      search: text('search'),
    },
  };
}

/** Returns the URL of a boat. */
export function toBoatAddress(installationId: string): string {
  return `#/boat/${installationId}`;
}

/** Returns the URL of a list. */
export function toListAddress(view: ListView): string {
  const query = new URLSearchParams(
    Object.entries(view).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && WHOLE_FLEET[entry[0] as keyof ListView] !== entry[1],
    ),
  );
  return query.size === 0 ? '#/' : `#/?${query}`;
}
