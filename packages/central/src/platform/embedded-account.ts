import { execFile, spawnSync } from 'node:child_process';
import { lchown, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CentralFailure } from './errors.ts';

const run = promisify(execFile);

/**
 * How PostgreSQL, which refuses to run as root, is started: as this user, in a user namespace where root appears as an ordinary
 * user, or as another account.
 */
export interface EmbeddedAccount {
  /** What stands before a program and its arguments. */
  readonly prefix: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** Which ordinary user root appears as inside the namespace: any but 0. */
const NAMESPACE_ID = 1_000;

/** Accounts tried where user namespaces are refused, the first that exists. */
const ACCOUNTS = ['postgres', 'nobody'] as const;

/**
 * Finds a way to run `program` here. A namespace comes first: in it, files stay root's own, so that a checkout and a data
 * directory only root can enter still work. Throws EMBEDDED_UNAVAILABLE where no way works.
 */
export async function findEmbeddedAccount(program: string): Promise<EmbeddedAccount> {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const namespace = ['unshare', '--user', `--map-user=${NAMESPACE_ID}`, `--map-group=${NAMESPACE_ID}`, '--'];
  const refusals: string[] = [];
  const inNamespace = { prefix: namespace };
  if (canRun(inNamespace, program, refusals)) return inNamespace;
  for (const name of ACCOUNTS) {
    const account = await findAccount(name);
    if (account !== undefined && canRun(account, program, refusals)) return account;
  }
  throw new CentralFailure(
    'EMBEDDED_UNAVAILABLE',
    'PostgreSQL does not run as root, and no other way is open here',
    {
      op: `run ${program} without root`,
      hint: `run d3kos-central as an ordinary user, or set DATABASE_URL (tried: ${refusals.join('; ')})`,
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
    // `id` says by its status that there is no such account, which is an answer.
    return undefined;
  }
}

/**
 * Gives a folder and everything in it to the account, where root runs PostgreSQL and another account of findEmbeddedAccount's had
 * it before. Throws EMBEDDED_FAILED for anybody else's folder: taking it would lock its own service out of it.
 */
export async function giveFolder(folder: string, account: EmbeddedAccount): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const uid = account.uid ?? 0;
  const gid = account.gid ?? 0;
  const owner = (await stat(folder)).uid;
  if (owner === uid) return;
  const others = await Promise.all(ACCOUNTS.map(findAccount));
  if (owner !== 0 && !others.some((other) => other?.uid === owner))
    throw new CentralFailure('EMBEDDED_FAILED', `${folder} belongs to another account (uid ${owner})`, {
      op: `use ${folder} as root`,
      hint: `run d3kos-central as that account: sudo -u '#${owner}' d3kos-central ...`,
    });
  for (const entry of await readdir(folder, { recursive: true })) await lchown(join(folder, entry), uid, gid);
  await lchown(folder, uid, gid);
}
