import { createHash } from 'node:crypto';
import { parseEnrolmentCode } from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import type { License } from '../license/license.ts';
import type { LicenseResult } from '../license/policy.ts';
import { createAllowance } from '../platform/allowance.ts';
import { ExportError } from '../platform/errors.ts';
import { createBoundedMutex } from '../platform/mutex.ts';
import type { Disk, World } from '../platform/ports.ts';
import { readJsonFile } from '../platform/text-file.ts';
import { redeemCode } from './redeem-code.ts';

/**
 * Number of random bytes in a device token: as many as in a SHA-256 digest, so that the token is as hard to guess as its digest.
 */
const TOKEN_SIZE_BYTES = 32;

/** Maximum size of the file with an unconfirmed token, in bytes. A real file is smaller than 300 bytes. */
const PENDING_SIZE_MAX_BYTES = 4_096;

/** Maximum number of requests that run or wait at the same time. A person enters only one code. */
const WAITING_MAX = 2;

/**
 * Maximum number of attempts in a burst and per hour. A person may mistype a code a few times, but a page on the boat must not
 * guess codes or use up a paid connection.
 */
const ATTEMPTS_PER_HOUR_MAX = 20;
const HOUR_MS = 3_600_000;

/** The token sent for a code. The code's digest shows whether the owner has entered the same code again. */
const PendingSchema = Type.Object({
  code_sha256: Type.String(),
  token: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
});
const pendingShape = Compile(PendingSchema);

/** Whether the boat keeps its installation ID or adopts the code's. */
export type Identity = 'keep' | 'replace';

/** An enrolment's result. */
export interface Enrolled {
  readonly installationId: string;
  readonly tokenId: string;
  readonly expiresAt: string | null;
  /**
   * `stored`: the boat has its token. `other_id`: the code is for a different installation ID than the one in license.json. Once
   * license.json contains `installationId`, entering the same code again stores the token.
   */
  readonly state: 'stored' | 'other_id';
}

/** Enrols this boat at central. */
export interface Enrolling {
  /**
   * Redeems a code that a person typed. Once it resolves with `stored`, the token is durable in a file that only the export
   * manager can read. The boat creates and stores the token before it sends the digest, so the same code can be entered again
   * after a power cut, a lost answer or a restart. No message or log line contains the code or the token. Throws REQUEST_INVALID,
   * CONFIG_INVALID, TIER_TOO_LOW, LICENSE_…, INSTALLATION_ID_INVALID, BUSY, CENTRAL_UNREACHABLE, CENTRAL_REFUSED,
   * INSTALLATION_MISMATCH, DISK_….
   */
  enroll(text: string, identity: Identity): Promise<Enrolled>;
}

export interface EnrollingDeps {
  readonly world: Pick<World, 'clock' | 'random' | 'disk' | 'transport' | 'log'>;
  readonly license: License;
  readonly centralUrl: string | undefined;
  readonly paths: { readonly credentials: string; readonly pendingCredentials: string };
  /** The public half of the key that signs bundles. Undefined if the boat has none. */
  readonly bundlePublicKey: string | undefined;
  /** Called after a token has been stored. */
  readonly stored: () => void;
  readonly signal: AbortSignal;
}

export function createEnrolling(deps: EnrollingDeps): Enrolling {
  const attempts = createAllowance(deps.world.clock, ATTEMPTS_PER_HOUR_MAX, HOUR_MS);
  const enrolling = createBoundedMutex(WAITING_MAX, 'enrol at central');
  return {
    enroll: (text, identity) =>
      enrolling.run(() => {
        const code = parseEnrolmentCode(text);
        if (code === undefined)
          throw new ExportError('REQUEST_INVALID', 'This is not an enrolment code', {
            op: 'read the code',
            hint: 'A code has 10 letters and digits, for example 7KQ2M-4XB9C.',
          });
        if (!attempts.take(1))
          throw new ExportError('BUSY', 'Too many enrolment codes were tried within an hour', {
            op: 'enrol at central',
            hint: 'Wait a few minutes. Check the code with the operator of central.',
          });
        return enroll(deps, code, identity);
      }),
  };
}

async function enroll(deps: EnrollingDeps, code: string, identity: Identity): Promise<Enrolled> {
  const { world, centralUrl, paths, bundlePublicKey, signal } = deps;
  if (centralUrl === undefined)
    throw new ExportError('CONFIG_INVALID', 'CENTRAL_API_URL is not set', {
      op: 'enrol at central',
      hint: 'Set CENTRAL_API_URL=https://… in /etc/default/d3kos-export and restart the export manager.',
    });
  const ownId = toOwnId(await deps.license.current(signal), identity);
  const token = await prepareToken(world, paths.pendingCredentials, code);
  const enrolment = await redeemCode(
    world.transport,
    centralUrl,
    {
      code,
      token_sha256: createHash('sha256').update(token).digest('hex'),
      ...(identity === 'keep' && ownId !== undefined ? { installation_id: ownId } : {}),
      ...(bundlePublicKey === undefined ? {} : { bundle_key: bundlePublicKey }),
    },
    signal,
  );
  const { installation_id: installationId, token_id: tokenId, expires_at: expiresAt } = enrolment;
  const result = { installationId, tokenId, expiresAt };
  if (installationId !== ownId) return { ...result, state: 'other_id' };
  await world.disk.replace(paths.credentials, toBytes({ token }));
  // If power fails here, both files contain the token, and entering the code again is harmless.
  await world.disk.remove(paths.pendingCredentials);
  world.log.write('info', `Enrolled at central as installation ${installationId}`, { token_id: tokenId });
  deps.stored();
  return { ...result, state: 'stored' };
}

/**
 * Returns this boat's installation ID, or undefined if it has none yet and will receive one. Throws if the licence does not
 * permit enrolment.
 */
function toOwnId(license: LicenseResult, identity: Identity): string | undefined {
  if (license.tier === 0)
    throw new ExportError('TIER_TOO_LOW', 'Tier 0 does not connect to central', {
      op: 'enrol at central',
      hint: 'Upgrade to tier 1 or higher to export.',
    });
  if (license.kind === 'known') return license.installationId;
  if (identity === 'replace' && license.code === 'INSTALLATION_ID_INVALID') return undefined;
  throw new ExportError(license.code, license.message, { op: 'enrol at central', hint: license.hint });
}

/**
 * Returns the token that was already sent for this code, or a new one. The token is durable once this resolves. R97: "A boat MUST
 * store its token durably before it sends the digest, and MUST send the same digest when the same code is entered again."
 */
async function prepareToken(
  { disk, random }: { readonly disk: Disk; readonly random: World['random'] },
  path: string,
  code: string,
): Promise<string> {
  const codeSha256 = createHash('sha256').update(code).digest('hex');
  const file = await readJsonFile(disk, path, PENDING_SIZE_MAX_BYTES);
  if (file.kind === 'value' && pendingShape.Check(file.value) && file.value.code_sha256 === codeSha256)
    return file.value.token;
  // Any other token in the file belongs to a different code and can be overwritten, because central never confirmed it.
  const token = Buffer.from(random.hex(TOKEN_SIZE_BYTES), 'hex').toString('base64url');
  await disk.replace(path, toBytes({ code_sha256: codeSha256, token }));
  return token;
}

function toBytes(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
