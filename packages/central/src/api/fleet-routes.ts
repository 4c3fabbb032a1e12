import { Type } from 'typebox';
import {
  BOAT_FILTERS,
  BOAT_SORTS,
  FleetAlertsSchema,
  FleetBoatDetailsSchema,
  FleetBoatsSchema,
  FleetExportsSchema,
  FleetLogSchema,
  FleetOverviewSchema,
  FleetPositionsSchema,
  FleetRejectedSchema,
} from './fleet-schemas.ts';
import { installationId, JSON_TYPE, OPERATOR_REFUSALS, type Parameter, type Route } from './route.ts';

const INSTALLATION = {
  in: 'path',
  name: 'id',
  required: true,
  description: 'The installation',
  schema: installationId,
} as const satisfies Parameter;

const LIMIT = {
  in: 'query',
  name: 'limit',
  required: false,
  description: 'Maximum number of entries, 1 to 200. The default is 50.',
  schema: Type.String({ pattern: '^([1-9][0-9]?|1[0-9]{2}|200)$' }),
} as const satisfies Parameter;

/** The value of `next` in an earlier answer. */
const CURSOR = Type.String({ pattern: '^[A-Za-z0-9_-]{1,1000}$' });
const DEGREES = Type.String({ pattern: '^-?[0-9]{1,3}(\\.[0-9]{1,6})?$' });

function toBoundary(name: string, description: string) {
  return { in: 'query', name, required: true, description, schema: DEGREES } as const;
}

const BEFORE = {
  in: 'query',
  name: 'before',
  required: false,
  description: 'The `next` of the previous page',
  schema: CURSOR,
} as const satisfies Parameter;

