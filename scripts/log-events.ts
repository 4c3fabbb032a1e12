// Every log line of the boat's export manager, for docs/reference/log-events.md. `log-events.test.ts` compares it with the code.

/** A log line. Each interpolated value is `{}`. */
export interface LogEvent {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
  /** What happened, and what to do if action is needed. */
  readonly meaning: string;
}

const info = (text: string, meaning: string): LogEvent => ({ level: 'info', text, meaning });
const warn = (text: string, meaning: string): LogEvent => ({ level: 'warn', text, meaning });

/** The page's groups, in the order in which an export passes through them. */
export const LOG_EVENTS: Readonly<Record<string, readonly LogEvent[]>> = {
  'Start and stop': [
    info(
      'Export manager listening on http://{}:{}',
      'Recovery is complete, and the API answers. systemd has received `READY=1`.',
    ),
    info(
      'Export manager stopping',
      'The service got SIGTERM. An upload in progress continues after the next start.',
    ),
    {
      level: 'error',
      text: '{} [{}]',
      meaning:
        'The service cannot start or continue, and exits. The code is explained in [errors](errors.md).',
    },
    warn(
      'Another program answers on localhost: {}',
      'The second loopback address is taken, so pages may reach another program. Find it with `ss -ltnp`.',
    ),
    warn(
      'Other users can read {}: {}',
      'The permissions of a file or folder could not be corrected. Check its owner.',
    ),
    warn(
      'The disk reserve could not be restored: {}',
      'New exports are refused until there is space. Free some on the card.',
    ),
    warn(
      'Exports may be lost when the boat is switched off: {}',
      'The export folder is not on persistent storage.',
    ),
    warn('Offline bundles are not signed: {}', 'The key file cannot be used. The hint explains what to do.'),
    warn(
      'Progress could not be reported to systemd: {}',
      'Without these reports, systemd restarts the service after 15 minutes. Check that `systemd-notify` is installed.',
    ),
    warn('Licence: {}', 'The tier service and the licence file disagree, or the service does not answer.'),
  ],
  Recovery: [
    info(
      'Adopted export file {} as {}',
      'An export file that a power cut left without an entry is in the queue again.',
    ),
    info(
      'Imported {} exports from the legacy queue',
      "The legacy exporter's exports are delivered from now on.",
    ),
    warn(
      'An export file could not be adopted and will be tried again at the next start: {}',
      'The card is full. Free some space.',
    ),
    warn(
      'The file of export {} is missing; the next export contains its records',
      'Nothing is lost if the sources still have the records. Check the card.',
    ),
    warn(
      '{} is not a regular file. The export manager neither reads nor sends it',
      'Someone placed a link, a pipe or a device among the exports. Remove it.',
    ),
    warn('Quarantined {}: {}', 'A damaged file was moved to `damaged/`, unchanged. `kept_at` is its path.'),
    warn(
      'The card is full; opening the ledger in the space reserved for it',
      'The service runs, but exports are refused. Free some space.',
    ),
    warn(
      'The ledger is damaged: {}',
      'It is quarantined, and a new ledger begins. Central discards records that arrive twice. Check the card.',
    ),
    warn('The legacy queue file {} was not imported: {}', 'The file is kept. The line gives the reason.'),
    warn(
      'The legacy queue file {} is damaged; {} complete items were recovered',
      'The file is kept in `damaged/`.',
    ),
    warn('Did not import {} from the legacy queue: {}', 'The export stays in its file.'),
    warn('An export in the legacy queue cannot be sent: {}', 'The export stays in its file.'),
    warn(
      'An export in the legacy queue will be imported at the next start: {}',
      'The card is full. Free some space.',
    ),
    info('Repaired: {}', '`d3kos-export doctor --repair` made this repair.'),
  ],
  'Creating an export': [
    info(
      'Added to queue: {} ({} bytes, {} categories, {} records)',
      'The export is durable. It is acknowledged now.',
    ),
    info(
      'Nothing new since the last export; nothing was queued',
      'Central holds or will receive every record.',
    ),
    info(
      'Scheduled export skipped: {}',
      'The tier does not include scheduled exports, or the clock is not set and a later daily export exists.',
    ),
    warn(
      '{} could not be read: {}. A later export will contain its records',
      'A category is missing from the export. `d3kos-export doctor` shows the file.',
    ),
  ],
  'Sending an export': [
    info('Processing export: {}', 'Sending begins or continues.'),
    info('✓ Export uploaded successfully: {}', 'Central proved that it holds every part.'),
    info(
      'Export upload failed: {}: {}. {}',
      'Central was reached, but failed. An attempt was counted; the line states when the next one follows.',
    ),
    info(
      'Export upload failed: {} is waiting: {}',
      'Central was not reached, or asked the boat to wait. No attempt was counted.',
    ),
    warn(
      'Export upload failed: {}: {}. It will be tried again in {}; other exports are still sent',
      'A proxy or firewall on the way refuses this export.',
    ),
    warn(
      'Export rejected: {}: {}. The next export will contain its records',
      "Central will never accept the export. Its file is kept. Report it to central's operator.",
    ),
    warn(
      'The file of {} was not archived: {}',
      "A failed export's file stays where it was. It is archived later.",
    ),
    info(
      'Only smaller parts are accepted: {} is now sent in parts of {} bytes',
      'Central or a proxy refused a part as too large.',
    ),
    info(
      'The link breaks before a whole part is sent: {} is now sent in parts of {} bytes',
      'The link dropped twice during the same part.',
    ),
    warn('Exports are not sent: {}', 'The licence does not permit sending.'),
    warn('Delivery paused: {}', 'The card or the ledger failed. Sending is tried again every 30 seconds.'),
    info(
      'This connection is metered. Large exports wait for another connection; "Send now" sends them anyway.',
      'The data budget puts exports on hold.',
    ),
    info(
      'This month\'s data budget is used up. Exports wait until next month; "Send now" sends them anyway.',
      'The data budget puts exports on hold.',
    ),
    info(
      'The data budget no longer holds back any export',
      'The connection or the month changed, or the owner sent the exports anyway.',
    ),
    warn(
      "Central has other exports under this boat's former ledger: the card was restored from an image or copied. The boat began the ledger {}, and {} numbered in it. {}",
      'Nothing is lost. If two boats use copies of one card, give one of them its own installation ID.',
    ),
    warn(
      'Central has lost {} that it had confirmed (sequence {}): {}',
      'Central was restored from a backup. The boat sends the exports again.',
    ),
  ],
  'The state of central': [
    info('Central has not been tried yet.', 'The configuration changed.'),
    info('Central is reachable.', ''),
    info(
      'Central is reachable. {}. That export is tried again later, and the others are sent meanwhile.',
      'A proxy or firewall on the way refuses one export.',
    ),
    info(
      'Central is not reachable. Exports wait and are sent when the boat is online; no action is needed.',
      '',
    ),
    info(
      'Another system answers instead of central, as a Wi-Fi sign-in page does. Open a browser on this network and sign in; exports wait meanwhile.',
      '',
    ),
    info(
      "Central's certificate cannot be verified, so nothing is sent. {}. Exports wait meanwhile.",
      "Inform central's operator, or check which certificate authorities the boat trusts.",
    ),
    info(
      "The boat's clock is wrong, so no secure connection is possible. It corrects itself when a time server answers; otherwise set the date and time.",
      '',
    ),
    info(
      'Central is reachable but cannot accept exports at the moment. The boat tries again automatically.',
      '',
    ),
    warn(
      'Nothing can be sent yet: {}. In the meantime, exports are created and kept.',
      'The device token or the URL of central is missing.',
    ),
    warn(
      'Central refuses this boat: {}. Check the device token in config/export-credentials.json and CENTRAL_API_URL with the operator of central. The boat tries again every hour and after a change of configuration.',
      '',
    ),
    info(
      'Enrolled at central as installation {}',
      'A one-time code was redeemed, and the device token is stored.',
    ),
  ],
  'Files, bundles and views': [
    info('Removed export {}: {}', 'A file that is no longer needed was removed. The line gives the reason.'),
    warn('Cleanup failed and will be tried again tomorrow: {}', 'No file that is still needed was removed.'),
    info('Bundled {} exports in {} parts', 'An offline bundle was downloaded.'),
    warn(
      'Not bundled: {}: {}',
      "An export's file cannot be read, so the bundle does not contain the export.",
    ),
    warn(
      "The queue's JSON views could not be written: {}",
      'Other programs see an outdated state. The ledger is not affected.',
    ),
    warn('A request failed: {} {}: {}', 'The export manager has a bug. Report it with this line.'),
  ],
  Notifications: [
    info('Notified the owner: {}', '`channel` is `signalk` or `webhook`.'),
    info('Cleared the notification about exports that {}', 'The condition has ended.'),
    info(
      'Signal K is waiting for the owner to allow notifications from the export manager',
      'Approve the request in the Signal K admin page, under Security, Access Requests.',
    ),
    info(
      'The owner denied access to Signal K, so it shows no notifications about exports',
      'The hint explains how to request access again.',
    ),
    info(
      'Signal K does not answer at {}: {}',
      'The server is not running. Set `signalk_url` to `off` if the boat has none.',
    ),
    warn('Signal K cannot show a notification: {}', 'The server is too old, or it fails.'),
    warn(
      'The webhook did not accept a notification, and the call will not be retried: {}',
      'Check `webhook_url`.',
    ),
    warn('Notifications are paused: {}', 'The card or the ledger failed.'),
  ],
};
