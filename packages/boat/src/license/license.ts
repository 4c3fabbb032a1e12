import { isTier } from '@d3kos/protocol';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ExportError } from '../platform/errors.ts';
import { type Clock, type Disk, type Log, type Transport, TransportError } from '../platform/ports.ts';
import { readJsonFile } from '../platform/text-file.ts';
import { parseJsonBytes, readAnswer } from '../platform/transport-answer.ts';
import { withDeadline } from '../platform/with-deadline.ts';
import {
  decideLicense,
  type LicenseFile,
  type LicenseResult,
  mayQueryTierApi,
  type TierAnswer,
  toLicenseFile,
} from './policy.ts';

/** Maximum size of license.json, in bytes. A real file is smaller than 1 KB. */
export const LICENSE_SIZE_MAX_BYTES = 64 * 1024;

/** Maximum size of an answer from the tier API, in bytes. A real answer is smaller than 1 KB. */
const TIER_ANSWER_SIZE_MAX_BYTES = 64 * 1024;

/**
 * Timeout for the tier API. It runs on this boat and answers within milliseconds, and an owner who presses "export" waits for it.
 */
export const TIER_API_DEADLINE_MS = 2_000;

/** Host names that always refer to this machine. */
const LOOPBACK_HOSTS: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * The keys in license.json that this program uses. Features and subscription are ignored (docs/spec/sources.md, "Tier and
 * licence").
 */
export const LicenseFileSchema = Type.Object({
  installation_id: Type.Optional(Type.Unknown()),
  tier: Type.Optional(Type.Unknown()),
});
const licenseFile = Compile(LicenseFileSchema);

/** The tier API's answer to `GET /tier/status`. An answer with `success: false` or with wrong types is ignored. */
export const TierStatusSchema = Type.Object({
  success: Type.Literal(true),
  tier: Type.Integer({ minimum: 0, maximum: 3 }),
  installation_id: Type.Optional(Type.Unknown()),
});
const tierStatus = Compile(TierStatusSchema);

export interface LicenseDeps {
  readonly disk: Disk;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LicenseConfig {
  /** `$ROOT/config/license.json`. */
  readonly licensePath: string;
  /** `http://127.0.0.1:8093` on a boat, without a trailing slash. Must be loopback. */
  readonly tierApiUrl: string;
}

/** The boat's licence. Every call rereads its sources. */
export interface License {
  /**
   * Reads license.json, then queries the tier API. If the file has tier 0, opens no connection. If either source fails, returns
   * the failure as a result. Rejects with the signal's reason when aborted.
   */
  current(signal: AbortSignal): Promise<LicenseResult>;
}

/** Throws CONFIG_INVALID if the tier API's address is not on this boat. */
export function createLicense(deps: LicenseDeps, config: LicenseConfig): License {
  assertLoopback(config.tierApiUrl);
  // The licence is read before every part, so a warning is logged only when it changes.
  let loggedWarning: string | undefined;
  return {
    current: async (signal) => {
      const file = await readLicenseFile(deps.disk, config.licensePath);
      const api: TierAnswer = mayQueryTierApi(file)
        ? await queryTierApi(deps, config.tierApiUrl, signal)
        : { kind: 'not_queried' };
      const result = decideLicense(file, api);
      const warning = result.kind === 'known' ? result.warning : undefined;
      if (warning !== undefined && warning !== loggedWarning) deps.log.write('warn', `Licence: ${warning}`);
      loggedWarning = warning;
      return result;
    },
  };
}

function assertLoopback(url: string): void {
  if (URL.canParse(url) && LOOPBACK_HOSTS.includes(new URL(url).hostname)) return;
  throw new ExportError('CONFIG_INVALID', `The tier API's address is not a loopback address: ${url}`, {
    op: 'read TIER_API_URL',
    hint: "Use http://localhost and the tier service's port.",
  });
}

/**
 * Reads license.json. An unreadable file counts as broken, just like a file that is not JSON, and the result includes the reason.
 */
async function readLicenseFile(disk: Disk, path: string): Promise<LicenseFile> {
  const file = await readJsonFile(disk, path, LICENSE_SIZE_MAX_BYTES);
  switch (file.kind) {
    case 'missing':
      return { kind: 'missing' };
    case 'empty':
      return { kind: 'broken', detail: `${path} is empty` };
    case 'unreadable':
    case 'too_large':
    case 'odd':
      return { kind: 'broken', detail: `${path} ${file.reason}` };
    case 'value':
      return licenseFile.Check(file.value)
        ? toLicenseFile(file.value)
        : { kind: 'broken', detail: `${path} is not a JSON object` };
    default:
      return file satisfies never;
  }
}

async function queryTierApi(deps: LicenseDeps, tierApiUrl: string, signal: AbortSignal): Promise<TierAnswer> {
  try {
    const answer = await withDeadline(deps.clock, TIER_API_DEADLINE_MS, signal, (until) =>
      exchange(deps.transport, tierApiUrl, until),
    );
    return answer.kind === 'done'
      ? answer.value
      : { kind: 'no_answer', detail: `it did not answer within ${TIER_API_DEADLINE_MS} ms` };
  } catch (error) {
    if (error instanceof TransportError) return { kind: 'no_answer', detail: `${error.phase} ${error.code}` };
    throw error;
  }
}

async function exchange(transport: Transport, tierApiUrl: string, signal: AbortSignal): Promise<TierAnswer> {
  const request = new Request(`${tierApiUrl}/tier/status`, { headers: { accept: 'application/json' } });
  const response = await transport(request, signal);
  const body = await readAnswer(response, TIER_ANSWER_SIZE_MAX_BYTES);
  if (response.status !== 200) return { kind: 'no_answer', detail: `it returned HTTP ${response.status}` };
  if (body.kind === 'too_large')
    return { kind: 'no_answer', detail: `its answer is over ${body.sizeMaxBytes} bytes` };
  const json = parseJsonBytes(body.bytes);
  if (json === undefined) return { kind: 'no_answer', detail: 'its answer is not JSON' };
  if (!tierStatus.Check(json.value) || !isTier(json.value.tier))
    return { kind: 'no_answer', detail: 'its answer has an unknown format' };
  return { kind: 'answered', tier: json.value.tier, installationId: json.value.installation_id };
}
