import { strict as assert } from 'node:assert';
import { addAccount } from '../operators/accounts.ts';
import { login } from '../operators/login.ts';
import type { Role } from '../operators/policy.ts';
import type { Store } from '../platform/ports.ts';
import { systemRandomHex } from '../platform/world.ts';
import { NOON_MS, QUICK_PASSWORDS } from './central-under-test.ts';

/** The password of every account under test. */
export const PASSWORD = 'a long passphrase for tests';

/** The origin of the central under test. */
export const ORIGIN = 'https://central.test';

/** Adds an account with the test password. */
export async function addOperator(store: Store, name: string, role: Role, wallMs = NOON_MS): Promise<void> {
  const world = { store, wallMs, passwords: QUICK_PASSWORDS };
  await addAccount(world, { name, role, password: PASSWORD });
}

/** Logs an account in without a node. Returns the session id. */
export async function logIn(store: Store, name: string, wallMs: number = NOON_MS): Promise<string> {
  const world = { store, wallMs, randomHex: systemRandomHex, passwords: QUICK_PASSWORDS };
  const attempt = { name, password: PASSWORD, address: `test of ${name}`, formerSessionId: undefined };
  const result = await login(world, attempt);
  assert.ok(result.kind === 'accepted', result.kind);
  return result.sessionId;
}

/** Returns the headers of a request sent by central's page. */
export function toPageHeaders(sessionId?: string): Record<string, string> {
  return {
    Origin: ORIGIN,
    'X-Requested-With': 'fleet-page',
    'Content-Type': 'application/json',
    ...(sessionId === undefined ? {} : { Cookie: `__Host-d3kos_session=${sessionId}` }),
  };
}
