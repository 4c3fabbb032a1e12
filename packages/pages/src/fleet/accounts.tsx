import type { JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import type { Accounts } from './api.ts';
import { Events } from './events.tsx';
import { isAdmin } from './state.ts';
import type { View } from './view.ts';

/** The operator's own account and, for an admin, all accounts. */
export function AccountsPlace({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { session } = state;
  if (session.kind !== 'open') return <main id="main" />;
  const { name, role } = session;
  return (
    <main class="desk desk--one" id="main" tabIndex={-1}>
      <section class="panel">
        <h2>{say('accounts.own')}</h2>
        {name === null ? (
          <p>{say('accounts.token')}</p>
        ) : (
          <ul class="rows">
            <li>
              <div>
                <b>
                  <bdi>{name}</bdi>
                </b>
                <p class="note">{say(`field.role.${role}`)}</p>
              </div>
              <div class="rows__acts">
                <Act onPress={() => acts.askChange({ kind: 'ownPassword' })}>{say('change.ownPassword')}</Act>
              </div>
            </li>
          </ul>
        )}
      </section>
      {isAdmin(state) && (
        <>
          <AccountList view={view} accounts={state.accounts} ownName={name} />
          <Events
            title={say('events.central.title')}
            audit={state.trail}
            view={view}
            showOlder={acts.showOlderTrail}
          />
        </>
      )}
    </main>
  );
}

function AccountList(props: {
  readonly view: View;
  readonly accounts: Accounts | undefined;
  readonly ownName: string | null;
}): JSX.Element {
  const { view, accounts, ownName } = props;
  const { texts, acts } = view;
  const { say } = texts;
  const others = accounts?.accounts.filter(({ name }) => name !== ownName);
  return (
    <section class="panel">
      <h2>{say(ownName === null ? 'accounts.all' : 'accounts.others')}</h2>
      {others === undefined && <p class="note">{say('page.loading')}</p>}
      {others?.length === 0 && <p class="note">{say('accounts.none')}</p>}
      <ul class="rows">
        {others?.map((account) => (
          <AccountRow key={account.name} account={account} view={view} />
        ))}
      </ul>
      <div class="filters">
        <Act onPress={() => acts.askChange({ kind: 'addAccount' })}>{say('change.addAccount')}</Act>
      </div>
    </section>
  );
}

function AccountRow({
  account,
  view,
}: {
  readonly account: Accounts['accounts'][number];
  readonly view: View;
}): JSX.Element {
  const { texts, acts } = view;
  const { say, fullMoment } = texts;
  const { name, role } = account;
  const otherRole = role === 'admin' ? 'makeViewer' : 'makeAdmin';
  return (
    <li>
      <div>
        <b>
          <bdi>{name}</bdi>
        </b>
        <p class="note">{say(`field.role.${role}`)}</p>
        <p class="note">
          {say('accounts.since', { moment: fullMoment(account.created_at) })}
          {' · '}
          {say('accounts.password', { moment: fullMoment(account.password_changed_at) })}
        </p>
      </div>
      <div class="rows__acts">
        <Act
          label={`${say(`change.${otherRole}`)}: ${name}`}
          onPress={() => acts.askChange({ kind: otherRole, name })}
        >
          {say(`change.${otherRole}`)}
        </Act>
        <Act
          label={`${say('change.setPassword')}: ${name}`}
          onPress={() => acts.askChange({ kind: 'setPassword', name })}
        >
          {say('change.setPassword')}
        </Act>
        <Act
          look="bad"
          label={`${say('change.removeAccount')}: ${name}`}
          onPress={() => acts.askChange({ kind: 'removeAccount', name })}
        >
          {say('accounts.remove')}
        </Act>
      </div>
    </li>
  );
}
