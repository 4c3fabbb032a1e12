/** Where the owner is notified. */
export type NotificationChannel = 'signalk' | 'webhook';

/** The subject of a notification: exports that failed, or exports that have waited for too long. */
export type NotificationSubject = 'failed' | 'waiting';

/** A raised notification with its place. `atMs` is the wall-clock time at which the channel last accepted it, in milliseconds. */
export interface ListedNotification {
  readonly channel: NotificationChannel;
  readonly subject: NotificationSubject;
  readonly exportCount: number;
  readonly atMs: number;
}

/** A notification that a channel has accepted and that has not been cleared. */
export interface RaisedNotification {
  /** Number of exports that the notification names. */
  readonly exportCount: number;
  /** The channel's own ID of the notification, or '' if it has none. */
  readonly remoteId: string;
}
