import { isInstallationId, isTier, SCHEDULED_TIER_MIN, type Tier } from '@d3kos/protocol';
import type { ExportErrorCode } from '../platform/errors.ts';

/** The content of license.json. `installationId` is the raw value. It is undefined only if the key is absent. */
export type LicenseFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'broken'; readonly detail: string }
  | { readonly kind: 'read'; readonly installationId: unknown; readonly tier: Tier | undefined };

/** The tier API's answer. `no_answer` covers a refused connection, a timeout, HTML, an unknown shape and an error status. */
export type TierAnswer =
  | { readonly kind: 'not_queried' }
  | { readonly kind: 'no_answer'; readonly detail: string }
  | { readonly kind: 'answered'; readonly tier: Tier; readonly installationId: unknown };

/** Why exports are refused, and what the owner can do about it. */
export interface LicenseRefusal {
  readonly kind: 'refused';
  readonly code: ExportErrorCode;
  readonly message: string;
  readonly hint: string;
  /** The tier to show in the status if it is known despite the refusal. Undefined means unknown, not 0. */
  readonly tier: Tier | undefined;
}

/** The boat's installation and tier, and where the tier came from. */
export interface KnownLicense {
  readonly kind: 'known';
  readonly installationId: string;
  readonly tier: Tier;
  readonly source: 'tier_api' | 'license_file';
  /** Set if the two sources disagree. Disagreement alone does not cause exports to be refused. */
  readonly warning?: string;
}

export type LicenseResult = KnownLicense | LicenseRefusal;

/** What requested an export. */
export type Trigger = 'manual' | 'scheduled' | 'boot';

export type Permission = { readonly kind: 'allowed' } | LicenseRefusal;

/** The legacy exporter's message for tier 0. Other programs rely on it (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094"). */
export const TIER_0_MESSAGE = 'Tier 0 does not have export capability';

const ALLOWED: Permission = { kind: 'allowed' };

/**
 * Returns whether the boat may query the tier API. If license.json has tier 0, the boat opens no connection at all, not even on
 * loopback (decision 0014). An upgrade rewrites license.json, so the next read picks it up.
 */
export function mayQueryTierApi(file: LicenseFile): boolean {
  return file.kind !== 'read' || file.tier !== 0;
}

/**
 * Determines the boat's installation and tier from the two sources (docs/spec/sources.md, "Tier and licence").
 *
 * - The tier comes from the tier API if it answered for this installation, and otherwise from license.json. If neither has a
 *   tier, the result is TIER_UNKNOWN.
 * - The installation ID comes from license.json. A malformed ID there (empty on cloned images) is refused even if the tier API
 *   returns a different ID, which would belong to another boat. The tier API's ID counts only if license.json is missing, is
 *   broken or lacks the key.
 * - If the tier API and license.json name different installations, the tier API's answer is for another boat, and its tier is
 *   ignored.
 * - If neither source can be used, the result is LICENSE_INVALID for a broken license.json and LICENSE_MISSING for a missing one.
 */
export function decideLicense(file: LicenseFile, api: TierAnswer): LicenseResult {
  const stated = file.kind === 'read' ? file.installationId : undefined;
  if (stated !== undefined && !isInstallationId(stated)) return refuseIdentity(stated, statedTier(file, api));
  if (
    stated !== undefined &&
    api.kind === 'answered' &&
    isInstallationId(api.installationId) &&
    api.installationId !== stated
  )
    return withoutTierApi(
      file,
      `The tier API answers for installation ${api.installationId}, but license.json names ${stated}. The tier API's answer is ignored.`,
    );
  if (api.kind !== 'answered') return withoutTierApi(file, undefined);
  const installationId = stated ?? api.installationId;
  if (!isInstallationId(installationId)) return refuseIdentity(installationId, api.tier);
  return { kind: 'known', installationId, tier: api.tier, source: 'tier_api' };
}

