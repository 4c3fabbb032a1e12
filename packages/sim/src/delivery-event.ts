/** What the boat's delivery reports. A stand-in until the boat's worker reports these events itself. */
export type DeliveryEvent =
  | { readonly kind: 'delivered'; readonly queueId: string }
  | { readonly kind: 'rejected'; readonly queueId: string }
  | { readonly kind: 'parts_cut'; readonly queueId: string; readonly cause: 'refused' | 'cut_off' }
  | {
      readonly kind: 'attempt_spent';
      readonly queueId: string;
      readonly next: { readonly kind: 'retry' | 'dead_letter' };
    }
  | { readonly kind: 'dead_lettered'; readonly queueId: string }
  | { readonly kind: 'send_hold_changed'; readonly hold: 'metered' | 'over_budget' | undefined }
  | { readonly kind: 'delivery_paused' };

/** Translates a log line. Removed together with this file. */
export function parseDeliveryEvent(message: string): DeliveryEvent | undefined {
  const queueId = /\bq_\w+/.exec(message)?.[0] ?? '';
  if (message.startsWith('✓ Export uploaded')) return { kind: 'delivered', queueId };
  if (message.startsWith('Export rejected')) return { kind: 'rejected', queueId };
  if (message.includes(' is cut to '))
    return {
      kind: 'parts_cut',
      queueId,
      cause: message.startsWith('Central') ? 'refused' : 'cut_off',
    };
  if (message.startsWith('Delivery pauses')) return { kind: 'delivery_paused' };
  if (message.startsWith('This connection is metered')) return { kind: 'send_hold_changed', hold: 'metered' };
  if (message.startsWith("This month's data budget"))
    return { kind: 'send_hold_changed', hold: 'over_budget' };
  if (/^Export upload failed: q_\S+: .*No retry left/.test(message))
    return { kind: 'attempt_spent', queueId, next: { kind: 'dead_letter' } };
  if (/^Export upload failed: q_\S+: .*Retry/.test(message))
    return { kind: 'attempt_spent', queueId, next: { kind: 'retry' } };
  return undefined;
}
