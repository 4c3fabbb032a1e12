import type { JSX } from 'preact';
import { Act, Download } from '../ui/controls.tsx';
import { Icon, type IconName, type Tone } from '../ui/icons.tsx';
import { CSV_PATH, toFilePath } from './api.ts';
import { CardGauge } from './readings.tsx';
import { Switch } from './switch.tsx';
import type { View } from './view.ts';

/** The card's state, and every export file with its download link. */
export function Files({ view }: { readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say, bytes } = texts;
  const { files, status, settings } = state;
  const isWaiting = state.link !== 'live' || state.act !== undefined;
  const canExport = status?.can_export ?? false;
  return (
    <div class="place__body">
      {status !== undefined && (
        <section class="card">
          <div class="card__words">
            <p class="figure">
              {bytes(status.storage.free_bytes)}{' '}
              <small>{say('files.free', { total: bytes(status.storage.total_bytes) })}</small>
            </p>
            <p class="key note">
              <span>
                <i class="is-used" />
                {say('files.keyUsed')}
              </span>
              <span>
                <i class="is-ours" />
                {say('files.keyOurs', { size: bytes(status.storage.exports_bytes) })}
              </span>
              <span>
                <i class="is-kept" />
                {say('files.keyReserve', { size: bytes(status.storage.reserve_bytes) })}
              </span>
            </p>
          </div>
          <CardGauge view={view} />
        </section>
      )}
      <div class="choices choices--even">
        {canExport && (
          <Act icon="look" onPress={() => acts.ask({ kind: 'preview' })}>
            {say('act.preview')}
          </Act>
        )}
        <Download href={CSV_PATH}>{say('act.csv')}</Download>
        {canExport && (
          <Act icon="download" isWaiting={isWaiting} onPress={acts.saveBundle}>
            {state.bundleBytes === undefined
              ? say('act.bundle')
              : say('act.bundling', { size: bytes(state.bundleBytes) })}
          </Act>
        )}
        <Act icon="clear" isWaiting={isWaiting} onPress={() => acts.ask({ kind: 'clear' })}>
          {say('act.clear')}
        </Act>
      </div>
      <FileList files={files?.files} view={view} />
      {settings !== undefined && (
        <Consent isGiven={settings.usage_telemetry} isWaiting={isWaiting} view={view} />
      )}
    </div>
  );
}

/** The owner's choice whether exports contain usage statistics. */
function Consent(props: {
  readonly isGiven: boolean;
  readonly isWaiting: boolean;
  readonly view: View;
}): JSX.Element {
  const { isGiven, isWaiting, view } = props;
  const { texts, acts } = view;
  const { say } = texts;
  return (
    <section class="consent">
      <div>
        <h2>{say('consent.title')}</h2>
        <p class="note">{say('consent.says')}</p>
      </div>
      <Switch
        label={say('consent.title')}
        isOn={isGiven}
        isWaiting={isWaiting}
        texts={texts}
        onChange={acts.setConsent}
      />
    </section>
  );
}

type ExportFile = NonNullable<View['state']['files']>['files'][number];

const FILE_LOOKS = {
  pending: ['calm', 'waiting', 'files.status.pending'],
  uploading: ['now', 'sending', 'files.status.uploading'],
  completed: ['ok', 'synced', 'files.status.completed'],
  failed: ['bad', 'failed', 'files.status.failed'],
  none: ['calm', 'unknown', 'files.status.none'],
} as const satisfies Readonly<Record<string, readonly [Tone, IconName, string]>>;

function FileList(props: {
  readonly files: readonly ExportFile[] | undefined;
  readonly view: View;
}): JSX.Element {
  const { files, view } = props;
  const { say, number } = view.texts;
  if (files === undefined) return <p class="empty">{say('loading.title')}</p>;
  if (files.length === 0) return <p class="empty">{say('files.empty')}</p>;
  return (
    <section class="group">
      <h2>
        {say('files.title')} <span class="note">{number(files.length)}</span>
      </h2>
      <ol>
        {files.toReversed().map((file) => (
          <FileRow key={file.name} file={file} view={view} />
        ))}
      </ol>
    </section>
  );
}

function FileRow({ file, view }: { readonly file: ExportFile; readonly view: View }): JSX.Element {
  const { state, texts, acts } = view;
  const { say } = texts;
  const [tone, icon, status] = FILE_LOOKS[file.status ?? 'none'];
  return (
    <li class="entry entry--file" data-tone={tone}>
      <span class="mark">
        <Icon name={icon} />
      </span>
      <div>
        <b>{texts.moment(file.modified, state.heardAt ?? file.modified)}</b>
        <bdi class="id" dir="ltr">
          {file.name}
        </bdi>
      </div>
      <p class="note">
        <strong>{say(status)}</strong>
        <br />
        {texts.bytes(file.size_bytes)}
      </p>
      <div class="entry__acts">
        <Act
          icon="look"
          label={`${say('act.view')}: ${file.name}`}
          onPress={() => acts.ask({ kind: 'file', name: file.name, sizeBytes: file.size_bytes })}
        >
          {say('act.view')}
        </Act>
        <Download href={toFilePath(file.name)}>{say('act.download')}</Download>
      </div>
    </li>
  );
}
