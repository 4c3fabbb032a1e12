import type { JSX } from 'preact';
import { Act } from '../ui/controls.tsx';
import { Parts } from '../ui/graphics.tsx';
import { Icon } from '../ui/icons.tsx';
import { type QueueEntry, toEntryView } from './entry-view.ts';
import { Growing } from './growing.tsx';
import { Notifications } from './notifications.tsx';
import type { View } from './view.ts';

/** Exports that are uploading, waiting or failed, and the actions for each. */
export function Waiting({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const { queue } = state;
  const isWaiting = state.link !== 'live' || state.act !== undefined;
  if (queue === undefined) return <Empty text={say('loading.title')} />;
  const groups = [
    ['waiting.sending', queue.uploading],
    ['waiting.waiting', queue.pending],
    ['waiting.failed', queue.failed],
  ] as const;
  if (groups.every(([, entries]) => entries.length === 0))
    return (
      <div class="place__body">
        <p class="empty">{say('waiting.empty')}</p>
        <Notifications view={view} />
      </div>
    );
  const { failed } = queue;
  const canSend = state.status?.can_export ?? false;
  return (
    <div class="place__body">
      {canSend && (
        <div class="choices">
          {queue.pending.length + queue.uploading.length > 0 && (
            <Act icon="send" isWaiting={isWaiting} onPress={acts.sendNow}>
              {say('act.sendNow')}
            </Act>
          )}
          {failed.length > 0 && (
            <Act
              icon="retry"
              isWaiting={isWaiting}
              onPress={() => acts.retry(failed.map(({ queue_id }) => queue_id))}
            >
              {say('act.retryFailed', { n: failed.length })}
            </Act>
          )}
        </div>
      )}
      {groups.map(
        ([title, entries]) =>
          entries.length > 0 && (
            <section class="group" key={title}>
              <h2>
                {say(title)} <span class="note">{texts.number(entries.length)}</span>
              </h2>
              <Growing
                items={entries}
                toRow={(entry) => (
                  <Entry key={entry.queue_id} entry={entry} view={view} isWaiting={isWaiting} />
                )}
              />
            </section>
          ),
      )}
      <Notifications view={view} />
    </div>
  );
}

function Entry(props: {
  readonly entry: QueueEntry;
  readonly view: View;
  readonly isWaiting: boolean;
}): JSX.Element {
  const { state, texts, acts } = props.view;
  const { say } = texts;
  const shown = toEntryView(props.entry, state, texts);
  const { sending } = state;
  // Without permission to export, the export manager refuses both controls.
  const canSend = state.status?.can_export ?? false;
  return (
    <div role="listitem" class="entry" data-tone={shown.tone}>
      <span class="mark">
        <Icon name={shown.mark} />
      </span>
      <div>
        <b>{shown.title}</b>
        <span class="note">{shown.made}</span>
        <bdi class="id" dir="ltr">
          {shown.queueId}
        </bdi>
      </div>
      <ul class="note">
        {shown.facts.map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
      <div class="note">
        <strong>{shown.why}</strong>
        {sending?.queueId === shown.queueId && (
          <Parts
            doneCount={sending.partIndex - 1}
            partCount={sending.partCount}
            label={say('passage.parts', { n: sending.partIndex - 1, total: sending.partCount })}
          />
        )}
        {shown.lastError !== '' && <p>{shown.lastError}</p>}
      </div>
      <div class="entry__acts">
        {canSend && shown.canCancel && (
          <Act
            icon="stop"
            isWaiting={props.isWaiting}
            label={`${say('act.cancel')}: ${shown.title}`}
            onPress={() => acts.ask({ kind: 'cancel', queueId: shown.queueId })}
          >
            {say('act.cancel')}
          </Act>
        )}
        {canSend && shown.canRetry && (
          <Act
            icon="retry"
            isWaiting={props.isWaiting}
            label={`${say('act.retry')}: ${shown.title}`}
            onPress={() => acts.retry([shown.queueId])}
          >
            {say('act.retry')}
          </Act>
        )}
      </div>
      {shown.canRetry && <p class="entry__says note">{say('waiting.failedSays')}</p>}
    </div>
  );
}

export function Empty({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="place__body">
      <p class="empty">{text}</p>
    </div>
  );
}
