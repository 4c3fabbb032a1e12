import { type RouteId, ROUTES } from '../../api/contract.ts';
import { OPERATOR_TOKEN } from '../../testing/central-under-test.ts';
import { type Case, get, toStoreCases } from './contract-cases.ts';

/** Returns the cases of an operator route, given a valid path and one with an invalid parameter. */
function toFleetCases(
  route: RouteId,
  toPath: (installationId: string) => string,
  invalidPath?: string,
): readonly Case[] {
  const guess = 'a-guess-of-the-operator-token';
  return [
    { route, outcome: 'answered', toRequest: ({ boat }) => get(toPath(boat.id), OPERATOR_TOKEN) },
    { route, outcome: 'INVALID_TOKEN', toRequest: ({ boat }) => get(toPath(boat.id), boat.token) },
    {
      route,
      outcome: 'TOO_MANY_REQUESTS',
      toRequest: ({ boat }) => get(toPath(boat.id), guess),
      sentBefore: 40,
    },
    ...(invalidPath === undefined
      ? []
      : [{ route, outcome: 'INVALID_FORMAT' as const, toRequest: () => get(invalidPath, OPERATOR_TOKEN) }]),
    ...toStoreCases(route, ({ boat }) => get(toPath(boat.id), OPERATOR_TOKEN)),
  ];
}

const FLEET = '/api/v1/fleet';
const LISTS = {
  fleetExports: 'exports',
  fleetLog: 'log',
  fleetAlerts: 'alerts',
  fleetRejected: 'rejected',
} as const;
const FILES = ['fleetPage', 'fleetScript', 'fleetStyle', 'fleetLand', 'fleetCoast'] as const;

/** A request for each outcome of every fleet route and every Fleet page file. */
export const FLEET_CASES: readonly Case[] = [
  ...toFleetCases('fleetOverview', () => FLEET),
  ...toFleetCases('fleetBoats', () => `${FLEET}/installations?search=a`, `${FLEET}/installations?after=x`),
  ...toFleetCases(
    'fleetPositions',
    () => `${FLEET}/positions?west=-180&south=-80&east=180&north=80&cell=10`,
    `${FLEET}/positions?west=-180&south=-80&east=180&north=80&cell=0`,
  ),
  ...toFleetCases('fleetBoat', (id) => `${FLEET}/installations/${id}`, `${FLEET}/installations/nobody`),
  {
    route: 'fleetBoat',
    outcome: 'NOT_FOUND',
    toRequest: () => get(`${FLEET}/installations/${'f'.repeat(16)}`, OPERATOR_TOKEN),
  },
  ...(Object.keys(LISTS) as (keyof typeof LISTS)[]).flatMap((route) =>
    toFleetCases(
      route,
      (id) => `${FLEET}/installations/${id}/${LISTS[route]}`,
      `${FLEET}/installations/${'0'.repeat(16)}/${LISTS[route]}?limit=0`,
    ),
  ),
  { route: 'fleetTexts', outcome: 'answered', toRequest: () => get('/page/texts/de') },
  {
    route: 'fleetTexts',
    outcome: 'NOT_FOUND',
    toRequest: () => get('/page/texts/xx'),
    node: { readPageFile: () => Promise.resolve(undefined) },
  },
  { route: 'fleetTexts', outcome: 'INVALID_FORMAT', toRequest: () => get('/page/texts/de.json') },
  {
    route: 'fleetTexts',
    outcome: 'INTERNAL',
    toRequest: () => get('/page/texts/de'),
    node: { readPageFile: () => Promise.reject(new Error('the disk failed')) },
  },
  ...FILES.flatMap((route): readonly Case[] => {
    const toRequest = () => get(ROUTES[route].path);
    return [
      { route, outcome: 'answered', toRequest },
      { route, outcome: 'INTERNAL', toRequest, node: { readPageFile: () => Promise.resolve(undefined) } },
    ];
  }),
];
