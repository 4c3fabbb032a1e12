import type { JSX } from 'preact';
import { Act, Banner } from '../ui/controls.tsx';
import { Icon } from '../ui/icons.tsx';
import type { BoatDetails } from './api.ts';
import { Access } from './boat-access.tsx';
import { Alerts, LogLines, Ledgers, RejectedRecords } from './boat-lists.tsx';
import { ExportNumbers } from './boat-numbers.tsx';
import { DataCopy, Restore } from './boat-copies.tsx';
import { Days, Holdings } from './boat-held.tsx';
import { toClaimedMoment, toDuration, toPosition } from './format.ts';
import { MapPicture } from './map.tsx';
import { WHOLE_FLEET } from './place.ts';
import { isBoatUnknown, type OpenBoat } from './state.ts';
import type { View } from './view.ts';
import { STATE_LOOKS, toBoatStatement, toName } from './words.ts';

/** Pixels per degree on the map of one boat, which is about 1,500 km across. */
const BOAT_SCALE = 36;

/** The view of one boat: its state, exports, records at central, and latest log lines. */
export function BoatPlace({ view, boat }: { readonly view: View; readonly boat: OpenBoat }): JSX.Element {
  const { say } = view.texts;
  const { details } = boat;
  const isUnknown = isBoatUnknown(view.state);
  if (details === undefined || isUnknown)
    return (
      <main class="desk" id="main" tabIndex={-1}>
        <section class="statement wide" data-tone="calm">
          <span class="mark">
            <Icon name="unknown" />
          </span>
          <div aria-live="polite">
            <h2>{isUnknown ? say('boat.notFound') : say('page.loading')}</h2>
            {isUnknown && <p>{say('boat.notFound.says', { id: boat.installationId })}</p>}
          </div>
          {isUnknown && <Act onPress={() => view.acts.showList(WHOLE_FLEET)}>{say('act.clear')}</Act>}
        </section>
      </main>
    );
  return (
    <main class="desk desk--boat" id="main" tabIndex={-1}>
      <div class="wide">
        <BoatStatement details={details} view={view} />
      </div>
      <Facts details={details} view={view} />
      <div class="side side--wide">
        <Days details={details} view={view} />
        <ExportNumbers boat={boat} view={view} />
        <Holdings details={details} view={view} />
        <RejectedRecords boat={boat} details={details} view={view} />
        <Ledgers details={details} view={view} />
      </div>
      <aside class="side">
        <Position details={details} view={view} />
        <Alerts boat={boat} view={view} />
        <LogLines boat={boat} details={details} view={view} />
      </aside>
      <div class="side side--wide">
        <Access boat={boat} details={details} view={view} />
        <DataCopy details={details} view={view} />
        <Restore details={details} view={view} />
      </div>
    </main>
  );
}

interface Part {
  readonly details: BoatDetails;
  readonly view: View;
}

function BoatStatement({ details, view }: Part): JSX.Element {
  const { texts } = view;
  const { say } = texts;
  const { boat, as_of: now } = details;
  const machines = boat.concurrent_ledgers;
  const [mark, tone] = STATE_LOOKS[boat.state];
  const { title, says } = toBoatStatement(boat, now, texts);
  return (
    <>
      <section class="statement" data-tone={tone}>
        <span class="mark">
          <Icon name={mark} />
        </span>
        <div aria-live="polite">
          <h2>{title}</h2>
          <p>{says}</p>
        </div>
      </section>
      {machines > 0 && boat.state !== 'shared_id' && (
        <Banner tone="warn" icon="copied" role="status">
          <b>{say('boat.concurrent', { n: machines })}</b>
          {say('boat.concurrent.says')}
        </Banner>
      )}
    </>
  );
}

