import { ROUTES } from '../../api/contract.ts';
import type { ACCESS_ROUTES, ACCOUNT_ROUTES } from '../../api/operator-routes.ts';
import type { Route } from '../../api/route.ts';
import { OPERATOR_TOKEN } from '../../testing/central-under-test.ts';
import { PASSWORD, toPageHeaders } from '../../testing/operator-under-test.ts';
import { type Boats, type Case, type Outcome, toBodyCases, toStoreCases } from './contract-cases.ts';

type OperatorRoute = Exclude<keyof typeof ACCOUNT_ROUTES | keyof typeof ACCESS_ROUTES, 'login'>;

/** The body of a successful request, and the values of the path parameters. */
interface Facts {
  readonly body?: object;
  /** True if the body repeats the installation ID in the path. */
  readonly repeatsId?: boolean;
  readonly name?: string;
  readonly unknown?: Readonly<Record<string, string>>;
}

/** A successful request to each route, and parameters that match no existing installation, token or account. */
const REQUESTS: Readonly<Record<OperatorRoute, Facts>> = {
  session: {},
  logout: {},
  changeOwnPassword: { body: { present_password: PASSWORD, password: PASSWORD } },
  accounts: {},
  addAccount: { body: { name: 'added', role: 'viewer', password: PASSWORD } },
  changeRole: { name: 'role-of', body: { role: 'admin' }, unknown: { name: 'nobody' } },
  changePassword: { name: 'password-of', body: { password: PASSWORD }, unknown: { name: 'nobody' } },
  removeAccount: { name: 'removed', unknown: { name: 'nobody' } },
  tokens: { unknown: { id: 'f'.repeat(16) } },
  issueToken: { body: { expires_days: 7 } },
  rotateToken: { body: {}, unknown: { token_id: 'f'.repeat(12) } },
  revokeToken: { unknown: { token_id: 'f'.repeat(12) } },
  invite: { body: { tier: 2, expires_hours: 1, token_expires_days: 30 } },
  disableInstallation: { unknown: { id: 'f'.repeat(16) } },
  enableInstallation: { unknown: { id: 'f'.repeat(16) } },
  exportInstallation: { unknown: { id: 'f'.repeat(16) } },
  audit: {},
  // This case comes last, because the other requests need the boat.
  eraseInstallation: { repeatsId: true, unknown: { id: 'f'.repeat(16) } },
};

const TOKEN_HEADERS = { Authorization: `Bearer ${OPERATOR_TOKEN}`, 'Content-Type': 'application/json' };

