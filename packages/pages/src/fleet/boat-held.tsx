import type { JSX } from 'preact';
import type { BoatDetails } from './api.ts';
import { toDuration, toSeconds } from './format.ts';
import type { View } from './view.ts';

interface Part {
  readonly details: BoatDetails;
  readonly view: View;
}

const DAY_S = 86_400;

/** Shows what central stored on each of the last 30 days, and the time since the last export. */
export function Days({ details, view }: Part): JSX.Element {
  const { texts } = view;
  const { say, bytes, locale } = texts;
  const { days, boat, as_of: now } = details;
  const most = Math.max(0, ...days.map((day) => day.stored_bytes));
  const lastDay = days.findLastIndex((day) => day.stored_bytes > 0);
  const heard = boat.last_heard_at;
  const silentS = heard === null ? 0 : toSeconds(heard, now);
  const isSilent = heard !== null && silentS > DAY_S && lastDay < days.length - 2;
  const silence = isSilent ? say('days.silent', { duration: toDuration(silentS, locale) }) : '';
  const shown = isSilent ? days.slice(0, lastDay + 1) : days;
  const noon = (day: string): string => `${day}T12:00:00Z`;
  const first = days[0]?.day ?? now.slice(0, 10);
  const middle = days[Math.floor(days.length / 2)]?.day ?? first;
  return (
    <section class="panel">
      <h2>
        {say('days.title')}
        <span class="note">{say('days.note', { most: bytes(most) })}</span>
      </h2>
      <div
        class="timeline"
        role="img"
        aria-label={say('days.label', { from: texts.day(noon(first), now), most: bytes(most), silence })}
      >
        {shown.map(({ day, stored_bytes: size }) => (
          <i key={day} class={size === 0 ? 'is-none' : ''} style={{ '--v': size / Math.max(1, most) }} />
        ))}
        {isSilent && (
          <div class="silence" style={{ gridColumn: `${lastDay + 2} / ${days.length + 1}` }}>
            <span>{silence}</span>
          </div>
        )}
      </div>
      <p class="axis" aria-hidden="true">
        <span>{texts.day(noon(first), now)}</span>
        <span>{texts.day(noon(middle), now)}</span>
        <span>{say('days.today')}</span>
      </p>
    </section>
  );
}

/** The records that central holds, by category. */
export function Holdings({ details, view }: Part): JSX.Element {
  const { texts } = view;
  const { say, number, bytes } = texts;
  const { holdings, as_of: now } = details;
  const largest = Math.max(1, ...holdings.map((holding) => holding.bytes));
  const sum = (key: 'records' | 'bytes'): number =>
    holdings.reduce((total, holding) => total + holding[key], 0);
  return (
    <section class="panel">
      <h2>
        {say('held.title')}
        <span class="note">{say('held.note')}</span>
      </h2>
      <table class="held">
        <thead>
          <tr>
            <th scope="col">{say('held.category')}</th>
            <th scope="col" class="n">
              {say('held.records')}
            </th>
            <th scope="col" class="n">
              {say('held.size')}
            </th>
            <th scope="col" class="n">
              {say('held.newest')}
            </th>
            <th scope="col">
              <span class="hush">{say('held.share')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {holdings
            .toSorted((a, b) => b.bytes - a.bytes)
            .map(({ category, records, bytes: size, newest_at: newest }) => (
              <tr key={category}>
                <th scope="row">{say(`category.${category}`)}</th>
                <td class="n">{number(records)}</td>
                <td class="n">{bytes(size)}</td>
                <td class="n">{newest === null ? say('page.missing') : texts.day(newest, now)}</td>
                <td>{size > 0 && <i style={{ '--v': size / largest }} />}</td>
              </tr>
            ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{say('held.together')}</th>
            <td class="n">{number(sum('records'))}</td>
            <td class="n">{bytes(sum('bytes'))}</td>
            <td />
            <td />
          </tr>
        </tfoot>
      </table>
    </section>
  );
}
