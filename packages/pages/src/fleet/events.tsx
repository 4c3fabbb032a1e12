import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Act } from '../ui/controls.tsx';
import type { FleetTextKey } from '../i18n/fleet-texts.ts';
import type { Audit } from './api.ts';
import type { View } from './view.ts';

/** Number of events shown at first, and added by each press. */
const EVENTS_SHOWN = 8;
const EVENTS_MORE = 40;

/** A part of the audit trail, newest first. */
export function Events(props: {
  readonly title: string;
  readonly audit: Audit | undefined;
  readonly view: View;
  readonly showOlder: () => void;
}): JSX.Element {
  const { audit, view } = props;
  const { say, fullMoment } = view.texts;
  const [shown, setShown] = useState(EVENTS_SHOWN);
  const events = audit?.events ?? [];
  const hasMore = events.length > shown || audit?.next != null;
  const showMore = (): void => {
    setShown(shown + EVENTS_MORE);
    if (events.length <= shown + EVENTS_MORE) props.showOlder();
  };
  return (
    <section class="panel">
      <h2>
        {props.title}
        <span class="note">{say('events.note')}</span>
      </h2>
      {audit === undefined && <p class="note">{say('page.loading')}</p>}
      {audit?.events.length === 0 && <p class="note">{say('events.none')}</p>}
      <ol class="log log--dated">
        {events.slice(0, shown).map((one) => (
          <li key={`${one.occurred_at} ${one.event} ${one.subject} ${one.actor}`}>
            <time dateTime={one.last_at}>{fullMoment(one.last_at)}</time>
            <p>
              {toEvent(one.event, view)}
              {one.subject !== '' && (
                <bdi class="id" dir="ltr">
                  {' '}
                  {one.subject}
                </bdi>
              )}
              {one.occurrences > 1 && ` ${say('events.times', { n: one.occurrences })}`}
            </p>
            <p class="note">
              <bdi>{say('events.by', { actor: one.actor })}</bdi>
              {one.detail !== '' && <bdi> · {toDetail(one.detail, view)}</bdi>}
            </p>
          </li>
        ))}
      </ol>
      {hasMore && (
        <div class="pages">
          <Act onPress={showMore}>{say('act.more')}</Act>
        </div>
      )}
    </section>
  );
}

/** Matches times in an event's detail, as central writes them. */
const TIMES = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

function toDetail(detail: string, { texts }: View): string {
  return detail.replaceAll(TIMES, (time) => texts.fullMoment(time));
}

const EVENTS: Readonly<Record<string, Extract<FleetTextKey, `event.${string}`>>> = {
  enrolled: 'event.enrolled',
  token_revoked: 'event.token_revoked',
  tokens_revoked: 'event.tokens_revoked',
  token_rotated: 'event.token_rotated',
  installation_disabled: 'event.installation_disabled',
  installation_enabled: 'event.installation_enabled',
  code_issued: 'event.code_issued',
  code_redeemed: 'event.code_redeemed',
  quota_changed: 'event.quota_changed',
  bundle_key_kept: 'event.bundle_key_kept',
  bundle_key_offered: 'event.bundle_key_offered',
  bundle_key_accepted: 'event.bundle_key_accepted',
  unsigned_bundle_imported: 'event.unsigned_bundle_imported',
  refused: 'event.refused',
  data_exported: 'event.data_exported',
  installation_erased: 'event.installation_erased',
  account_added: 'event.account_added',
  account_removed: 'event.account_removed',
  role_changed: 'event.role_changed',
  password_changed: 'event.password_changed',
  logged_in: 'event.logged_in',
  logged_out: 'event.logged_out',
  login_refused: 'event.login_refused',
  login_limited: 'event.login_limited',
  address_limited: 'event.address_limited',
};

/** A newer central may record an event that this page does not know. */
function toEvent(event: string, { texts }: View): string {
  const key = EVENTS[event];
  return key === undefined ? event : texts.say(key);
}
