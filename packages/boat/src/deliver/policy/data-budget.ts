/** The owner's limits on sending. An undefined limit does not apply. */
export interface DataBudget {
  /** Maximum size of an export on a metered connection, in bytes. Larger exports wait. */
  readonly meteredSizeMaxBytes: number | undefined;
  /** Maximum total size of request bodies sent in one calendar month, in bytes. */
  readonly monthlyBytesMax: number | undefined;
}

/** Why a due export waits: the connection is metered, or this month's data budget is used up. */
export type SendHold = 'metered' | 'over_budget';

/**
 * Returns the hold that the data budget puts on an entry, or undefined if the entry may be sent. "Send now" (`isSendNow`)
 * overrides both limits. An export that all others wait for (`findPrecedingEntry`) is sent even if the connection is metered, because
 * otherwise nothing would be sent over it. If the boat cannot determine whether the connection is metered, it treats the connection
 * as not metered, because most boats have no NetworkManager to query.
 */
export function decideSendHold(
  budget: DataBudget,
  facts: {
    readonly sizeBytes: number;
    readonly isMetered: boolean | undefined;
    readonly monthBytes: number;
    readonly isSendNow: boolean;
    readonly doOthersWait: boolean;
  },
): SendHold | undefined {
  if (facts.isSendNow) return undefined;
  if (budget.monthlyBytesMax !== undefined && facts.monthBytes >= budget.monthlyBytesMax)
    return 'over_budget';
  if (
    facts.isMetered === true &&
    !facts.doOthersWait &&
    budget.meteredSizeMaxBytes !== undefined &&
    facts.sizeBytes > budget.meteredSizeMaxBytes
  )
    return 'metered';
  return undefined;
}

/**
 * Explains, for the log and the status, why due exports are waiting and how the owner can send them anyway. Returns '' if there
 * is no hold.
 */
export function describeSendHold(hold: SendHold | undefined): string {
  switch (hold) {
    case undefined:
      return '';
    case 'metered':
      return 'This connection is metered. Large exports wait for another connection; "Send now" sends them anyway.';
    case 'over_budget':
      return 'This month\'s data budget is used up. Exports wait until next month; "Send now" sends them anyway.';
    default:
      return hold satisfies never;
  }
}
