import type { Answer } from '@d3kos/boat/api';
import type { JSX } from 'preact';
import type { TextKey, Texts } from '../i18n/texts.ts';
import { Icon, type IconName, type Tone } from '../ui/icons.tsx';
import { Switch } from './switch.tsx';
import type { View } from './view.ts';

type Report = Answer<'notifications'>;
type Channel = Report['channels'][number];

/** Shows what the owner is notified about and where, what is shown there now, and the switch. */
export function Notifications({ view }: { readonly view: View }): JSX.Element | null {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { notifications: report } = state;
  if (report === undefined) return null;
  const isOff = report.after_days === 0;
  return (
    <section class="group notify" aria-label={say('notify.title')}>
      <div class="notify__head">
        <div>
          <h2>{say('notify.title')}</h2>
          <p class="note">{isOff ? say('notify.zero') : say('notify.says', { n: report.after_days })}</p>
        </div>
        {!isOff && (
          <Switch
            label={say('notify.title')}
            isOn={report.on}
            isWaiting={state.link !== 'live' || state.act !== undefined}
            texts={texts}
            onChange={acts.setNotifications}
          />
        )}
      </div>
      {!isOff && report.on && (
        <ul>
          {report.channels.map((channel) => (
            <ChannelRow key={channel.channel} channel={channel} view={view} report={report} />
          ))}
        </ul>
      )}
    </section>
  );
}

function ChannelRow(props: {
  readonly channel: Channel;
  readonly report: Report;
  readonly view: View;
}): JSX.Element {
  const { channel, report, view } = props;
  const { state, texts } = view;
  const raised = report.raised.filter((one) => one.channel === channel.channel);
  const [tone, icon, key] = toChannelLook(channel.state);
  return (
    <li class="notify__channel">
      <div>
        <b>{toChannelName(channel.channel, texts)}</b>
        {channel.target !== null && (
          <bdi class="id note" dir="ltr">
            {channel.target}
          </bdi>
        )}
      </div>
      <div>
        {(raised.length === 0 || channel.state !== 'ready') && (
          <p class="has" data-tone={tone}>
            <Icon name={icon} />
            {texts.say(key)}
          </p>
        )}
        {raised.map((one) => (
          <p key={one.subject} class="has" data-tone="warn">
            <Icon name="late" />
            {toRaisedText(one, state.heardAt ?? one.at, texts)}
          </p>
        ))}
      </div>
    </li>
  );
}

function toChannelName(channel: string, { say }: Texts): string {
  if (channel === 'signalk') return say('notify.signalk');
  return channel === 'webhook' ? say('notify.webhook') : channel;
}

type StateKey = Extract<TextKey, `notify.state.${string}`>;

/**
 * Returns how a channel's state is shown. An unknown state, from a newer export manager, counts as refused.
 */
function toChannelLook(state: string): readonly [Tone, IconName, StateKey] {
  switch (state) {
    case 'off':
      return ['calm', 'stop', 'notify.state.off'];
    case 'ready':
      return ['ok', 'synced', 'notify.state.ready'];
    case 'awaiting_approval':
      return ['warn', 'login', 'notify.state.approve'];
    case 'denied':
      return ['warn', 'refused', 'notify.state.denied'];
    case 'unreachable':
      return ['calm', 'offline', 'notify.state.unreachable'];
    default:
      return ['warn', 'failed', 'notify.state.refused'];
  }
}

function toRaisedText(
  { subject, export_count: n, at }: Report['raised'][number],
  now: string,
  texts: Texts,
): string {
  const { say } = texts;
  const what = subject === 'failed' ? say('failed.title', { n }) : say('place.waitingCount', { n });
  return `${what}. ${say('passage.since', { time: texts.moment(at, now) })}`;
}
