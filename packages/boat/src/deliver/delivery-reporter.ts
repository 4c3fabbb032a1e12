import type { HandledReport } from '../ledger/missing-exports.ts';
import type { LicenseResult } from '../license/policy.ts';
import type { Log } from '../platform/ports.ts';
import type { ReportDelivery } from './delivery-event.ts';
import { toDeliveryLogLine } from './delivery-log.ts';
import type { Selection } from './entry-selector.ts';
import type { SendHold } from './policy/data-budget.ts';

/** Reports the worker's actions in the log and as typed events. */
export interface DeliveryReporter {
  readonly report: ReportDelivery;
  /** Reports a licence refusal only once, until its message changes or the licence permits sending again. */
  reportPermission(license: LicenseResult): void;
  /** Reports delivered exports that central has lost, provided that its answer listed any that will be sent again. */
  reportMissing(queueId: string, report: HandledReport | undefined): void;
  /** Reports a hold when it begins and when it ends. */
  reportSelection(selection: Selection): void;
}

export function createDeliveryReporter(log: Log, emit: ReportDelivery): DeliveryReporter {
  let reportedRefusal: string | undefined;
  let reportedHold: SendHold | undefined;
  const report: ReportDelivery = (event) => {
    const line = toDeliveryLogLine(event);
    if (line !== undefined) log.write(line.level, line.message, line.facts);
    emit(event);
  };
  return {
    report,
    reportPermission(license) {
      const refusal = license.kind === 'refused' ? license : undefined;
      if (refusal !== undefined && refusal.message !== reportedRefusal)
        report({ kind: 'not_permitted', message: refusal.message, hint: refusal.hint });
      reportedRefusal = refusal?.message;
    },
    reportMissing(queueId, handled) {
      if (handled === undefined || handled.requeued.length + handled.rewound.length === 0) return;
      report({ kind: 'missing_reported', queueId, report: handled });
      report({ kind: 'queue_changed' });
    },
    reportSelection({ entry, hold }) {
      const isHoldNew = hold !== undefined && hold !== reportedHold;
      // Selection stops at the first due entry, so only a selection that returns no entry proves that nothing is on hold.
      const isHoldOver = hold === undefined && entry === undefined && reportedHold !== undefined;
      if (isHoldNew || isHoldOver) report({ kind: 'send_hold_changed', hold });
      reportedHold = hold;
    },
  };
}
