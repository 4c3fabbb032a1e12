import type { JSX } from 'preact';
import { Act, Banner } from '../ui/controls.tsx';
import { Icon, type IconName } from '../ui/icons.tsx';
import { LANGUAGES } from '../i18n/languages.ts';
import type { TextKey } from '../i18n/texts.ts';
import { Files } from './files.tsx';
import { History } from './history.tsx';
import { toNoticeText } from './notice.ts';
import { Now } from './now.tsx';
import { OpenSheet } from './sheets.tsx';
import { type Place, PLACES } from './state.ts';
import type { View } from './view.ts';
import { toWarnings } from './warnings.ts';
import { Waiting } from './waiting.tsx';

/** The whole page: navigation at the side, the open screen, and any sheet in front of it. */
export function App({ view }: { readonly view: View }): JSX.Element {
  const { state } = view;
  return (
    <div
      class="boat"
      data-stale={state.link === 'lost' ? '' : undefined}
      data-ready={state.link === 'live' && state.status !== undefined ? '' : undefined}
    >
      <Rail view={view} />
      <div class="scale" aria-hidden="true" />
      <main class="place" id="place">
        <Head view={view} />
        <div class="place__main">
          <Notices view={view} />
          <OpenPlace view={view} />
        </div>
      </main>
      {state.sheet !== undefined && <OpenSheet sheet={state.sheet} view={view} />}
    </div>
  );
}

const PLACE_LOOKS = {
  now: ['now', 'place.now'],
  waiting: ['waiting', 'place.waiting'],
  history: ['history', 'place.history'],
  files: ['files', 'place.files'],
} as const satisfies Readonly<Record<Place, readonly [IconName, TextKey]>>;

/** Largest number that fits beside a navigation icon. */
const COUNT_SHOWN_MAX = 99;

function Rail({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { queue } = state.status ?? {};
  const waitingCount = (queue?.pending_count ?? 0) + (queue?.uploading_count ?? 0);
  return (
    <nav class="rail" aria-label={say('page.places')}>
      {view.backUrl !== undefined && (
        <a class="is-back" href={view.backUrl} aria-label={say('page.back')}>
          <Icon name="back" />
          d3kOS
        </a>
      )}
      {PLACES.map((place) => {
        const [icon, name] = PLACE_LOOKS[place];
        return (
          <a key={place} href={`#${place}`} aria-current={place === state.place ? 'page' : undefined}>
            <Icon name={icon} />
            {say(name)}
            {place === 'waiting' && waitingCount > 0 && (
              <span class="count">
                <span aria-hidden="true">
                  {waitingCount > COUNT_SHOWN_MAX
                    ? `${texts.number(COUNT_SHOWN_MAX)}+`
                    : texts.number(waitingCount)}
                </span>
                <span class="hush">{say('place.waitingCount', { n: waitingCount })}</span>
              </span>
            )}
          </a>
        );
      })}
      <button type="button" class="is-last" onClick={() => acts.ask({ kind: 'display' })}>
        <Icon name="display" />
        {say('place.display')}
      </button>
    </nav>
  );
}

function Head({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts, clock } = view;
  const { say } = texts;
  const { link, heardAt, status } = state;
  const linkTexts = {
    connecting: say('link.connecting'),
    live: say('link.live'),
    lost: heardAt === undefined ? say('link.lostUnknown') : say('link.lost', { time: texts.clock(heardAt) }),
  };
  return (
    <header class="place__head">
      <h1>{state.place === 'now' ? say('page.title') : say(PLACE_LOOKS[state.place][1])}</h1>
      <div class="end">
        <div class="facts">
          <span class="note live" role="status">
            <Icon name={link === 'live' ? 'online' : link === 'lost' ? 'gone' : 'unknown'} />
            {linkTexts[link]}
          </span>
          {status?.tier != null && <span class="note">{say('page.tier', { tier: status.tier })}</span>}
          <span class="clock">{clock ?? say('page.missing')}</span>
        </div>
        <div class="in-hand">
          <Act icon="display" label={say('place.display')} onPress={() => acts.ask({ kind: 'display' })}>
            {''}
          </Act>
        </div>
      </div>
    </header>
  );
}

/** Shows the answer to the owner's last request, and any warnings in addition to the situation. */
function Notices({ view }: { readonly view: View }): JSX.Element | null {
  const { state, texts, acts, missingLanguage } = view;
  const { say } = texts;
  const notice = state.notice === undefined ? undefined : toNoticeText(state.notice, texts);
  const warnings = state.place === 'now' ? toWarnings(state, texts) : [];
  if (notice === undefined && warnings.length === 0 && missingLanguage === undefined) return null;
  return (
    <div class="banners">
      {notice !== undefined && (
        <Banner
          tone={notice.tone}
          icon={notice.tone === 'bad' ? 'failed' : notice.tone === 'ok' ? 'synced' : 'online'}
          role={notice.tone === 'bad' ? 'alert' : 'status'}
          action={<Act onPress={acts.dismiss}>{say('act.dismiss')}</Act>}
        >
          <b>{notice.text}</b>
          {notice.seen !== undefined && <span class="note">{say('seen', { detail: notice.seen })}</span>}
        </Banner>
      )}
      {missingLanguage !== undefined && (
        <Banner tone="warn" icon="failed" role="status">
          <b>{say('texts.missing', { language: LANGUAGES[missingLanguage] })}</b>
        </Banner>
      )}
      {warnings.map(({ title, says }) => (
        <Banner key={title} tone="warn" icon="failed" role="status">
          <b>{title}</b>
          {says}
        </Banner>
      ))}
    </div>
  );
}

function OpenPlace({ view }: { readonly view: View }): JSX.Element {
  const { place } = view.state;
  switch (place) {
    case 'now':
      return <Now view={view} />;
    case 'waiting':
      return <Waiting view={view} />;
    case 'history':
      return <History view={view} />;
    case 'files':
      return <Files view={view} />;
    default:
      return place satisfies never;
  }
}
