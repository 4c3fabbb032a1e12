import { toDeliveredDays, toDeliveredRange } from './delivered-days.ts';
import type { ExportManagerDeps, QueueVerbs } from './export-manager.ts';
import type { Entry } from './ledger/entry.ts';
import type { Ledger } from './ledger/ledger.ts';
import { CANCELLED_REASON } from './ledger/policy.ts';
import { ExportError } from './platform/errors.ts';
import { createMutex } from './platform/mutex.ts';

/** Creates the operations on the queue. */
export function createQueueVerbs({
  world,
  ledger,
  retention,
  worker,
  queueChanged,
  timeZone: readTimeZone,
}: ExportManagerDeps): QueueVerbs {
  /** Allows only one cancellation at a time, because two cancellations of the same entry would both move its file. */
  const cancelling = createMutex();
  const requireEntry = (queueId: string): Entry => findEntry(ledger, queueId);
  const reportChange = (): void => {
    queueChanged();
    worker.wake();
  };
  return {
    queue: () => ({
      pending: ledger.queue.list('pending'),
      uploading: ledger.queue.list('uploading'),
      completed: ledger.queue.list('completed'),
      failed: ledger.queue.list('failed'),
    }),
    counts: () => ledger.queue.counts(),
    nextPending: () => ledger.queue.list('pending', 1)[0],
    history: (limit) => ledger.queue.history(limit),
    async deliveredDays() {
      const nowMs = world.clock.wall();
      const timeZone = await readTimeZone();
      const quarters = ledger.queue.deliveredQuarters(toDeliveredRange(nowMs));
      return { timeZone, days: toDeliveredDays(quarters, nowMs, timeZone) };
    },

    retry(queueId) {
      const entry = requireEntry(queueId);
      if (entry.status !== 'failed') throw toStateError(entry, 'Only a failed entry can be retried');
      if (retention.isRemoving(entry.entryNo))
        throw toStateError(entry, 'An entry that is being removed cannot be retried');
      const requeued = ledger.queue.requeue(entry.entryNo, world.clock.wall());
      reportChange();
      return requeued;
    },

    cancel: (queueId) =>
      cancelling.run(async () => {
        requireEntry(queueId);
        await worker.release(queueId);
        const entry = requireEntry(queueId);
        if (entry.status !== 'pending') throw toStateError(entry, 'Only a waiting entry can be cancelled');
        const cancelled = await worker.deadLetter(entry, CANCELLED_REASON);
        reportChange();
        return cancelled;
      }),

    process() {
      worker.sendNow();
      const { pending, uploading } = ledger.queue.counts();
      return pending + uploading;
    },

    async cleanup(completedKeptMs) {
      const report = await retention.cleanup(completedKeptMs);
      queueChanged();
      return report;
    },
  };
}

/** Returns the queue's entry. Throws ENTRY_NOT_FOUND. */
function findEntry({ queue }: Ledger, queueId: string): Entry {
  const entry = queue.find(queueId);
  if (entry !== undefined) return entry;
  throw new ExportError('ENTRY_NOT_FOUND', `There is no entry ${queueId} in the queue`, {
    op: 'look up a queue entry',
    hint: 'List the entries with `d3kos-export queue list`.',
  });
}

function toStateError(entry: Entry, rule: string): ExportError {
  return new ExportError('ENTRY_STATE', `${rule}; ${entry.queueId} is ${entry.status}`, {
    op: 'change a queue entry',
    hint: 'List the entries with `d3kos-export queue list`.',
  });
}
