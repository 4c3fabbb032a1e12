import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../ui/icons.tsx';
import type { FleetTextKey } from '../i18n/fleet-texts.ts';
import type { Refusal } from './api.ts';
import { SESSION_ENDED } from './state.ts';
import type { View } from './view.ts';

const REFUSALS: Readonly<Record<string, Extract<FleetTextKey, `login.${string}`>>> = {
  [SESSION_ENDED]: 'login.ended',
  INVALID_LOGIN: 'login.refused',
  INVALID_TOKEN: 'login.tokenRefused',
  ORIGIN_REFUSED: 'login.insecure',
  TOO_MANY_REQUESTS: 'login.limited',
};

function toRefusalText({ code }: Refusal): Extract<FleetTextKey, `login.${string}`> {
  return REFUSALS[code] ?? 'login.unreachable';
}

/** Asks for an account or the operator token. The token stays in memory until the page is closed. */
export function Login({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const [isToken, setIsToken] = useState(false);
  const { session } = state;
  const isChecking = session.kind === 'checking';
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isChecking) return;
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string): string => {
      const value = form.get(name);
      return typeof value === 'string' ? value : '';
    };
    acts.login(isToken ? { token: text('token') } : { name: text('name'), password: text('password') });
  };
  return (
    <main class="login" id="main">
      <div class="scale scale--lying" aria-hidden="true" />
      <form onSubmit={submit}>
        <h1>{say('login.title')}</h1>
        {isToken ? (
          <Field key="token" name="token" label={say('login.token')} type="password" complete="off" />
        ) : (
          <>
            <Field key="name" name="name" label={say('login.name')} type="text" complete="username" />
            <Field
              key="password"
              name="password"
              label={say('login.password')}
              type="password"
              complete="current-password"
            />
          </>
        )}
        <p class="note">{say(isToken ? 'login.tokenSays' : 'login.says')}</p>
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
        <button type="button" class="act act--quiet" onClick={() => setIsToken(!isToken)}>
          {say(isToken ? 'login.useAccount' : 'login.useToken')}
        </button>
      </form>
    </main>
  );
}

function Field(props: {
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'password';
  readonly complete: 'off' | 'username' | 'current-password';
}): JSX.Element {
  return (
    <label>
      <span class="label">{props.label}</span>
      {props.type === 'password' ? (
        <input class="field" type="password" name={props.name} required autocomplete={props.complete} />
      ) : (
        <input class="field" type="text" name={props.name} required autocomplete={props.complete} />
      )}
    </label>
  );
}
