import type { JSX } from 'preact';
import { Icon } from '../ui/icons.tsx';
import type { FleetTextKey } from '../i18n/fleet-languages.ts';
import type { Refusal } from './api.ts';
import type { View } from './view.ts';

const REFUSALS: Readonly<Record<string, Extract<FleetTextKey, `login.${string}`>>> = {
  INVALID_TOKEN: 'login.refused',
  FLEET_CLOSED: 'login.closed',
  TOO_MANY_REQUESTS: 'login.limited',
};

function toRefusalText({ code }: Refusal): Extract<FleetTextKey, `login.${string}`> {
  return REFUSALS[code] ?? 'login.unreachable';
}

/** Asks for the operator's token. It is kept in memory until the page is closed, and never stored. */
export function Login({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { session } = state;
  const isChecking = session.kind === 'checking';
  const submit = (event: Event): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get('token');
    if (typeof token === 'string' && token !== '' && !isChecking) acts.login(token);
  };
  return (
    <main class="login" id="main">
      <div class="scale scale--lying" aria-hidden="true" />
      <form onSubmit={submit}>
        <h1>{say('login.title')}</h1>
        <p class="note">{say('login.says')}</p>
        <label>
          <span class="label">{say('login.token')}</span>
          <input
            class="field"
            type="password"
            name="token"
            required
            autocomplete="current-password"
            autofocus
          />
        </label>
        <p role="alert" class="has" data-tone="bad">
          {session.kind === 'none' && session.refusal !== undefined && (
            <>
              <Icon name="refused" />
              {say(toRefusalText(session.refusal))}
            </>
          )}
        </p>
        <button class="act act--main" aria-disabled={isChecking}>
          {say(isChecking ? 'login.checking' : 'login.submit')}
        </button>
      </form>
    </main>
  );
}
