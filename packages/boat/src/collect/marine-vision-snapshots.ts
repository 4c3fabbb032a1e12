import { join } from 'node:path';
import type { CollectContext, CollectOutcome, Collector, Page } from './collector.ts';
import { sha256 } from './digest.ts';
import { toRecordId } from './policy/record-ids.ts';
import { type SourceOutcome, mergeSourceOutcomes } from './policy/source-outcomes.ts';
import type { TimestampReader } from './policy/timestamps.ts';
import { readTimestampReader, toFileDetail } from './source-file.ts';
import { createOddParts, joinDetails } from './source-notes.ts';
import { createStateRecords, type StateRecord, toStatePages } from './state-records.ts';

/** Folders with camera files below the recordings folder (docs/spec/sources.md, "4 marine_vision_snapshots"). */
const FOLDERS = ['', 'snapshots'] as const;
/** `capture_{slot}_{YYYYMMDD_HHMMSS}.jpg`, `recording_{slot}_{YYYYMMDD_HHMMSS}.mp4`. */
const FILE_NAME = /^(capture|recording)_([A-Za-z0-9_-]{1,64})_(\d{8}_\d{6})\.([a-z0-9]{2,4})$/i;
const NOTE = 'Metadata only - video files not exported';

/**
 * Reads the names and sizes of camera files. This is a state category even though files are only added, because names contain the
 * local time: after a clock change, new files could sort before a cursor.
 */
export const marineVisionSnapshotsCollector: Collector = {
  category: 'marine_vision_snapshots',
  isNews: true,
  collect,
};

async function* collect(context: CollectContext): AsyncGenerator<Page, CollectOutcome, void> {
  const readTime = await readTimestampReader(context);
  const records = createStateRecords(context);
  const outcomes: SourceOutcome[] = [];
  for (const folder of FOLDERS) {
    const found = await listFolder(context, folder, readTime);
    outcomes.push(found.outcome);
    yield* toStatePages(records, found.records);
  }
  return { ...mergeSourceOutcomes(outcomes), note: NOTE, cursors: [] };
}

async function listFolder(
  context: CollectContext,
  folder: string,
  readTime: TimestampReader,
): Promise<{ readonly outcome: SourceOutcome; readonly records: readonly StateRecord[] }> {
  try {
    const entries = await context.disk.list(join(context.paths.recordings, folder), 'follow');
    if (entries === undefined) return { outcome: { state: 'source_missing' }, records: [] };
    const odd = createOddParts(toFolderName(folder), 'file');
    const records = entries.flatMap(({ kind, name, sizeBytes }) => {
      // A folder is not a capture. The folder `snapshots` is read separately.
      if (kind === 'directory') return [];
      const snapshot = kind === 'file' ? toSnapshot(folder, name, sizeBytes, readTime) : undefined;
      if (snapshot === undefined) odd.add(toPublicName(name), 'is not named like a capture or a recording');
      return snapshot ?? [];
    });
    return {
      outcome: { state: records.length === 0 ? 'empty' : 'ok', ...joinDetails([odd.detail()]) },
      records,
    };
  } catch (error) {
    const detail = toFileDetail(error, toFolderName(folder));
    return { outcome: { state: 'error', detail }, records: [] };
  }
}

function toFolderName(folder: string): string {
  return folder === '' ? 'the recordings folder' : `the recordings folder ${folder}`;
}

/**
 * Returns a file's name if a program generated it. Other names are left out, because they may reveal something about a person.
 */
function toPublicName(name: string): string {
  return /^[A-Za-z0-9_.-]{1,80}$/.test(name) ? name : 'a file';
}

function toSnapshot(
  folder: string,
  name: string,
  sizeBytes: number,
  readTime: TimestampReader,
): StateRecord | undefined {
  const match = FILE_NAME.exec(name);
  if (match === null) return undefined;
  const [, kind = '', slot = '', timestamp = '', format = ''] = match;
  const { utc, zone } = readTime(timestamp);
  return {
    record_id: toRecordId(folder === '' ? name : `${folder}/${name}`, '', sha256),
    snapshot_id: name.slice(0, -format.length - 1),
    slot,
    kind: kind.toLowerCase(),
    timestamp,
    timestamp_utc: utc,
    timestamp_zone: zone,
    file_size_bytes: sizeBytes,
    format: format.toLowerCase(),
  };
}
