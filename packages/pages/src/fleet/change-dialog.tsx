import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Act, Dialog } from '../ui/controls.tsx';
import { Icon } from '../ui/icons.tsx';
import type { FleetTextKey } from '../i18n/fleet-texts.ts';
import type { Refusal } from './api.ts';
import {
  type ChangeKind,
  type FieldName,
  type GivenValues,
  isComplete,
  type OpenChange,
  toConfirmation,
  toFields,
  toSubject,
} from './change.ts';
import { Secret } from './secret.tsx';
import type { View } from './view.ts';

/** Changes that remove something. */
const TAKING: readonly ChangeKind[] = ['revokeToken', 'disable', 'erase', 'removeAccount'];

interface Part {
  readonly view: View;
  readonly open: OpenChange;
}

/** Explains what a change will do, collects the values that it needs, and shows its result. */
export function ChangeDialog({ view, open }: Part): JSX.Element {
  const { texts, acts } = view;
  const { say } = texts;
  const { change, outcome } = open;
  const subject = toSubject(change);
  return (
    <Dialog
      label={say(`change.${change.kind}`)}
      role={TAKING.includes(change.kind) ? 'alertdialog' : 'dialog'}
      onClose={acts.closeChange}
    >
      <h2>{say(`change.${change.kind}`)}</h2>
      {subject !== undefined && (
        <p>
          <bdi class="id" dir="ltr">
            {subject}
          </bdi>
        </p>
      )}
      {outcome === undefined ? (
        <Question view={view} open={open} />
      ) : (
        <>
          <Secret view={view} outcome={outcome} />
          <Act onPress={acts.closeChange}>{say('act.close')}</Act>
        </>
      )}
    </Dialog>
  );
}

function Question({ view, open }: Part): JSX.Element {
  const { texts, acts } = view;
  const { say } = texts;
  const { change, isRunning, refusal } = open;
  const [given, setGiven] = useState<GivenValues>({ role: 'viewer' });
  const [typed, setTyped] = useState('');
  const confirmation = toConfirmation(change);
  const mayMake = !isRunning && isComplete(change, given, typed);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (mayMake) acts.makeChange(given);
  };
  return (
    <form class="change" onSubmit={submit}>
      <p>{say(`change.${change.kind}.says`)}</p>
      {toFields(change).map((field) => (
        <ChangeField
          key={field}
          view={view}
          field={field}
          value={given[field] ?? ''}
          onValue={(value) => setGiven((before) => ({ ...before, [field]: value }))}
        />
      ))}
      {confirmation !== undefined && (
        <label>
          <span>{say('change.confirm', { text: confirmation })}</span>
          <input
            class="field"
            name="confirmation"
            dir="ltr"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped((event.currentTarget as HTMLInputElement).value)}
          />
        </label>
      )}
      <p role="alert" class="has" data-tone="bad">
        {refusal !== undefined && (
          <>
            <Icon name="refused" />
            <span>
              {say(toRefusalText(refusal))}{' '}
              <span class="note">{say('page.seen', { detail: `${refusal.code}: ${refusal.message}` })}</span>
            </span>
          </>
        )}
      </p>
      <div class="change__acts">
        <Act look="quiet" onPress={acts.closeChange}>
          {say('act.cancel')}
        </Act>
        <button
          class={`act ${TAKING.includes(change.kind) ? 'act--bad' : 'act--main'}`}
          aria-disabled={!mayMake}
        >
          {say(isRunning ? 'change.running' : `change.${change.kind}`)}
        </button>
      </div>
    </form>
  );
}

const REFUSALS: Readonly<Record<string, Extract<FleetTextKey, `change.refused.${string}`>>> = {
  ACCOUNT_EXISTS: 'change.refused.exists',
  FORBIDDEN: 'change.refused.forbidden',
  INVALID_FORMAT: 'change.refused.format',
  INVALID_LOGIN: 'change.refused.password',
  NOT_FOUND: 'change.refused.gone',
  UNREACHABLE: 'change.refused.unreachable',
};

function toRefusalText({ code }: Refusal): Extract<FleetTextKey, `change.refused.${string}`> {
  return REFUSALS[code] ?? 'change.refused.other';
}

function ChangeField(props: {
  readonly view: View;
  readonly field: FieldName;
  readonly value: string;
  readonly onValue: (value: string) => void;
}): JSX.Element {
  const { field, value, onValue } = props;
  const { say } = props.view.texts;
  if (field === 'role')
    return (
      <label>
        <span>{say('field.role')}</span>
        <select
          class="field"
          name={field}
          value={value}
          onChange={(event) => onValue((event.currentTarget as HTMLSelectElement).value)}
        >
          <option value="viewer">{say('field.role.viewer')}</option>
          <option value="admin">{say('field.role.admin')}</option>
        </select>
      </label>
    );
  const shared = {
    class: 'field',
    name: field,
    dir: 'ltr',
    value,
    onInput: (event: Event) => onValue((event.currentTarget as HTMLInputElement).value),
  } as const;
  return (
    <label>
      <span>{say(`field.${field}`)}</span>
      {field === 'password' || field === 'presentPassword' ? (
        <input
          {...shared}
          type="password"
          autocomplete={field === 'password' ? 'new-password' : 'current-password'}
        />
      ) : (
        <input {...shared} type="text" autocomplete="off" autocapitalize="none" spellcheck={false} />
      )}
    </label>
  );
}
