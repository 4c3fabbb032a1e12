import type { JSX } from 'preact';
import { Bars, Gauge } from '../ui/graphics.tsx';
import { Icon, type IconName, type Tone } from '../ui/icons.tsx';
import type { Texts } from '../i18n/texts.ts';
import { toMonth } from './month.ts';
import { SCHEDULED_TIER_MIN, toNextExportAt } from './next-export.ts';
import type { QueueEntry } from './entry-view.ts';
import type { View } from './view.ts';

/**
 * Four readings: the last export, 30 days of deliveries, the next daily export and the memory card. An unknown value is shown as
 * `---`.
 */
export function Readings({ view }: { readonly view: View }): JSX.Element {
  return (
    <section class="readings">
      <LastExport view={view} />
      <DeliveredMonth view={view} />
      <NextExport view={view} />
      <Card view={view} />
    </section>
  );
}

function Missing({ texts }: { readonly texts: Texts }): JSX.Element {
  return <p class="figure missing">{texts.say('page.missing')}</p>;
}

function LastExport({ view: { state, texts } }: { readonly view: View }): JSX.Element {
  const { say } = texts;
  const entry = state.status?.last_export ?? undefined;
  const now = state.heardAt ?? '';
  return (
    <div class="reading">
      <h3 class="label">{say('reading.last')}</h3>
      {entry === undefined || now === '' ? (
        <Missing texts={texts} />
      ) : (
        <div class="reading__facts">
          <p class="figure">
            {texts.clock(entry.created_at)} <small>{texts.day(entry.created_at, now)}</small>
          </p>
          <Proof entry={entry} isPartSent={(state.sending?.partIndex ?? 1) > 1} texts={texts} />
          <p class="note">
            {say('reading.last.size', { size: texts.bytes(entry.file_size_bytes), n: entry.category_count })}
          </p>
        </div>
      )}
    </div>
  );
}

/** Shows whether central has the export. */
function Proof(props: {
  readonly entry: QueueEntry;
  readonly isPartSent: boolean;
  readonly texts: Texts;
}): JSX.Element {
  const { say } = props.texts;
  const proofs: Readonly<Record<QueueEntry['status'], readonly [Tone, IconName, string]>> = {
    completed: ['ok', 'synced', say('reading.last.delivered')],
    uploading: ['now', 'sending', say(props.isPartSent ? 'reading.last.partly' : 'waiting.sending')],
    pending: ['calm', 'waiting', say('reading.last.waiting')],
    failed: ['bad', 'failed', say('reading.last.failed')],
  };
  const [tone, icon, text] = proofs[props.entry.status];
  return (
    <p class="has" data-tone={tone}>
      <Icon name={icon} />
      {text}
    </p>
  );
}

function DeliveredMonth({ view: { state, texts } }: { readonly view: View }): JSX.Element {
  const { say } = texts;
  const { heardAt, days } = state;
  if (days === undefined || heardAt === undefined)
    return (
      <div class="reading">
        <h3 class="label">{say('reading.month')}</h3>
        <Missing texts={texts} />
      </div>
    );
  const month = toMonth(days);
  const first = texts.day(toDaysBefore(heardAt, days.days.length - 1), heardAt);
  return (
    <div class="reading">
      <h3 class="label">{say('reading.month')}</h3>
      <div class="reading__facts">
        <p class="figure">
          {texts.number(month.exportCount)}{' '}
          <small>{say('reading.month.exports', { n: month.exportCount })}</small>
        </p>
        <p class="note">{say('history.sent', { size: texts.bytes(month.sentBytes) })}</p>
        <Bars
          values={month.bytesPerDay}
          label={say('reading.month.label', { first, n: month.exportCount })}
        />
        <p class="note axis" aria-hidden="true">
          <span>{first}</span>
          <span>{say('reading.month.today')}</span>
        </p>
      </div>
    </div>
  );
}

/** Returns the time `days` days before `iso`. */
export function toDaysBefore(iso: string, days: number): string {
  return new Date(Date.parse(iso) - days * 86_400_000).toISOString();
}

function NextExport({ view: { state, texts } }: { readonly view: View }): JSX.Element {
  const { say } = texts;
  const { status, heardAt } = state;
  const at = status === undefined || heardAt === undefined ? undefined : toNextExportAt(status, heardAt);
  return (
    <div class="reading">
      <h3 class="label">{say('reading.next')}</h3>
      <div class="reading__facts">
        {status === undefined || heardAt === undefined || status.tier === null ? (
          <Missing texts={texts} />
        ) : at !== undefined ? (
          <>
            <p class="figure">
              {texts.clock(at)} <small>{texts.day(at, heardAt)}</small>
            </p>
            <p class="note">
              {say('reading.next.zone', { zone: status.schedule.timezone.replaceAll('_', ' ') })}
            </p>
          </>
        ) : status.tier < SCHEDULED_TIER_MIN ? (
          <>
            <p class="figure">{say('reading.next.byHand')}</p>
            <p class="note">{say('reading.next.tier')}</p>
          </>
        ) : (
          <p class="figure">{say('reading.next.due')}</p>
        )}
        {status?.data_budget.month_bytes_max != null && (
          <p class="note">
            {say('reading.budget', {
              used: texts.bytes(status.data_budget.month_bytes),
              max: texts.bytes(status.data_budget.month_bytes_max),
            })}
          </p>
        )}
      </div>
    </div>
  );
}

function Card({ view: { state, texts } }: { readonly view: View }): JSX.Element {
  const { say, bytes } = texts;
  const storage = state.status?.storage;
  return (
    <div class="reading">
      <h3 class="label">{say('reading.card')}</h3>
      {storage === undefined ? (
        <Missing texts={texts} />
      ) : (
        <div class="reading__facts">
          <p class="figure">
            {bytes(storage.free_bytes)} <small>{say('reading.card.freeWord')}</small>
          </p>
          <CardGauge view={{ state, texts }} />
          <p class="note">{say('reading.card.exports', { size: bytes(storage.exports_bytes) })}</p>
        </div>
      )}
    </div>
  );
}

/** A diagram of the memory card. */
export function CardGauge({
  view: { state, texts },
}: {
  readonly view: Pick<View, 'state' | 'texts'>;
}): JSX.Element | null {
  const storage = state.status?.storage;
  if (storage === undefined) return null;
  const { bytes, say } = texts;
  return (
    <Gauge
      totalBytes={storage.total_bytes}
      freeBytes={storage.free_bytes}
      exportsBytes={storage.exports_bytes}
      reserveBytes={storage.reserve_bytes}
      label={say('reading.card.label', {
        used: bytes(storage.total_bytes - storage.free_bytes),
        total: bytes(storage.total_bytes),
        reserve: bytes(storage.reserve_bytes),
      })}
    />
  );
}
