import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Texts } from '../i18n/texts.ts';
import { Act } from '../ui/controls.tsx';
import { Bars } from '../ui/graphics.tsx';
import { Icon } from '../ui/icons.tsx';
import { MONTH_DAYS } from './month.ts';
import { toDaysBefore, useMonth } from './readings.tsx';
import { toCategoryName } from './statement.ts';
import type { View } from './view.ts';
import { Empty } from './waiting.tsx';

/** The deliveries of 30 days as a picture, and every delivered export with what central counted. */
export function History({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { history, historyLimit, heardAt, status } = state;
  const month = useMonth(state);
  if (history === undefined || heardAt === undefined || month === undefined)
    return <Empty text={say('loading.title')} />;
  if (history.exports.length === 0) return <Empty text={say('history.empty')} />;
  const first = texts.day(toDaysBefore(heardAt, MONTH_DAYS - 1), heardAt);
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
              <Bars values={values} label={label} />
              <p class="note axis" aria-hidden="true">
                <span>{first}</span>
                <span>{label}</span>
                <span>{say('reading.month.today')}</span>
              </p>
            </div>
          ))}
        </div>
        {!month.isComplete && (
          <figcaption class="note">{say('history.incomplete', { n: history.exports.length })}</figcaption>
        )}
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

/** The beginning of the hour of a time. Rows show only days and times of their own, so they need not follow every minute. */
function toHour(iso: string): string {
  return `${iso.slice(0, 13)}:00:00Z`;
}

/** Number of rows that are drawn at once. At a quarter of a desktop computer's speed they take less than a frame of 50 ms. */
const ROWS_PER_PAGE = 12;
/** Distance from the lower edge of the screen at which the next rows are drawn, so that a fast scroll does not reach an empty end. */
const DRAWN_AHEAD = '2400px';

/**
 * The rows, of which the first are drawn, and the next ones when the reader comes near to them. Drawing a thousand rows at once would
 * take a boat's computer several hundred milliseconds.
 */
function Rows(props: {
  readonly exports: readonly HistoryRow[];
  readonly now: string;
  readonly texts: Texts;
}): JSX.Element {
  const { exports, now, texts } = props;
  const [pageCount, setPageCount] = useState(1);
  const pages = useMemo(
    () =>
      Array.from({ length: Math.ceil(exports.length / ROWS_PER_PAGE) }, (_, index) =>
        exports.slice(index * ROWS_PER_PAGE, (index + 1) * ROWS_PER_PAGE),
      ),
    [exports],
  );
  return (
    <>
      {pages.slice(0, pageCount).map((rows, index) => (
        <RowsOfPage key={index} rows={rows} now={now} texts={texts} />
      ))}
      {pageCount < pages.length && <Nearing key={pageCount} onNear={() => setPageCount(pageCount + 1)} />}
    </>
  );
}

/** Calls `onNear` once, when the reader comes near to this place. */
function Nearing({ onNear }: { readonly onNear: () => void }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        onNear();
      },
      { rootMargin: DRAWN_AHEAD, scrollMargin: DRAWN_AHEAD },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return <div ref={place} />;
}

/** The rows are drawn again only if one of these values changes. */
function RowsOfPage(props: {
  readonly rows: readonly HistoryRow[];
  readonly now: string;
  readonly texts: Texts;
}): JSX.Element {
  const { rows, now, texts } = props;
  return useMemo(
    () => (
      <>
        {rows.map((row) => (
          <Delivered key={row.queue_id} row={row} now={now} texts={texts} />
        ))}
      </>
    ),
    [rows, now, texts],
  );
}

function Delivered(props: {
  readonly row: HistoryRow;
  readonly now: string;
  readonly texts: Texts;
}): JSX.Element {
  const { row, now, texts } = props;
  const { say } = texts;
  const rejectedCount = row.rejected_records.length;
  return (
    <details class="delivered">
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
        {rejectedCount === 0 && say('history.noneRejected')}
      </p>
    </details>
  );
}
