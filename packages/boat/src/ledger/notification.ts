/** The channel through which the owner is notified. */
export type NotificationChannel = 'signalk' | 'webhook';

/** What a notification is about: failed exports, or exports that have waited for too long. */
export type NotificationSubject = 'failed' | 'waiting';

/** A raised notification with its channel and subject. `atMs` is the wall-clock time at which the channel last accepted it. */
export interface ListedNotification {
  readonly channel: NotificationChannel;
  readonly subject: NotificationSubject;
  readonly exportCount: number;
  readonly atMs: number;
}

/** A notification that a channel has accepted and that has not been cleared yet. */
export interface RaisedNotification {
  /** Number of exports stated in the notification. */
  readonly exportCount: number;
  /** The channel's own ID for the notification, or '' if it has none. */
  readonly remoteId: string;
}
