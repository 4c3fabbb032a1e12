import type { Step } from './policy.ts';
import type { SignalK } from './signalk.ts';
import type { NotDone, SignalKAccess } from './signalk-access.ts';

/** The result of a step. `id` is the server's ID for the notification, or undefined if the step cleared the notification. */
export type SignalKResult = { readonly kind: 'done'; readonly id: string | undefined } | NotDone;

/** Shows notifications on a Signal K server. */
export interface SignalKChannel {
  /** Carries out a step. Throws DISK_… if the access cannot be stored. Rejects with the signal's reason when aborted. */
  apply(subject: string, step: Exclude<Step, { kind: 'none' }>, signal: AbortSignal): Promise<SignalKResult>;
  /** Checks whether the server still has a notification. */
  verify(id: string, signal: AbortSignal): Promise<{ readonly kind: 'known' | 'gone' } | NotDone>;
}

export function createSignalKChannel(server: SignalK, access: SignalKAccess): SignalKChannel {
  return {
    async apply(subject, step, signal) {
      if (step.kind === 'clear') {
        const cleared = await access.with((token) => server.clear(step.remoteId, token, signal), signal);
        return cleared.kind === 'not_done' ? cleared : { kind: 'done', id: undefined };
      }
      if (step.kind === 'update') {
        const { remoteId, condition } = step;
        const updated = await access.with(
          (token) => server.update(remoteId, condition, token, signal),
          signal,
        );
        if (updated.kind === 'not_done') return updated;
        if (updated.kind === 'updated') return { kind: 'done', id: remoteId };
      }
      const raised = await access.with(
        (token) => server.raise(subject, step.condition, token, signal),
        signal,
      );
      return raised.kind === 'not_done' ? raised : { kind: 'done', id: raised.id };
    },
    verify: (id, signal) => access.with((token) => server.isKnown(id, token, signal), signal),
  };
}
