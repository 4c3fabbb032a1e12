import type { JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import { Icon } from '../ui/icons.tsx';
import type { FleetTextKey } from '../i18n/fleet-texts.ts';
import type { BoatDetails } from './api.ts';
import { toPosition } from './format.ts';
import type { OpenBoat } from './state.ts';
import type { View } from './view.ts';

interface Part {
  readonly boat: OpenBoat;
  readonly details: BoatDetails;
  readonly view: View;
}

/** The boat's latest log lines. */
export function LogLines({ boat, details, view }: Part): JSX.Element {
  const { texts, acts } = view;
  const { say, number, moment } = texts;
  const { log } = boat;
  const held = details.holdings.find(({ category }) => category === 'boatlog')?.records ?? 0;
  return (
    <section class="panel">
      <h2>
        {say('log.title')}
        <span class="note">{say('log.note', { n: number(held) })}</span>
      </h2>
      {log === undefined && <p class="note">{say('page.loading')}</p>}
      {log?.lines.length === 0 && <p class="note">{say('log.none')}</p>}
      <ol class="log">
        {log?.lines.map((line) => (
          <li key={line.record_id}>
            <time dateTime={line.recorded_at}>{moment(line.recorded_at, log.as_of)}</time>
            <p>
              <bdi>{line.content ?? say('log.empty')}</bdi>
            </p>
            <p class="note">
              <b>
                <bdi>{line.entry_type ?? say('page.missing')}</bdi>
              </b>
              {line.latitude !== null && line.longitude !== null && (
                <span dir="ltr"> · {toPosition(line.latitude, line.longitude)}</span>
              )}
            </p>
          </li>
        ))}
      </ol>
      {log !== undefined && log.next !== null && (
        <div class="pages">
          <Act onPress={acts.showOlderLog}>{say('act.more')}</Act>
        </div>
      )}
    </section>
  );
}

/** The boat's open alerts. */
export function Alerts({ boat, view }: { readonly boat: OpenBoat; readonly view: View }): JSX.Element {
  const { say, moment } = view.texts;
  const { alerts } = boat;
  return (
    <section class="panel">
      <h2>{say('alerts.title')}</h2>
      {alerts === undefined && <p class="note">{say('page.loading')}</p>}
      {alerts?.alerts.length === 0 && <p class="note">{say('alerts.none')}</p>}
      <ol class="log">
        {alerts?.alerts.map((alert) => (
          <li key={alert.record_id} data-tone="warn">
            <time>
              {alert.recorded_at === null ? say('page.missing') : moment(alert.recorded_at, alerts.as_of)}
            </time>
            <p>
              <bdi>{alert.message ?? alert.record_id}</bdi>
            </p>
            <p class="note">
              <b>
                <bdi>{alert.severity ?? say('page.missing')}</bdi>
              </b>
              {alert.alert_status !== null && <bdi> · {alert.alert_status}</bdi>}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Rejected records, with the reasons. */
export function RejectedRecords({ boat, details, view }: Part): JSX.Element | null {
  const { texts, acts } = view;
  const { say, moment } = texts;
  const { rejected } = boat;
  if (details.rejected === 0) return null;
  return (
    <section class="panel">
      <h2>
        {say('rejected.title')}
        <span class="note">{say('rejected.note', { n: details.rejected })}</span>
      </h2>
      {rejected === undefined && <p class="note">{say('page.loading')}</p>}
      <ol class="log">
        {rejected?.rejected.map((record, index) => (
          <li key={`${record.import_id} ${index}`} data-tone="warn">
            <time dateTime={record.received_at}>{moment(record.received_at, rejected.as_of)}</time>
            <p>
              <Icon name="failed" />
              <bdi>{record.reason}</bdi>
            </p>
            <div class="note">
              <b>
                <bdi>{toCategory(record.category, view)}</bdi>
              </b>
              {record.record_id !== '' && (
                <bdi class="id" dir="ltr">
                  {' '}
                  {record.record_id}
                </bdi>
              )}
              {record.record !== null && (
                <details>
                  <summary>{say('rejected.record')}</summary>
                  <pre dir="ltr">{record.record}</pre>
                </details>
              )}
            </div>
          </li>
        ))}
      </ol>
      {rejected !== undefined && rejected.next !== null && (
        <div class="pages">
          <Act onPress={acts.showOlderRejected}>{say('act.more')}</Act>
        </div>
      )}
    </section>
  );
}

/** A boat may send a category that central does not know. */
function toCategory(category: string, { texts }: View): string {
  const keys: Readonly<Record<string, Extract<FleetTextKey, `category.${string}`>>> = {
    engine_benchmark: 'category.engine_benchmark',
    boatlog: 'category.boatlog',
    marine_vision_captures: 'category.marine_vision_captures',
    marine_vision_snapshots: 'category.marine_vision_snapshots',
    qr_codes: 'category.qr_codes',
    settings: 'category.settings',
    system_alerts: 'category.system_alerts',
    onboarding: 'category.onboarding',
    telemetry: 'category.telemetry',
  };
  const key = Object.hasOwn(keys, category) ? keys[category] : undefined;
  return key === undefined ? category : texts.say(key);
}

/** A boat's ledgers. Most boats have one, so they are shown only if there are several or if one has a problem. */
export function Ledgers({
  details,
  view,
}: {
  readonly details: BoatDetails;
  readonly view: View;
}): JSX.Element | null {
  const { say, moment, number } = view.texts;
  const { ledgers, as_of: now } = details;
  const isPlain = ledgers.length < 2 && ledgers.every((one) => one.diverged_at === null);
  if (isPlain) return null;
  return (
    <section class="panel">
      <h2>
        {say('ledgers.title')}
        <span class="note">{say('ledgers.note')}</span>
      </h2>
      <ul class="ledgers">
        {ledgers.map((one) => (
          <li key={one.ledger_id}>
            <bdi class="id" dir="ltr">
              {one.ledger_id}
            </bdi>
            <p>
              {say('ledgers.says', {
                first: moment(one.first_received_at, now),
                last: moment(one.last_received_at, now),
                highest: one.highest_sequence === null ? say('page.missing') : number(one.highest_sequence),
              })}
            </p>
            {one.diverged_at !== null && (
              <p data-tone="warn">{say('ledgers.diverged', { moment: moment(one.diverged_at, now) })}</p>
            )}
            {one.concurrent_at !== null && (
              <p data-tone="warn">{say('ledgers.concurrent', { moment: moment(one.concurrent_at, now) })}</p>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
