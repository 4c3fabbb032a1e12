import { recordEvent } from '../installations/audit.ts';
import { type ChangeWorld, COMMAND_LINE } from '../installations/enroll.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { Queryable } from '../platform/ports.ts';
import { textOf, utcText } from '../store/row.ts';
import type { PasswordHasher } from './passwords.ts';
import { findPasswordFault, isAccountName, isRole, type Role } from './policy.ts';

/** An account as operators see it. */
export interface ListedAccount {
  readonly name: string;
  readonly role: Role;
  readonly created_at: string;
  readonly password_changed_at: string;
}

/** The ports needed to change an account. */
export interface AccountWorld extends ChangeWorld {
  readonly passwords: Pick<PasswordHasher, 'hash'>;
}

/** Adds an account. Throws USAGE for a name or password that is not allowed, and ACCOUNT_EXISTS. */
export async function addAccount(
  world: AccountWorld,
  { name, role, password }: { readonly name: string; readonly role: Role; readonly password: string },
): Promise<void> {
  if (!isAccountName(name))
    throw new CentralFailure('USAGE', `not a valid account name: ${JSON.stringify(name)}`, {
      op: 'add the account',
      hint: 'use 2 to 40 of a-z 0-9 . _ - and begin with a letter',
    });
  requirePassword(name, password);
  const hash = await world.passwords.hash(password);
  const now = new Date(world.wallMs).toISOString();
  await world.store.transaction(async (tx) => {
    const added = await tx.query(
      `insert into operators (name, role, password_hash, created_at, password_changed_at)
       values ($1::text, $2::text, $3::text, $4::timestamptz, $4::timestamptz)
       on conflict (name) do nothing returning 1 as added`,
      [name, role, hash, now],
    );
    if (added.length === 0)
      throw new CentralFailure('ACCOUNT_EXISTS', `the account ${name} already exists`, {
        op: 'add the account',
        hint: 'choose another name, or change the password or role of this account',
      });
    await record(tx, world, 'account_added', name, role);
  });
}

/** Returns every account, ordered by name. */
export async function listAccounts(store: Queryable): Promise<readonly ListedAccount[]> {
  const rows = await store.query(
    `select name, role, ${utcText('created_at')} as created_at_text,
       ${utcText('password_changed_at')} as changed_at_text
     from operators order by name`,
  );
  return rows.map((row) => ({
    name: textOf(row, 'name'),
    role: toRole(textOf(row, 'role')),
    created_at: textOf(row, 'created_at_text'),
    password_changed_at: textOf(row, 'changed_at_text'),
  }));
}

/** Removes an account and ends its sessions. Throws ACCOUNT_NOT_FOUND. */
export async function removeAccount(world: ChangeWorld, name: string): Promise<void> {
  await world.store.transaction(async (tx) => {
    const gone = await tx.query('delete from operators where name = $1::text returning 1 as gone', [name]);
    if (gone.length === 0) throw accountNotFound(name);
    await endSessions(tx, name, undefined);
    await record(tx, world, 'account_removed', name, '');
  });
}

/** Changes the role of an account. The new role applies to its sessions at once. Throws ACCOUNT_NOT_FOUND. */
export async function changeRole(world: ChangeWorld, name: string, role: Role): Promise<void> {
  await world.store.transaction(async (tx) => {
    const found = await tx.query(
      'update operators set role = $2::text where name = $1::text returning 1 as found',
      [name, role],
    );
    if (found.length === 0) throw accountNotFound(name);
    await record(tx, world, 'role_changed', name, role);
  });
}

/**
 * Changes a password and ends the account's sessions, except for `keptSession`. Throws USAGE for a password that is not allowed,
 * and ACCOUNT_NOT_FOUND.
 */
export async function changePassword(
  world: AccountWorld,
  name: string,
  password: string,
  keptSession?: string,
): Promise<void> {
  requirePassword(name, password);
  const hash = await world.passwords.hash(password);
  await world.store.transaction(async (tx) => {
    const found = await tx.query(
      `update operators set password_hash = $2::text, password_changed_at = $3::timestamptz
       where name = $1::text returning 1 as found`,
      [name, hash, new Date(world.wallMs).toISOString()],
    );
    if (found.length === 0) throw accountNotFound(name);
    await endSessions(tx, name, keptSession);
    await record(tx, world, 'password_changed', name, '');
  });
}

/** Parses a role from the database. */
export function toRole(text: string): Role {
  if (isRole(text)) return text;
  throw new Error(`the database has the unknown role ${text}`);
}

async function endSessions(tx: Queryable, name: string, kept: string | undefined): Promise<void> {
  await tx.query(
    'delete from operator_sessions where operator_name = $1::text and session_sha256 is distinct from $2::text',
    [name, kept ?? null],
  );
}

function requirePassword(name: string, password: string): void {
  const fault = findPasswordFault(name, password);
  if (fault !== undefined)
    throw new CentralFailure('USAGE', fault, { op: 'set the password', hint: 'choose a longer passphrase' });
}

async function record(
  tx: Queryable,
  { actor = COMMAND_LINE, wallMs }: ChangeWorld,
  event: 'account_added' | 'account_removed' | 'role_changed' | 'password_changed',
  name: string,
  detail: string,
): Promise<void> {
  await recordEvent(tx, { installationId: '', event, subject: name, actor, detail }, wallMs);
}

function accountNotFound(name: string): CentralFailure {
  return new CentralFailure('ACCOUNT_NOT_FOUND', `there is no account ${JSON.stringify(name)}`, {
    op: 'find the account',
    hint: '`d3kos-central account list` lists the accounts',
  });
}
