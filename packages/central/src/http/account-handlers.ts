import type { ACCOUNT_ROUTES } from '../api/operator-routes.ts';
import { recordEvent } from '../installations/audit.ts';
import {
  addAccount,
  changePassword,
  changeRole,
  listAccounts,
  removeAccount,
} from '../operators/accounts.ts';
import { login, verifyOwnPassword } from '../operators/login.ts';
import { endSession, type Session } from '../operators/sessions.ts';
import type { AppContext } from './context.ts';
import type { Operator } from './operator.ts';
import { findOwnChannel } from './own-origin.ts';
import { refuseFailures } from './refuse-failures.ts';
import { answer, type Reply, refuse } from './reply.ts';
import type { Handler, RouteRequest } from './route-request.ts';
import { parseSessionCookie, toEndedCookie, toSessionCookie } from './session-cookie.ts';

/** Handlers of the session and account routes. */
export const ACCOUNT_HANDLERS: { readonly [Id in keyof typeof ACCOUNT_ROUTES]: Handler<Id> } = {
  login: handleLogin,
  session: (_, { operator }) => answer<'session'>(toSessionAnswer(operator.role, operator.session)),
  logout: handleLogout,
  changeOwnPassword: handleOwnPassword,
  accounts: async ({ store }) =>
    answer<'accounts'>({ status: 'success', accounts: await listAccounts(store) }),
  addAccount: (context, { operator, body }) =>
    refuseFailures({ USAGE: 'INVALID_FORMAT', ACCOUNT_EXISTS: 'ACCOUNT_EXISTS' }, async () => {
      await addAccount(toChange(context, operator), body);
      return answer<'addAccount'>(DONE);
    }),
  changeRole: (context, { operator, parameters, body }) =>
    refuseFailures({ ACCOUNT_NOT_FOUND: 'NOT_FOUND' }, async () => {
      await changeRole(toChange(context, operator), parameters.name ?? '', body.role);
      return answer<'changeRole'>(DONE);
    }),
  changePassword: (context, { operator, parameters, body }) =>
    refuseFailures({ USAGE: 'INVALID_FORMAT', ACCOUNT_NOT_FOUND: 'NOT_FOUND' }, async () => {
      await changePassword(toChange(context, operator), parameters.name ?? '', body.password);
      return answer<'changePassword'>(DONE);
    }),
  removeAccount: (context, { operator, parameters }) =>
    refuseFailures({ ACCOUNT_NOT_FOUND: 'NOT_FOUND' }, async () => {
      await removeAccount(toChange(context, operator), parameters.name ?? '');
      return answer<'removeAccount'>(DONE);
    }),
};

const DONE = { status: 'success' } as const;

/** The ports needed for a change, and the operator who makes it. */
export function toChange({ store, wall, randomHex, passwords }: AppContext, { actor }: Operator) {
  return { store, wallMs: wall(), randomHex, passwords, actor };
}

function toSessionAnswer(role: Operator['role'], session: Session | undefined) {
  return {
    status: 'success',
    name: session?.name ?? null,
    role,
    expires_at: session?.expiresAt ?? null,
  } as const;
}

async function handleLogin(
  context: AppContext,
  { raw, body, sender }: RouteRequest<'login'>,
): Promise<Reply<'login'>> {
  const { store, wall, randomHex, passwords, guard } = context;
  // A page from another origin must not be able to log a browser into an account of that page's choice.
  const channel = findOwnChannel(raw);
  if (channel === undefined)
    return refuse(
      'ORIGIN_REFUSED',
      "a login needs HTTPS or a browser on this machine, central's own Origin and the header X-Requested-With; a proxy must pass on the Host header",
    );
  const presented = `login ${body.name}`;
  if (!guard.mayPresent(sender, presented))
    return refuse('TOO_MANY_REQUESTS', 'too many refused credentials came from this address');
  const { address } = sender;
  const formerSessionId = parseSessionCookie(raw);
  const attempt = { ...body, address, formerSessionId };
  const result = await login({ store, wallMs: wall(), randomHex, passwords }, attempt);
  switch (result.kind) {
    case 'accepted':
      return answer<'login'>(toSessionAnswer(result.session.role, result.session), {
        'Set-Cookie': toSessionCookie(result.sessionId, channel),
      });
    case 'refused':
      await guard.noteInvalid(sender, presented, undefined);
      return refuse('INVALID_LOGIN', 'the name or the password is wrong');
    case 'throttled':
      await guard.noteInvalid(sender, presented, undefined);
      return refuse('TOO_MANY_REQUESTS', 'too many failed logins; wait a minute');
  }
}

async function handleLogout(
  { store, wall }: AppContext,
  { raw, operator }: RouteRequest<'logout'>,
): Promise<Reply<'logout'>> {
  const { session, actor } = operator;
  if (session === undefined) return answer<'logout'>(DONE);
  await store.transaction(async (tx) => {
    await endSession(tx, session.sha256);
    const event = { installationId: '', subject: session.name, actor, detail: '' };
    await recordEvent(tx, { ...event, event: 'logged_out' }, wall());
  });
  // `authorize` has already refused session requests that did not come from a page of central.
  return answer<'logout'>(DONE, { 'Set-Cookie': toEndedCookie(findOwnChannel(raw) ?? 'https') });
}

async function handleOwnPassword(
  context: AppContext,
  { operator, body, sender }: RouteRequest<'changeOwnPassword'>,
): Promise<Reply<'changeOwnPassword'>> {
  const { session } = operator;
  if (session === undefined) return refuse('FORBIDDEN', 'the operator token has no password');
  const { name } = session;
  const world = toChange(context, operator);
  const attempt = { name, password: body.present_password, address: sender.address };
  switch (await verifyOwnPassword(world, attempt)) {
    case 'throttled':
      return refuse('TOO_MANY_REQUESTS', 'too many wrong passwords; wait a minute');
    case 'wrong':
      return refuse('INVALID_LOGIN', 'the current password is wrong');
    case 'right':
      return refuseFailures({ USAGE: 'INVALID_FORMAT', ACCOUNT_NOT_FOUND: 'INVALID_TOKEN' }, async () => {
        await changePassword(world, name, body.password, session.sha256);
        return answer<'changeOwnPassword'>(DONE);
      });
  }
}
