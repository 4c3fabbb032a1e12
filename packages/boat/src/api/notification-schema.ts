import { Type } from 'typebox';
import { Count, Nullable, Time } from './schemas.ts';

/** The answer to `GET /export/notifications`. */
export const NotificationsSchema = Type.Object({
  success: Type.Literal(true),
  on: Type.Boolean({ description: 'Whether the owner has notifications switched on' }),
  after_days: Type.Integer({
    minimum: 0,
    description: 'The setting `notify_after_days`. With 0, there are no notifications.',
  }),
  channels: Type.Array(
    Type.Object({
      channel: Type.String({ examples: ['signalk', 'webhook'] }),
      target: Nullable(
        Type.String({ description: 'The URL without the parts that may be secret. Null if none is set' }),
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
          'Whether the last attempt succeeded. A channel is contacted only when there is something to show or clear.',
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
    { description: 'The active notifications' },
  ),
});
