import { Type } from 'typebox';
import { BlockedCause, Count, Nullable, Time } from './schemas.ts';

/**
 * Data of one server-sent event. `kind` is also the event's name. A new stream begins with a heartbeat and the events for the
 * work in progress: the categories collected so far, and the part being sent.
 */
export const EventSchema = Type.Union([
  Type.Object({
    kind: Type.Literal('queue'),
    counts: Type.Object({ pending: Count, uploading: Count, completed: Count, failed: Count }),
  }),
  Type.Object({
    kind: Type.Literal('heartbeat', {
      description:
        'Sent at a fixed interval. A client that receives nothing for several intervals has lost the connection.',
    }),
    time: Time,
  }),
  Type.Object({ kind: Type.Literal('collecting'), category: Type.String(), count: Count }),
  Type.Object({ kind: Type.Literal('unread'), category: Type.String(), detail: Type.String() }),
  Type.Object({
    kind: Type.Literal('collected', {
      description: 'Collection has ended, whether or not an export was queued',
    }),
  }),
  Type.Object({
    kind: Type.Literal('uploading'),
    queueId: Type.String(),
    partIndex: Type.Integer({ minimum: 1, description: 'Index of the part, starting at 1' }),
    partCount: Type.Integer({ minimum: 1 }),
    sentBytes: Type.Integer({
      minimum: 0,
      description: 'Bytes sent for this export so far, after compression',
    }),
    leftMs: Nullable(
      Type.Integer({
        minimum: 0,
        description:
          'Estimated time until the export is delivered, based on the rate so far. Null until the first part is acknowledged',
      }),
    ),
  }),
  Type.Object({ kind: Type.Literal('delivered'), queueId: Type.String() }),
  Type.Object({
    kind: Type.Literal('destination'),
    state: Type.String(),
    detail: Type.String(),
    cause: BlockedCause,
  }),
]);