function toTierNote({ boat }: BoatDetails, { say }: View['texts']): string {
  if (boat.tier === null && boat.claimed_tier === null) return say('fact.tier.unknown');
  if (boat.tier === null) return say('fact.tier.claimed');
  return boat.claimed_tier === null || boat.claimed_tier === boat.tier
    ? say('fact.tier.same')
    : say('fact.tier.differs', { tier: boat.claimed_tier });
}

function Facts({ details, view }: Part): JSX.Element {
  const { texts } = view;
  const { say, number, bytes, day, moment, locale } = texts;
  const { boat, as_of: now, holdings, ledgers } = details;
  const missing = say('page.missing');
  const sum = (key: 'records' | 'bytes'): number =>
    holdings.reduce((total, holding) => total + holding[key], 0);
  const { due_at: due, usual_silence_s: usual } = boat;
  const ledger = ledgers[0]?.ledger_id;
  return (
    <dl class="facts wide">
      <Fact
        name={say('fact.installation')}
        note={say('fact.installation.says', { date: day(boat.enrolled_at, now), n: details.live_tokens })}
      >
        <bdi class="id" dir="ltr">
          {boat.installation_id}
        </bdi>
      </Fact>
      <Fact name={say('fact.tier')} note={toTierNote(details, texts)}>
        {boat.tier ?? boat.claimed_tier ?? missing}
      </Fact>
      <Fact
        name={say('fact.export')}
        note={
          boat.last_export_at === null
            ? ''
            : say('fact.export.says', { moment: toClaimedMoment(boat.last_export_at, now, texts) })
        }
      >
        {boat.last_sequence === null ? missing : say('list.number', { n: boat.last_sequence })}
      </Fact>
      <Fact name={say('fact.records')} note={say('fact.records.says', { n: details.rejected })}>
        {number(sum('records'))}
      </Fact>
      <Fact name={say('fact.storage')} note={say('fact.storage.says', { size: bytes(details.wire_bytes) })}>
        {bytes(sum('bytes'))}
      </Fact>
      <Fact
        name={say('fact.rhythm')}
        note={due === null ? say('fact.rhythm.none') : say('fact.rhythm.says', { moment: moment(due, now) })}
      >
        {usual === null
          ? say('fact.rhythm.unknown')
          : say('fact.rhythm.value', { duration: toDuration(usual, locale) })}
      </Fact>
      <Fact name={say('fact.software')} note={ledger === undefined ? '' : say('fact.ledger', { id: ledger })}>
        <bdi>{boat.software_version ?? missing}</bdi>
      </Fact>
    </dl>
  );
}

function Fact(props: {
  readonly name: string;
  readonly note: string;
  readonly children: JSX.Element | string | number;
}): JSX.Element {
  return (
    <div>
      <dt class="label">{props.name}</dt>
      <dd>
        {props.children}
        <small>{props.note}</small>
      </dd>
    </div>
  );
}

function Position({ details, view }: Part): JSX.Element {
  const { texts } = view;
  const { say } = texts;
  const { boat, as_of: now } = details;
  const { position } = boat;
  if (position === null)
    return (
      <section class="panel">
        <h2>{say('position.title')}</h2>
        <p class="note">{say('position.none')}</p>
      </section>
    );
  const { latitude, longitude, recorded_at: at } = position;
  const group = {
    latitude,
    longitude,
    boats: 1,
    late: 0,
    installation_id: boat.installation_id,
    name: boat.name,
    state: boat.state,
  };
  const text = toPosition(latitude, longitude);
  return (
    <section class="panel">
      <h2>
        {say('position.title')}
        <span class="note">{at === null ? say('page.missing') : toClaimedMoment(at, now, texts)}</span>
      </h2>
      <MapPicture
        map={{ latitude, longitude, scale: BOAT_SCALE, isSet: true }}
        view={view}
        groups={[group]}
        label={say('map.boat', { name: toName(boat, texts), state: text })}
      />
      <p class="axis">
        <span dir="ltr">{text}</span>
        <span>{say('position.source')}</span>
      </p>
    </section>
  );
}
