import type { JSX } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import type { Texts } from '../i18n/texts.ts';
import { Act } from '../ui/controls.tsx';
import { Bars } from '../ui/graphics.tsx';
import { Icon } from '../ui/icons.tsx';
import { Growing } from './growing.tsx';
import { toMonth } from './month.ts';
import { toDaysBefore } from './readings.tsx';
import { toCategoryName } from './statement.ts';
import type { View } from './view.ts';
import { Empty } from './waiting.tsx';

/** A chart of 30 days of deliveries, and every delivered export with central's counts. */
export function History({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { history, historyLimit, heardAt, status, days } = state;
  if (history === undefined || heardAt === undefined || days === undefined)
    return <Empty text={say('loading.title')} />;
  if (history.exports.length === 0) return <Empty text={say('history.empty')} />;
  const month = toMonth(days);
  const first = texts.day(toDaysBefore(heardAt, days.days.length - 1), heardAt);
  const pictures = [
    [month.exportsPerDay, say('history.exportsPerDay', { max: Math.max(...month.exportsPerDay) })],
    [month.bytesPerDay, say('history.bytesPerDay', { max: texts.bytes(Math.max(...month.bytesPerDay)) })],
  ] as const;
  return (
    <div class="place__body">
      <figure class="picture">
        <div class="picture__bars">
          {pictures.map(([values, label]) => (
            <div key={label}>
              <p class="note" aria-hidden="true">
                {label}
              </p>
              <Bars values={values} label={label} />
              <p class="note axis" aria-hidden="true">
                <span>{first}</span>
                <span>{say('reading.month.today')}</span>
              </p>
            </div>
          ))}
        </div>
      </figure>
      <section class="group">
        <h2>
          {say('history.title')}{' '}
          <span class="note">
            {say('history.count', { n: status?.delivered.export_count ?? history.exports.length })}
          </span>
        </h2>
        <Rows exports={history.exports} now={toHour(heardAt)} texts={texts} />
      </section>
      {history.exports.length >= historyLimit && (
        <Act icon="open" onPress={acts.showMoreHistory}>
          {say('act.more')}
        </Act>
      )}
    </div>
  );
}

type HistoryRow = NonNullable<View['state']['history']>['exports'][number];

/** Rounds a time down to the hour. Rows show only their own dates and times, so they need not be redrawn every minute. */
function toHour(iso: string): string {
  return `${iso.slice(0, 13)}:00:00Z`;
}

/** Every delivered export. A row does not depend on the current minute, so it is not redrawn every minute. */
function Rows(props: {
  readonly exports: readonly HistoryRow[];
  readonly now: string;
  readonly texts: Texts;
}): JSX.Element {
  const { exports, now, texts } = props;
  const toRow = useCallback(
    (row: HistoryRow) => (
      <div role="listitem" key={row.queue_id}>
        <Delivered row={row} now={now} texts={texts} />
      </div>
    ),
    [now, texts],
  );
  return <Growing items={exports} toRow={toRow} />;
}

interface RowProps {
  readonly row: HistoryRow;
  readonly now: string;
  readonly texts: Texts;
}

function Delivered({ row, now, texts }: RowProps): JSX.Element {
  const { say } = texts;
  const [isOpen, setIsOpen] = useState(false);
  const rejectedCount = row.rejected_records.length;
  return (
    <details class="delivered" onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
      <summary>
        <span>
          <b>{texts.moment(row.completed_at, now)}</b>
        </span>
        <span>{say('history.records', { n: row.record_count })}</span>
        <span>{say('history.sent', { size: texts.bytes(row.wire_size_bytes) })}</span>
        <span class="has" data-tone={rejectedCount === 0 ? 'ok' : 'warn'}>
          <Icon name={rejectedCount === 0 ? 'synced' : 'failed'} />
          {rejectedCount === 0
            ? say('reading.last.delivered')
            : say('history.rejected', { n: rejectedCount })}
        </span>
        <Icon name="open" />
      </summary>
      {isOpen && <Counted row={row} now={now} texts={texts} />}
    </details>
  );
}

/** Central's counts. Details are drawn only when the row is opened, because a long history has many closed rows. */
function Counted({ row, now, texts }: RowProps): JSX.Element {
  const { say } = texts;
  return (
    <>
      <dl class="counted">
        {Object.entries(row.records_imported).map(([category, count]) => (
          <div key={category}>
            <dt>{toCategoryName(category, texts)}</dt>
            <dd>{texts.number(count)}</dd>
          </div>
        ))}
      </dl>
      <p class="counted__note note">
        <bdi class="id" dir="ltr">
          {row.queue_id}
        </bdi>
        {' · '}
        {say('history.made', {
          made: texts.moment(row.created_at, now),
          delivered: texts.moment(row.completed_at, now),
          size: texts.bytes(row.file_size_bytes),
        })}{' '}
        {row.rejected_records.length === 0 && say('history.noneRejected')}
      </p>
    </>
  );
}
