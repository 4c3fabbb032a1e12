import type { LedgerDatabase, WallMs } from '../platform/ports.ts';
import type {
  ListedNotification,
  NotificationChannel,
  NotificationSubject,
  RaisedNotification,
} from './notification.ts';
import { CANCELLED_REASON } from './policy.ts';

/**
 * The notifications currently raised on each channel, and the counts on which they depend. A row exists from when the channel
 * accepts a notification until it accepts that the notification is cleared, so a restart neither repeats nor loses one.
 */
export interface Notifications {
  find(channel: NotificationChannel, subject: NotificationSubject): RaisedNotification | undefined;
  /** All raised notifications, ordered by channel and subject. */
  list(): readonly ListedNotification[];
  /** In its own transaction: records that the channel shows the notification. Replaces any earlier row. */
  save(
    channel: NotificationChannel,
    subject: NotificationSubject,
    raised: RaisedNotification & { readonly atMs: WallMs },
  ): void;
  /** In its own transaction: records that the channel no longer shows the notification. Has no effect if there is none. */
  remove(channel: NotificationChannel, subject: NotificationSubject): void;
  /** Number of failed exports, except those that the owner cancelled. */
  failedCount(): number;
  /**
   * Number of waiting exports created in the range, according to their labels. An export that was queued before any of these also
   * counts, even if a wrong clock gave it a label outside the range.
   */
  waitingCount(range: { readonly fromMs: number; readonly untilMs: number }): number;
}

export function createNotifications(ledger: LedgerDatabase): Notifications {
  const { db } = ledger;
  const select = db.prepare(
    'SELECT export_count, remote_id FROM notifications WHERE channel = ? AND subject = ?',
  );
  const selectAll = db.prepare(
    'SELECT channel, subject, export_count AS exportCount, at_ms AS atMs FROM notifications ORDER BY channel, subject',
  );
  const upsert = db.prepare(
    `INSERT INTO notifications (channel, subject, export_count, remote_id, at_ms) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (channel, subject) DO UPDATE SET
       export_count = excluded.export_count, remote_id = excluded.remote_id, at_ms = excluded.at_ms`,
  );
  const remove = db.prepare('DELETE FROM notifications WHERE channel = ? AND subject = ?');
  const countFailed = db.prepare(
    "SELECT count(*) AS n FROM entries WHERE status = 'failed' AND last_error IS NOT ?",
  );
  const hasFailed = db.prepare('SELECT 1 FROM counters WHERE failed > 0');
  const countWaiting = db.prepare(
    `SELECT count(*) AS n FROM entries INDEXED BY entries_pending
     WHERE status = 'pending' AND entry_no <= (
       SELECT max(entry_no) FROM entries INDEXED BY entries_pending
       WHERE status = 'pending' AND created_at_ms BETWEEN ? AND ?)`,
  );
  return {
    find: (channel, subject) => {
      const row = select.get(channel, subject);
      if (row === undefined) return undefined;
      // The table is STRICT.
      return { exportCount: row['export_count'] as number, remoteId: row['remote_id'] as string };
    },
    // The table is STRICT, and its keys are channels and subjects.
    list: () => selectAll.all() as unknown as readonly ListedNotification[],
    save: (channel, subject, { exportCount, remoteId, atMs }) =>
      ledger.transaction(() => {
        upsert.run(channel, subject, exportCount, remoteId, atMs);
      }),
    remove: (channel, subject) => {
      if (select.get(channel, subject) === undefined) return;
      ledger.transaction(() => {
        remove.run(channel, subject);
      });
    },
    // Failed entries have no index, so the table is scanned only if there are any. The count is an INTEGER.
    failedCount: () =>
      hasFailed.get() === undefined ? 0 : (countFailed.get(CANCELLED_REASON)?.['n'] as number),
    waitingCount: ({ fromMs, untilMs }) => countWaiting.get(fromMs, untilMs)?.['n'] as number,
  };
}
