import type { Refusal } from './api.ts';

/** A change that an operator can make. The texts `change.KIND` and `change.KIND.says` describe the change. */
export type Change =
  | {
      readonly kind: 'issueToken' | 'invite' | 'disable' | 'enable' | 'erase';
      readonly installationId: string;
    }
  | {
      readonly kind: 'rotateToken' | 'revokeToken';
      readonly installationId: string;
      readonly tokenId: string;
    }
  | { readonly kind: 'enrol' }
  | { readonly kind: 'addAccount' | 'ownPassword' }
  | { readonly kind: 'makeAdmin' | 'makeViewer' | 'setPassword' | 'removeAccount'; readonly name: string };

export type ChangeKind = Change['kind'];

/** The values entered in a dialog, by field name. */
export type GivenValues = Readonly<Partial<Record<FieldName, string>>>;
export type FieldName = 'installationId' | 'name' | 'role' | 'presentPassword' | 'password';

/** The result of a change. A secret is shown once and is not kept after the dialog closes. */
export type Outcome =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'token';
      readonly token: string;
      readonly tokenId: string;
      readonly expiresAt: string | null;
    }
  | {
      readonly kind: 'code';
      readonly installationId: string;
      readonly code: string;
      readonly expiresAt: string;
    };

/** The change whose dialog is open. */
export interface OpenChange {
  readonly change: Change;
  readonly isRunning: boolean;
  readonly refusal: Refusal | undefined;
  readonly outcome: Exclude<Outcome, { readonly kind: 'done' }> | undefined;
}

/** What the operator must type to confirm a change that removes something. Undefined if a press is enough. */
export function toConfirmation(change: Change): string | undefined {
  switch (change.kind) {
    case 'revokeToken':
    case 'disable':
    case 'erase':
      return change.installationId;
    case 'removeAccount':
      return change.name;
    default:
      return undefined;
  }
}

/** The target of a change: an installation ID with a token ID, or an account name. */
export function toSubject(change: Change): string | undefined {
  if ('tokenId' in change) return `${change.installationId} · ${change.tokenId}`;
  if ('installationId' in change) return change.installationId;
  return 'name' in change ? change.name : undefined;
}

const FIELDS: Readonly<Partial<Record<ChangeKind, readonly FieldName[]>>> = {
  enrol: ['installationId'],
  addAccount: ['name', 'role', 'password'],
  setPassword: ['password'],
  ownPassword: ['presentPassword', 'password'],
};

/** The fields of a change's dialog. */
export function toFields(change: Change): readonly FieldName[] {
  return FIELDS[change.kind] ?? [];
}

/** True if all required values have been entered. Central validates the values. */
export function isComplete(change: Change, given: GivenValues, typed: string): boolean {
  const confirmation = toConfirmation(change);
  return (
    (confirmation === undefined || typed.trim() === confirmation) &&
    toFields(change).every((field) => (given[field] ?? '') !== '')
  );
}
