import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { lchown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CentralFailure } from './errors.ts';

const run = promisify(execFile);

/**
 * The account under which PostgreSQL runs. PostgreSQL refuses to run as root, so this is the current user, root in a user
 * namespace (where it appears as an ordinary user), or central's own account.
 */
export interface EmbeddedAccount {
  /** The command and arguments that go before the program. */
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** The user ID of root inside the namespace: any ID but 0. */
const NAMESPACE_ID = 1_000;

/** Central's own account. PostgreSQL runs under it if root is not allowed to create user namespaces. No other service uses it. */
const OWN_ACCOUNT = 'd3kos-central';

/** Shared accounts used by earlier versions. Root takes back data directories that they own. */
const FORMER_ACCOUNTS = ['postgres', 'nobody'] as const;

/**
 * Finds an account that can run `program`. A user namespace is tried first. Inside it, files still belong to root, so a checkout
 * or data directory that only root can enter still works. A shared account such as `nobody` is never used, because every other
 * service that runs as it could read and change the data. Throws EMBEDDED_UNAVAILABLE if no account works.
 */
export async function findEmbeddedAccount(program: string): Promise<EmbeddedAccount> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const namespace = ['unshare', '--user', `--map-user=${NAMESPACE_ID}`, `--map-group=${NAMESPACE_ID}`, '--'];
  const refusals: string[] = [];
  const inNamespace = { prefix: namespace };
  if (canRun(inNamespace, program, refusals)) return inNamespace;
  const account = await findAccount(OWN_ACCOUNT);
  if (account !== undefined && canRun(account, program, refusals)) return account;
  throw new CentralFailure(
    'EMBEDDED_UNAVAILABLE',
    `PostgreSQL does not run as root, root may not create a user namespace here, and the account ${OWN_ACCOUNT} ${account === undefined ? 'does not exist' : 'cannot run it'}`,
    {
      op: `run ${program} without root`,
      hint: `create the account (useradd --system --home-dir /var/lib/${OWN_ACCOUNT} --shell /usr/sbin/nologin ${OWN_ACCOUNT}), run d3kos-central as an ordinary user, or set DATABASE_URL (tried: ${refusals.join('; ')})`,
    },
  );
}

function canRun({ prefix, uid, gid }: EmbeddedAccount, program: string, refusals: string[]): boolean {
  const [first = program, ...rest] = [...prefix, program, '--version'];
  const { status, error, stderr } = spawnSync(first, rest, {
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    cwd: '/',
    encoding: 'utf8',
  });
  if (status === 0) return true;
  refusals.push(`${uid === undefined ? first : `user ${uid}`}: ${(error?.message ?? stderr).trim()}`);
  return false;
}

async function findAccount(name: string): Promise<EmbeddedAccount | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', name]), run('id', ['-g', name])]);
    return { prefix: [], uid: Number(uid.stdout), gid: Number(gid.stdout) };
  } catch {
    // If `id` fails, the account does not exist.
    return undefined;
  }
}

/** Starts a program as the account, in its own session. */
export function spawnAs(
  { prefix, uid, gid }: EmbeddedAccount,
  program: string,
  args: readonly string[],
): ChildProcess {
  const [first = program, ...rest] = [...prefix, program, ...args];
  return spawn(first, rest, {
    cwd: '/',
    // With its own session, Ctrl-C in a terminal reaches only central, which then shuts PostgreSQL down cleanly.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}

/**
 * Gives the account ownership of a folder and its content, if root runs PostgreSQL and the folder belonged to root or to a shared
 * account of an earlier version. Throws EMBEDDED_FAILED for the folder of any other account, because that account's service would
 * lose access. This includes central's own account: the packaged service runs under it, and `sudo d3kos-central` must not take
 * over its folder.
 */
export async function giveFolder(folder: string, account: EmbeddedAccount): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const uid = account.uid ?? 0;
  const gid = account.gid ?? 0;
  const owner = (await stat(folder)).uid;
  if (owner === uid) return;
  const others = await Promise.all(FORMER_ACCOUNTS.map(findAccount));
  if (owner !== 0 && !others.some((other) => other?.uid === owner))
    throw new CentralFailure('EMBEDDED_FAILED', `${folder} belongs to another account (uid ${owner})`, {
      op: `use ${folder} as root`,
      hint: `run d3kos-central as that account: sudo -u '#${owner}' d3kos-central ...`,
    });
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), uid, gid);
  await lchown(folder, uid, gid);
}
