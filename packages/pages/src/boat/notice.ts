import type { TextKey, Texts } from '../i18n/texts.ts';
import type { Refusal } from './api.ts';
import type { Notice } from './state.ts';

/** A notice as text. `seen` is the export manager's own message, for a person who helps the owner. */
export interface NoticeText {
  readonly tone: 'ok' | 'calm' | 'bad';
  readonly text: string;
  readonly seen: string | undefined;
}

/** Returns the text of a notice. */
export function toNoticeText(notice: Notice, { say, bytes }: Texts): NoticeText {
  const calm = (text: string): NoticeText => ({ tone: 'calm', text, seen: undefined });
  switch (notice.kind) {
    case 'refused':
      return { tone: 'bad', text: say(toErrorKey(notice.refusal)), seen: toSeen(notice.refusal) };
    case 'queued':
      return { ...calm(say('notice.queued', { n: notice.recordCount })), tone: 'ok' };
    case 'cleared':
      return calm(say('notice.cleared', { n: notice.fileCount, size: bytes(notice.freedBytes) }));
    case 'nothing_new':
      return calm(say('notice.nothingNew'));
    case 'send_now':
      return calm(say('notice.sendNow'));
    case 'bundle_saved':
      return { ...calm(say('notice.bundleSaved', { size: bytes(notice.sizeBytes) })), tone: 'ok' };
    case 'no_bundle':
      return calm(say('notice.noBundle'));
    case 'retried':
      return calm(say('notice.retried'));
    case 'enrolled':
      return { ...calm(say('notice.enrolled')), tone: 'ok' };
    case 'incomplete_code':
      return { ...calm(say('enrol.incomplete')), tone: 'bad' };
    case 'cancelled':
      return calm(say('notice.cancelled'));
    default:
      return notice satisfies never;
  }
}

type PlainErrorKey = Extract<TextKey, `error.${string}` | 'offline.title'>;

const ERROR_KEYS: Readonly<Record<string, PlainErrorKey>> = {
  DISK_FULL: 'error.DISK_FULL',
  DISK_RESERVE: 'error.DISK_RESERVE',
  DISK_NO_INODES: 'error.DISK_NO_INODES',
  SOURCE_UNREADABLE: 'error.SOURCE_UNREADABLE',
  FILES_EXHAUSTED: 'error.BUSY',
  DISK_READ_ONLY: 'error.DISK_READ_ONLY',
  DISK_FAILED: 'error.DISK_FAILED',
  FILE_TOO_LARGE: 'error.DISK_FAILED',
  ENTRY_NOT_FOUND: 'error.ENTRY_NOT_FOUND',
  ENTRY_STATE: 'error.ENTRY_STATE',
  EXPORT_FILE_DAMAGED: 'error.EXPORT_FILE',
  EXPORT_FILE_MISSING: 'error.EXPORT_FILE',
  BUSY: 'error.BUSY',
  REQUEST_INVALID: 'error.VERSION',
  NOT_FOUND: 'error.VERSION',
  REQUEST_FORBIDDEN: 'error.REQUEST_FORBIDDEN',
  UNREACHABLE: 'error.UNREACHABLE',
  CENTRAL_REFUSED: 'error.ENROL_CODE',
  INSTALLATION_MISMATCH: 'error.INSTALLATION_MISMATCH',
  CENTRAL_UNREACHABLE: 'offline.title',
};

function toErrorKey({ code }: Refusal): PlainErrorKey {
  return ERROR_KEYS[code] ?? 'error.other';
}

function toSeen({ code, error, hint }: Refusal): string {
  return [code, error, hint].filter((text) => text !== '').join('. ');
}