/** Returns, for the status, the tier of a boat with an invalid installation ID. Tier 0 is refused with its own message. */
function statedTier(file: LicenseFile, api: TierAnswer): Tier | undefined {
  if (api.kind === 'answered') return api.tier;
  return file.kind === 'read' ? file.tier : undefined;
}

function withoutTierApi(file: LicenseFile, warning: string | undefined): LicenseResult {
  switch (file.kind) {
    case 'missing':
      return {
        kind: 'refused',
        code: 'LICENSE_MISSING',
        message: "Neither the tier API nor license.json has this boat's tier",
        hint: 'Start the tier service (d3kos-tier-api), or restore the config/license.json that the first boot created.',
        tier: undefined,
      };
    case 'broken':
      return {
        kind: 'refused',
        code: 'LICENSE_INVALID',
        message: `license.json cannot be used: ${file.detail}`,
        hint: 'Correct config/license.json, or start the tier service, which also reports the tier.',
        tier: undefined,
      };
    case 'read': {
      if (!isInstallationId(file.installationId)) return refuseIdentity(file.installationId, file.tier);
      if (file.tier === undefined)
        return {
          kind: 'refused',
          code: 'TIER_UNKNOWN',
          message: 'The tier API does not answer for this boat, and license.json has no tier',
          hint: 'Start the tier service, or set "tier" (0 to 3) in config/license.json.',
          tier: undefined,
        };
      return {
        kind: 'known',
        installationId: file.installationId,
        tier: file.tier,
        source: 'license_file',
        ...(warning === undefined ? {} : { warning }),
      };
    }
    default:
      return file satisfies never;
  }
}

function refuseIdentity(stated: unknown, tier: Tier | undefined): LicenseRefusal {
  if (tier === 0) return refuseTier0();
  return {
    kind: 'refused',
    code: 'INSTALLATION_ID_INVALID',
    message:
      stated === '' || stated === undefined
        ? 'This boat has no installation ID'
        : "This boat's installation ID is malformed",
    hint: 'An image copied from another boat has no ID. Run the first boot again, which writes a new ID of 16 lowercase hex digits to config/license.json.',
    tier,
  };
}

function refuseTier0(): LicenseRefusal {
  return {
    kind: 'refused',
    code: 'TIER_TOO_LOW',
    message: TIER_0_MESSAGE,
    hint: 'Upgrade to tier 1 or higher to export.',
    tier: 0,
  };
}

/** Decides whether an export may be created. Tier 0: never. Tier 1: manually and at boot. Tiers 2 and 3: also on schedule. */
export function mayExport(tier: Tier, trigger: Trigger): Permission {
  if (tier === 0) return refuseTier0();
  if (trigger === 'scheduled' && tier < SCHEDULED_TIER_MIN)
    return {
      kind: 'refused',
      code: 'TIER_TOO_LOW',
      message: `Scheduled export requires Tier ${SCHEDULED_TIER_MIN}+ (current: Tier ${tier})`,
      hint: 'Export manually (d3kos-export generate --incremental), or upgrade to tier 2 or higher.',
      tier,
    };
  return ALLOWED;
}

/**
 * Returns the licence if it permits sending, or the refusal. The worker calls this before every part, because the boat may have
 * been downgraded since the export was created. A permission always specifies the installation whose exports may be sent.
 */
export function permitSending(license: LicenseResult): LicenseResult {
  return license.kind === 'known' && license.tier === 0 ? refuseTier0() : license;
}

/** Interprets a decoded license.json. `detail` describes what is wrong with a broken file. */
export function toLicenseFile(value: {
  readonly installation_id?: unknown;
  readonly tier?: unknown;
}): LicenseFile {
  if (value.tier !== undefined && !isTier(value.tier))
    return { kind: 'broken', detail: '"tier" is not a whole number from 0 to 3' };
  return { kind: 'read', installationId: value.installation_id, tier: value.tier };
}