/** Builds a request to a route with these headers. `changes` replaces path parameters and the query. */
export function toOperatorRequest(
  route: OperatorRoute,
  { managed, managedTokenId }: Pick<Boats, 'managed' | 'managedTokenId'>,
  headers: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>> = {},
): Request {
  const { method, path }: Route = ROUTES[route];
  const { repeatsId = false, name = 'viewer', ...facts } = REQUESTS[route];
  const values: Readonly<Record<string, string>> = {
    id: managed.id,
    token_id: managedTokenId,
    name,
    ...changes,
  };
  const body = repeatsId ? { installation_id: values['id'] } : facts.body;
  const url = `http://central.test${path.replaceAll(/\{(\w+)\}/g, (_, key: string) => values[key] ?? '')}${changes['query'] ?? ''}`;
  return new Request(url, {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

function toCases(route: OperatorRoute): readonly Case[] {
  const { access, method, body, refusals }: Route = ROUTES[route];
  const { unknown } = REQUESTS[route];
  const toCase = (
    outcome: Outcome,
    toHeaders: (boats: Boats) => Record<string, string>,
    changes?: Readonly<Record<string, string>>,
  ): Case => ({
    route,
    outcome,
    toRequest: (boats) => toOperatorRequest(route, boats, toHeaders(boats), changes),
  });
  const asAdmin = ({ sessions }: Boats) => toPageHeaders(sessions.admin);
  const isChange = method === 'POST';
  return [
    toCase('INVALID_TOKEN', () => ({})),
    {
      ...toCase('TOO_MANY_REQUESTS', () => ({ Authorization: 'Bearer a-guess-of-the-operator-token' })),
      sentBefore: 40,
    },
    ...toStoreCases(route, (boats) => toOperatorRequest(route, boats, asAdmin(boats))),
    ...(access === 'admin' ? [toCase('FORBIDDEN', ({ sessions }) => toPageHeaders(sessions.viewer))] : []),
    ...(isChange
      ? [toCase('ORIGIN_REFUSED', (boats) => ({ ...asAdmin(boats), Origin: 'https://evil.test' }))]
      : []),
    ...(unknown === undefined ? [] : [toCase('NOT_FOUND', () => TOKEN_HEADERS, unknown)]),
    ...(body === undefined
      ? []
      : toBodyCases(
          route,
          (boats, headers, init) =>
            new Request(toOperatorRequest(route, boats, { ...TOKEN_HEADERS, ...headers }), init),
        )),
    ...(body === undefined && refusals.includes('INVALID_FORMAT')
      ? [
          toCase('INVALID_FORMAT', () => TOKEN_HEADERS, {
            id: 'x',
            token_id: 'x',
            name: 'x y',
            query: '?installation_id=x',
          }),
        ]
      : []),
  ];
}

const login = (change: object, headers: Readonly<Record<string, string>> = {}) =>
  new Request('http://central.test/api/v1/session', {
    method: 'POST',
    headers: { ...toPageHeaders(), ...headers },
    body: JSON.stringify({ name: 'viewer', password: PASSWORD, ...change }),
  });

const loginCases: readonly Case[] = [
  { route: 'login', outcome: 'answered', toRequest: () => login({}) },
  { route: 'login', outcome: 'INVALID_LOGIN', toRequest: () => login({ password: 'wrong' }) },
  { route: 'login', outcome: 'ORIGIN_REFUSED', toRequest: () => login({}, { Origin: 'null' }) },
  ...toBodyCases('login', (_, headers, init) => new Request(login({}, headers), init)),
  ...toStoreCases('login', () => login({})),
];

const ownPasswordCases: readonly Case[] = [
  {
    route: 'changeOwnPassword',
    outcome: 'answered',
    toRequest: (boats) => toOperatorRequest('changeOwnPassword', boats, toPageHeaders(boats.sessions.admin)),
  },
  {
    route: 'changeOwnPassword',
    outcome: 'FORBIDDEN',
    toRequest: (boats) => toOperatorRequest('changeOwnPassword', boats, TOKEN_HEADERS),
  },
  {
    route: 'changeOwnPassword',
    outcome: 'INVALID_LOGIN',
    toRequest: (boats) =>
      new Request(toOperatorRequest('changeOwnPassword', boats, toPageHeaders(boats.sessions.admin)), {
        body: JSON.stringify({ present_password: 'wrong', password: PASSWORD }),
      }),
  },
];

/** Each route must also accept the operator token. */
const answeredByToken = (Object.keys(REQUESTS) as OperatorRoute[])
  .filter((route) => route !== 'changeOwnPassword')
  .map((route): Case => ({
    route,
    outcome: 'answered',
    toRequest: (boats) => toOperatorRequest(route, boats, TOKEN_HEADERS),
  }));

/** The cases of the operator routes. Those that change something come last. */
export const OPERATOR_CASES: readonly Case[] = [
  ...(Object.keys(REQUESTS) as OperatorRoute[]).flatMap(toCases),
  ...loginCases,
  ...ownPasswordCases,
  ...answeredByToken,
  {
    route: 'eraseInstallation',
    outcome: 'INVALID_FORMAT',
    toRequest: (boats) =>
      new Request(toOperatorRequest('eraseInstallation', boats, TOKEN_HEADERS), {
        body: JSON.stringify({ installation_id: boats.other.id }),
      }),
  },
  {
    route: 'addAccount',
    outcome: 'ACCOUNT_EXISTS',
    toRequest: (boats) => toOperatorRequest('addAccount', boats, TOKEN_HEADERS),
  },
  // This case comes last, because it uses up the limit per address.
  {
    route: 'login',
    outcome: 'TOO_MANY_REQUESTS',
    toRequest: () => login({ name: 'nobody' }),
    sentBefore: 40,
  },
];
