import { CODE_ALPHABET, CODE_LENGTH, INSTALLATION_ID_PATTERN } from '@d3kos/protocol';
import { Type } from 'typebox';
import { nullable } from './schemas.ts';

const CLOSED = { additionalProperties: false };
const success = Type.Literal('success');
const id = Type.String({ pattern: INSTALLATION_ID_PATTERN });
const role = Type.Union([Type.Literal('viewer'), Type.Literal('admin')]);
/** Any text that can be entered. The password rules are checked only when a password is set. */
const password = Type.String({ minLength: 1, maxLength: 256 });
/** Any printable text. A login with an impossible name is refused like one with an unknown name. */
const name = Type.String({ pattern: '^[^\\p{Cc}]{1,64}$' });
const days = Type.Integer({ minimum: 1, maximum: 3_650 });

/** The answer to a change that returns no data. */
export const DoneSchema = Type.Object({ status: success });

export const LoginRequestSchema = Type.Object({ name, password }, CLOSED);

/** Who is logged in. For the operator token, `name` and `expires_at` are null. */
export const SessionSchema = Type.Object({
  status: success,
  name: nullable(Type.String()),
  role,
  expires_at: nullable(Type.String()),
});

export const OwnPasswordRequestSchema = Type.Object({ present_password: password, password }, CLOSED);

export const AccountsSchema = Type.Object({
  status: success,
  accounts: Type.Array(
    Type.Object({
      name: Type.String(),
      role,
      created_at: Type.String(),
      password_changed_at: Type.String(),
    }),
  ),
});

export const AddAccountRequestSchema = Type.Object({ name, role, password }, CLOSED);
export const RoleRequestSchema = Type.Object({ role }, CLOSED);
export const PasswordRequestSchema = Type.Object({ password }, CLOSED);

export const TokensSchema = Type.Object({
  status: success,
  installation_id: id,
  tokens: Type.Array(
    Type.Object({
      token_id: Type.String(),
      issued_at: Type.String(),
      last_used_at: nullable(Type.String()),
      expires_at: nullable(Type.String()),
      revoked_at: nullable(Type.String()),
    }),
  ),
});

export const IssueTokenRequestSchema = Type.Object({ expires_days: Type.Optional(days) }, CLOSED);

/** A new device token, which is shown once. */
export const IssuedTokenSchema = Type.Object({
  status: success,
  installation_id: id,
  token: Type.String(),
  token_id: Type.String(),
  expires_at: nullable(Type.String()),
});

/** `keep_days`: how long the replaced token stays valid, 30 by default. A boat may be offline for weeks. */
export const RotateTokenRequestSchema = Type.Object(
  {
    expires_days: Type.Optional(days),
    keep_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_650 })),
  },
  CLOSED,
);

export const InviteRequestSchema = Type.Object(
  {
    tier: Type.Optional(Type.Integer({ minimum: 0, maximum: 3 })),
    expires_hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 720 })),
    token_expires_days: Type.Optional(days),
  },
  CLOSED,
);

/** A new enrolment code, which is shown once. */
export const InvitationSchema = Type.Object({
  status: success,
  installation_id: id,
  code: Type.String({ pattern: `^[${CODE_ALPHABET}]{${CODE_LENGTH}}$` }),
  expires_at: Type.String(),
});

export const EnabledSchema = Type.Object({ status: success, installation_id: id, disabled: Type.Boolean() });

/** The installation ID, typed again by the operator. */
export const EraseRequestSchema = Type.Object({ installation_id: id }, CLOSED);

/** `removed`: rows removed from each table. */
export const ErasedSchema = Type.Object({
  status: success,
  installation_id: id,
  removed: Type.Record(Type.String(), Type.Integer({ minimum: 0 })),
});

export const AuditSchema = Type.Object({
  status: success,
  events: Type.Array(
    Type.Object({
      installation_id: Type.String(),
      occurred_at: Type.String(),
      last_at: Type.String(),
      event: Type.String(),
      subject: Type.String(),
      actor: Type.String(),
      detail: Type.String(),
      occurrences: Type.Integer({ minimum: 1 }),
    }),
  ),
  /** Pass this as `before` to get older events. Null if there are none. */
  next: nullable(Type.String()),
});
