import { Type } from 'typebox';
import { Count, Nullable, Time } from './schemas.ts';

/** The answer to `GET /export/notifications`. */
export const NotificationsSchema = Type.Object({
  success: Type.Literal(true),
  on: Type.Boolean({ description: "The owner's choice" }),
  after_days: Type.Integer({
    minimum: 0,
    description: 'The setting `notify_after_days`. With 0, there are no notifications.',
  }),
  channels: Type.Array(
    Type.Object({
      channel: Type.String({ examples: ['signalk', 'webhook'] }),
      target: Nullable(
        Type.String({ description: 'The URL, without the part that may be a secret. Null if none is set' }),
      ),
      state: Type.String({
        examples: [
          'off',
          'ready',
          'awaiting_approval',
          'denied',
          'unreachable',
          'unauthorized',
          'unsupported',
          'failed',
          'failing',
        ],
        description:
          'Whether the last step was carried out. A channel is contacted only while there is something to show or to clear.',
      }),
    }),
  ),
  raised: Type.Array(
    Type.Object({
      channel: Type.String({ examples: ['signalk', 'webhook'] }),
      subject: Type.String({ examples: ['failed', 'waiting'] }),
      export_count: Count,
      at: Time,
    }),
    { description: 'The notifications that are shown now' },
  ),
});
