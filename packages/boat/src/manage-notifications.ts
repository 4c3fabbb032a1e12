import type { ExportManagerDeps, NotificationVerbs } from './export-manager.ts';
import { areNotificationsOn, setNotifications } from './notify/notification-switch.ts';
import { SETTINGS, SIGNALK_OFF } from './settings.ts';

/** Creates the operations on notifications. */
export function createNotificationVerbs({ config, ledger, notifier }: ExportManagerDeps): NotificationVerbs {
  return {
    notifications() {
      const { notifyAfterDays, signalkUrl, webhookUrl } = config;
      const isOff = notifyAfterDays === 0;
      const states = notifier?.states() ?? { signalk: 'ready', webhook: 'ready' };
      return {
        isOn: areNotificationsOn(ledger.facts),
        afterDays: notifyAfterDays,
        channels: [
          {
            channel: 'signalk',
            target: signalkUrl === SIGNALK_OFF ? undefined : signalkUrl,
            state: isOff || signalkUrl === SIGNALK_OFF ? 'off' : states.signalk,
          },
          {
            channel: 'webhook',
            // The rest of the URL is often a secret.
            target: webhookUrl === undefined ? undefined : SETTINGS.webhookUrl.toShown(webhookUrl),
            state: isOff || webhookUrl === undefined ? 'off' : states.webhook,
          },
        ],
        raised: ledger.notifications.list(),
      };
    },
    setNotifications(choice) {
      setNotifications(ledger.facts, choice);
      notifier?.wake();
    },
  };
}
