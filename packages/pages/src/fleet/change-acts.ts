import { call, type Reply } from './api.ts';
import type { Change, GivenValues, Outcome } from './change.ts';
import { toBoatAddress, toListAddress, WHOLE_FLEET } from './place.ts';
import type { Refresh } from './refresh.ts';
import { toEndedSession } from './state.ts';
import type { Store } from './store.ts';

const DONE: Outcome = { kind: 'done' };

/** The operator's actions in a change dialog. */
export interface ChangeActs {
  /** Opens a change's dialog, which explains the effect. Nothing changes yet. */
  askChange(change: Change): void;
  /** Carries out the change whose dialog is open, with the values of its fields. */
  makeChange(given: GivenValues): void;
  closeChange(): void;
}

export function createChangeActs(store: Store, refresh: Refresh): ChangeActs {
  return {
    askChange: (change) =>
      store.change((state) => ({
        ...state,
        change: { change, isRunning: false, refusal: undefined, outcome: undefined },
      })),
    makeChange: (given) => void makeChange(store, refresh, given),
    closeChange: () => store.change((state) => ({ ...state, change: undefined })),
  };
}

async function makeChange(store: Store, refresh: Refresh, given: GivenValues): Promise<void> {
  const { session, change: open } = store.read();
  if (session.kind !== 'open' || open === undefined || open.isRunning) return;
  const { change } = open;
  const asked = { ...open, isRunning: true, refusal: undefined };
  store.change((state) => ({ ...state, change: asked }));
  const reply = await send(session.token, change, given);
  if (store.read().session !== session) return;
  if (reply.kind === 'refused') {
    const { refusal } = reply;
    store.change((state) =>
      refusal.code === 'INVALID_TOKEN'
        ? { ...state, change: undefined, session: toEndedSession(session, refusal) }
        : { ...state, change: { ...asked, isRunning: false, refusal } },
    );
  } else {
    const { value: outcome } = reply;
    // A secret is shown even if its dialog was closed in the meantime, because central returns it only once.
    store.change((state) => ({
      ...state,
      change: outcome.kind === 'done' ? undefined : { ...asked, isRunning: false, outcome },
    }));
    if (change.kind === 'erase') location.hash = toListAddress(WHOLE_FLEET);
    if (outcome.kind === 'code' && change.kind === 'enrol')
      location.hash = toBoatAddress(outcome.installationId);
  }
  await refresh.everything();
}

function map<From>(reply: Reply<From>, step: (value: From) => Outcome): Reply<Outcome> {
  return reply.kind === 'refused' ? reply : { kind: 'answer', value: step(reply.value) };
}

const toDone = (reply: Reply<unknown>): Reply<Outcome> => map(reply, () => DONE);

const toToken = (reply: Reply<TokenAnswer>): Reply<Outcome> =>
  map(reply, ({ token, token_id: tokenId, expires_at: expiresAt }) => ({
    kind: 'token',
    token,
    tokenId,
    expiresAt,
  }));

interface TokenAnswer {
  readonly token: string;
  readonly token_id: string;
  readonly expires_at: string | null;
}

/** Sends the request for a change. */
async function send(token: string | undefined, change: Change, given: GivenValues): Promise<Reply<Outcome>> {
  switch (change.kind) {
    case 'issueToken':
      return toToken(await call(token, 'issueToken', { id: change.installationId }, {}));
    case 'rotateToken': {
      const { installationId: id, tokenId } = change;
      return toToken(await call(token, 'rotateToken', { id, token_id: tokenId }, {}));
    }
    case 'revokeToken': {
      const { installationId: id, tokenId } = change;
      return toDone(await call(token, 'revokeToken', { id, token_id: tokenId }));
    }
    case 'enrol':
      return invite(token, (given.installationId ?? '').trim().toLowerCase());
    case 'invite':
      return invite(token, change.installationId);
    case 'disable':
      return toDone(await call(token, 'disableInstallation', { id: change.installationId }));
    case 'enable':
      return toDone(await call(token, 'enableInstallation', { id: change.installationId }));
    case 'erase': {
      const { installationId: id } = change;
      return toDone(await call(token, 'eraseInstallation', { id }, { installation_id: id }));
    }
    default:
      return toDone(await sendAccountChange(token, change, given));
  }
}

async function invite(token: string | undefined, id: string): Promise<Reply<Outcome>> {
  return map(await call(token, 'invite', { id }, {}), ({ code, expires_at: expiresAt }) => ({
    kind: 'code',
    installationId: id,
    code,
    expiresAt,
  }));
}

type AccountChange =
  Extract<Change, { readonly name: string }> | { readonly kind: 'addAccount' | 'ownPassword' };

function sendAccountChange(
  token: string | undefined,
  change: AccountChange,
  given: GivenValues,
): Promise<Reply<unknown>> {
  const name = 'name' in change ? change.name : (given.name ?? '').trim();
  const password = given.password ?? '';
  switch (change.kind) {
    case 'addAccount': {
      const role = given.role === 'admin' ? 'admin' : 'viewer';
      return call(token, 'addAccount', {}, { name, role, password });
    }
    case 'makeAdmin':
      return call(token, 'changeRole', { name }, { role: 'admin' });
    case 'makeViewer':
      return call(token, 'changeRole', { name }, { role: 'viewer' });
    case 'setPassword':
      return call(token, 'changePassword', { name }, { password });
    case 'removeAccount':
      return call(token, 'removeAccount', { name });
    case 'ownPassword':
      return call(
        token,
        'changeOwnPassword',
        {},
        { present_password: given.presentPassword ?? '', password },
      );
  }
}
