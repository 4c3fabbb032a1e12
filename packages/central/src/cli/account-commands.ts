import {
  addAccount,
  changePassword,
  changeRole,
  type ListedAccount,
  listAccounts,
  removeAccount,
} from '../operators/accounts.ts';
import { createPasswordHasher } from '../operators/passwords.ts';
import { CentralFailure } from '../platform/errors.ts';
import type { RandomHex } from '../platform/ports.ts';
import type { AccountCommand, PasswordSource } from './arguments.ts';
import type { CommandResult, CommandWorld } from './command-world.ts';

/** Random bytes of a generated password. 90 bits take 18 characters and cannot be guessed. */
const PASSWORD_SIZE_BYTES = 15;

/** Runs a command about accounts. Throws CentralFailure. */
export async function runAccountCommand(
  world: CommandWorld,
  command: AccountCommand,
): Promise<CommandResult> {
  const change = {
    ...world,
    wallMs: world.wall(),
    passwords: createPasswordHasher(world.randomHex),
  };
  switch (command.kind) {
    case 'account_list': {
      const accounts = await listAccounts(world.store);
      return { json: { accounts }, text: toAccountTable(accounts) };
    }
    case 'account_add': {
      const { name, role } = command;
      const password = await takePassword(world, command.source);
      await addAccount(change, { name, role, password });
      return toPasswordResult({ name, role }, command.source, password);
    }
    case 'account_password': {
      const { name } = command;
      const password = await takePassword(world, command.source);
      await changePassword(change, name, password);
      return toPasswordResult({ name }, command.source, password);
    }
    case 'account_role': {
      const { name, role } = command;
      await changeRole(change, name, role);
      return { json: { name, role }, text: `${name} is now ${role}` };
    }
    case 'account_remove':
      await removeAccount(change, command.name);
      return { json: { name: command.name }, text: `the account ${command.name} is removed` };
  }
}

async function takePassword(
  { randomHex, readLine }: { readonly randomHex: RandomHex; readonly readLine: CommandWorld['readLine'] },
  source: PasswordSource,
): Promise<string> {
  if (source === 'random') return Buffer.from(randomHex(PASSWORD_SIZE_BYTES), 'hex').toString('base64url');
  const line = await readLine();
  if (line !== undefined) return line;
  throw new CentralFailure('USAGE', 'standard input does not contain a password', {
    op: 'read the password',
    hint: 'write the password to standard input as one line, or omit --password-stdin',
  });
}

/** Shows a random password once. A password that the operator chose is not printed. */
function toPasswordResult(facts: object, source: PasswordSource, password: string): CommandResult {
  if (source === 'stdin') return { json: facts, text: 'the password is stored' };
  return {
    json: { ...facts, password },
    text: `${password}\n\nThis is the password. It is not shown again.`,
  };
}

function toAccountTable(accounts: readonly ListedAccount[]): string {
  if (accounts.length === 0)
    return 'no account exists yet; `d3kos-central account add NAME --role admin` adds one';
  return [
    `${'name'.padEnd(40)}  ${'role'.padEnd(6)}  ${'added'.padEnd(24)}  password changed`,
    ...accounts.map(({ name, role, created_at, password_changed_at }) =>
      [name.padEnd(40), role.padEnd(6), created_at.padEnd(24), password_changed_at].join('  '),
    ),
  ].join('\n');
}
