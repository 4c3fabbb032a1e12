import type { JSX } from 'preact';
import { Bars } from '../ui/graphics.tsx';
import type { Overview } from './api.ts';
import type { View } from './view.ts';

/** Imports and bytes of each of the last 24 hours. */
export function Hours({ view, overview }: { readonly view: View; readonly overview: Overview }): JSX.Element {
  const { texts } = view;
  const { say, number, bytes } = texts;
  const { hours } = overview;
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const imports = hours.map((hour) => hour.imports);
  const sizes = hours.map((hour) => hour.wire_bytes);
  return (
    <>
      <HourPicture
        view={view}
        overview={overview}
        title={say('hours.imports')}
        note={say('hours.imports.note', { n: sum(imports) })}
        values={imports}
        show={number}
      />
      <HourPicture
        view={view}
        overview={overview}
        title={say('hours.bytes')}
        note={say('hours.bytes.note', { size: bytes(sum(sizes)) })}
        values={sizes}
        show={bytes}
      />
    </>
  );
}

function HourPicture(props: {
  readonly view: View;
  readonly overview: Overview;
  readonly title: string;
  readonly note: string;
  readonly values: readonly number[];
  readonly show: (value: number) => string;
}): JSX.Element {
  const { title, note, values, show } = props;
  const { texts } = props.view;
  const { say } = texts;
  const { hours, as_of: now } = props.overview;
  const most = say('hours.most', { most: show(Math.max(0, ...values)) });
  const from = texts.moment(hours[0]?.hour ?? now, now);
  const middle = hours[Math.floor(hours.length / 2)]?.hour ?? now;
  return (
    <section class="panel">
      <h2>
        {title}
        <span class="note">
          {note}, {most}
        </span>
      </h2>
      <Bars values={values} label={say('hours.label', { title, from, note, most })} />
      <p class="axis" aria-hidden="true">
        <span>{from}</span>
        <span>{texts.clock(middle)}</span>
        <span>{say('hours.now')}</span>
      </p>
      <div class="hush">
        <table>
          <caption>{title}</caption>
          <tbody>
            {hours.map((hour, index) => (
              <tr key={hour.hour}>
                <th scope="row">{texts.moment(hour.hour, now)}</th>
                <td>{show(values[index] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
