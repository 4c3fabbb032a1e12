import type { Facts } from '../ledger/facts.ts';

const NOTIFICATIONS = 'notifications';

/** Returns whether the owner wants notifications. The default is yes. */
export function areNotificationsOn(facts: Pick<Facts, 'get'>): boolean {
  return facts.get(NOTIFICATIONS) !== 'off';
}

/** Durably records the owner's choice. */
export function setNotifications(facts: Pick<Facts, 'record'>, choice: 'on' | 'off'): void {
  facts.record(NOTIFICATIONS, choice);
}