/** Read-only fleet routes for operators. Every list is paged, and later pages cost no more than the first. */
export const FLEET_ROUTES = {
  fleetOverview: {
    method: 'GET',
    path: '/api/v1/fleet',
    access: 'operator',
    load: 'none',
    summary: 'Returns figures about the fleet, including the imports of the last 24 hours.',
    description:
      'With more than 2,000 boats, the figures are computed at most once a minute. They are at most 5 minutes old, and `as_of` is the time at which they were computed.',
    parameters: [],
    body: undefined,
    answer: { description: 'The figures', contentType: JSON_TYPE, schema: FleetOverviewSchema },
    refusals: OPERATOR_REFUSALS,
  },
  fleetBoats: {
    method: 'GET',
    path: '/api/v1/fleet/installations',
    access: 'operator',
    load: 'none',
    summary: 'Returns one page of the boats.',
    description:
      'A boat is late once it has been silent for 1.5 times its usual silence, and for at least 6 hours longer than usual. The usual silence is the 80th percentile of its last 16 silences.',
    parameters: [
      {
        in: 'query',
        name: 'sort',
        required: false,
        description: 'The order. The default is `attention`: late boats first.',
        schema: Type.Enum(BOAT_SORTS),
      },
      {
        in: 'query',
        name: 'filter',
        required: false,
        description: 'Only these boats',
        schema: Type.Enum(BOAT_FILTERS),
      },
      {
        in: 'query',
        name: 'tier',
        required: false,
        description: 'Only boats of this tier',
        schema: Type.String({ pattern: '^[0-9]{1,2}$' }),
      },
      {
        in: 'query',
        name: 'version',
        required: false,
        description: 'Only boats with this software version',
        schema: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' }),
      },
      {
        in: 'query',
        name: 'search',
        required: false,
        description: 'Only boats with this text in the name, or whose installation ID begins with it',
        schema: Type.String({ minLength: 1, maxLength: 80, pattern: '^[^\\u0000]*$' }),
      },
      {
        in: 'query',
        name: 'after',
        required: false,
        description: 'The `next` of the previous page',
        schema: CURSOR,
      },
      LIMIT,
    ],
    body: undefined,
    answer: { description: 'The boats', contentType: JSON_TYPE, schema: FleetBoatsSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
  fleetPositions: {
    method: 'GET',
    path: '/api/v1/fleet/positions',
    access: 'operator',
    load: 'none',
    summary:
      'Returns the last positions in a part of the map, grouped on a grid: at most 1,500 groups, those with late boats first.',
    description:
      'With more than 2,000 boats, `positioned` and a map with cells of 2 degrees or more may be up to 5 minutes old. For such a map, boats are first grouped by cells of 1 degree, so a boat just inside the edge of the map may be missing, and one just outside may be included.',
    parameters: [
      toBoundary('west', 'Western edge in degrees; greater than `east` across the date line'),
      toBoundary('south', 'Southern edge in degrees'),
      toBoundary('east', 'Eastern edge in degrees'),
      toBoundary('north', 'Northern edge in degrees'),
      {
        in: 'query',
        name: 'cell',
        required: true,
        description: 'Side of a grid cell in degrees, 0.001 to 90',
        schema: Type.String({
          pattern: '^(0\\.00[1-9]|0\\.0[1-9][0-9]?|0\\.[1-9][0-9]{0,2}|[1-8]?[0-9]|90)$',
        }),
      },
    ],
    body: undefined,
    answer: { description: 'The groups', contentType: JSON_TYPE, schema: FleetPositionsSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
  fleetBoat: {
    method: 'GET',
    path: '/api/v1/fleet/installations/{id}',
    access: 'operator',
    load: 'none',
    summary: 'Returns one boat: its state, its records at central, its last 30 days and its ledgers.',
    description: '',
    parameters: [INSTALLATION],
    body: undefined,
    answer: { description: 'The boat', contentType: JSON_TYPE, schema: FleetBoatDetailsSchema },
    refusals: ['INVALID_FORMAT', 'NOT_FOUND', ...OPERATOR_REFUSALS],
  },
  fleetExports: {
    method: 'GET',
    path: '/api/v1/fleet/installations/{id}/exports',
    access: 'operator',
    load: 'none',
    summary:
      "Returns the exports of the boat's newest ledger by number, newest first, including the missing ones.",
    description: '',
    parameters: [
      INSTALLATION,
      {
        in: 'query',
        name: 'before',
        required: false,
        description: 'Only exports with a lower number',
        schema: Type.String({ pattern: '^[0-9]{1,15}$' }),
      },
      LIMIT,
    ],
    body: undefined,
    answer: { description: 'The exports', contentType: JSON_TYPE, schema: FleetExportsSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
  fleetLog: {
    method: 'GET',
    path: '/api/v1/fleet/installations/{id}/log',
    access: 'operator',
    load: 'none',
    summary: "Returns lines of the boat's log, newest first.",
    description: 'The text of each line is truncated to 2,000 characters.',
    parameters: [INSTALLATION, BEFORE, LIMIT],
    body: undefined,
    answer: { description: 'The lines', contentType: JSON_TYPE, schema: FleetLogSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
  fleetAlerts: {
    method: 'GET',
    path: '/api/v1/fleet/installations/{id}/alerts',
    access: 'operator',
    load: 'none',
    summary: "Returns the boat's most recent open alerts.",
    description: '',
    parameters: [INSTALLATION, LIMIT],
    body: undefined,
    answer: { description: 'The alerts', contentType: JSON_TYPE, schema: FleetAlertsSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
  fleetRejected: {
    method: 'GET',
    path: '/api/v1/fleet/installations/{id}/rejected',
    access: 'operator',
    load: 'none',
    summary: "Returns the boat's rejected records with their reasons, newest first.",
    description: 'The first 2,000 characters of each record are returned as text.',
    parameters: [INSTALLATION, BEFORE, LIMIT],
    body: undefined,
    answer: { description: 'The records', contentType: JSON_TYPE, schema: FleetRejectedSchema },
    refusals: ['INVALID_FORMAT', ...OPERATOR_REFUSALS],
  },
} as const satisfies Readonly<Record<string, Route>>;
