import { isInstallationId, isTier, type Tier } from '@d3kos/protocol';
import type { ExportErrorCode } from '../platform/errors.ts';

/** What license.json said. `installationId` is what stands there, undefined only where the key is absent. */
export type LicenseFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'broken'; readonly detail: string }
  | { readonly kind: 'read'; readonly installationId: unknown; readonly tier: Tier | undefined };

/** What the tier API said. `no_answer` is everything that is not its answer: down, slow, HTML, another shape, a failure of its own. */
export type TierAnswer =
  | { readonly kind: 'not_asked' }
  | { readonly kind: 'no_answer'; readonly detail: string }
  | { readonly kind: 'answered'; readonly tier: Tier; readonly installationId: unknown };

/** Why nothing may be exported, and what the owner can do. */
export interface LicenseRefusal {
  readonly kind: 'refused';
  readonly code: ExportErrorCode;
  readonly message: string;
  readonly hint: string;
  /** What is known of the tier all the same, for the status; undefined is unknown, not 0. */
  readonly tier: Tier | undefined;
}

/** Who this boat is and what its tier is, with where the tier was learnt. */
export interface KnownLicense {
  readonly kind: 'known';
  readonly installationId: string;
  readonly tier: Tier;
  readonly source: 'tier_api' | 'license_file';
  /** Something the owner should know although it stops nothing: the two sources disagree. */
  readonly warning?: string;
}

export type LicenseResult = KnownLicense | LicenseRefusal;

/** What asked for an export. */
export type Trigger = 'manual' | 'scheduled' | 'boot';

export type Permission = { readonly kind: 'allowed' } | LicenseRefusal;

/** The seed's words for tier 0; other programs compare them (docs/spec/delivery.md, "HTTP API on 127.0.0.1:8094"). */
export const TIER_0_MESSAGE = 'Tier 0 does not have export capability';

/** The lowest tier whose exports may be made by the schedule (docs/spec/sources.md, "Tier and licence"). */
const SCHEDULED_TIER_MIN = 2;

const ALLOWED: Permission = { kind: 'allowed' };

/**
 * Whether the tier API is to be asked at all. A license.json that says tier 0 ends the matter: at tier 0 there is no
 * network call of any kind, not even on loopback. An upgrade writes license.json, so it is noticed at the next reading.
 */
export function mayAskTierApi(file: LicenseFile): boolean {
  return file.kind !== 'read' || file.tier !== 0;
}

/**
 * Who this boat is and what it may do, from its two sources; refused where they do not say (docs/spec/sources.md, "Tier and licence").
 *
 * - The tier is the tier API's where it answered about this installation, else license.json's, else unknown: TIER_UNKNOWN.
 * - The installation id is what license.json states. One that is stated and malformed (empty on cloned images) is
 *   refused even where the tier API names another: that would be somebody else's boat. Only a file that is missing,
 *   broken or without the key leaves it to the tier API.
 * - A tier API that names another installation than license.json speaks of another boat; its tier is not used.
 * - Nothing at all: LICENSE_INVALID where license.json is there but broken, LICENSE_MISSING where it is not.
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
      `The tier API answers for installation ${api.installationId}, license.json says ${stated}; the tier API is not believed.`,
    );
  if (api.kind !== 'answered') return withoutTierApi(file, undefined);
  const installationId = stated ?? api.installationId;
  if (!isInstallationId(installationId)) return refuseIdentity(installationId, api.tier);
  return { kind: 'known', installationId, tier: api.tier, source: 'tier_api' };
}

/** The tier of a boat whose identity is in doubt, for the status and to tell tier 0 first. */
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
        message: 'Neither the tier API nor license.json says which tier this boat has',
        hint: 'Start the tier service (d3kos-tier-api), or restore config/license.json from first boot.',
        tier: undefined,
      };
    case 'broken':
      return {
        kind: 'refused',
        code: 'LICENSE_INVALID',
        message: `license.json cannot be used: ${file.detail}`,
        hint: 'Correct config/license.json, or start the tier service, which knows the tier as well.',
        tier: undefined,
      };
    case 'read': {
      if (!isInstallationId(file.installationId)) return refuseIdentity(file.installationId, file.tier);
      if (file.tier === undefined)
        return {
          kind: 'refused',
          code: 'TIER_UNKNOWN',
          message: 'The tier API does not answer for this boat and license.json has no tier',
          hint: 'Start the tier service, or write "tier" (0 to 3) into config/license.json.',
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
        ? 'This boat has no installation id'
        : 'The installation id of this boat is malformed',
    hint: 'An image copied from another boat has none: run first boot again, so that config/license.json gets 16 lowercase hex digits of its own.',
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

/** Whether an export may be made: tier 0 never, tier 1 by hand, tier 2 and 3 by hand and by the schedule. */
export function mayExport(tier: Tier, trigger: Trigger): Permission {
  if (tier === 0) return refuseTier0();
  if (trigger === 'scheduled' && tier < SCHEDULED_TIER_MIN)
    return {
      kind: 'refused',
      code: 'TIER_TOO_LOW',
      message: `Scheduled export requires Tier ${SCHEDULED_TIER_MIN}+ (current: Tier ${tier})`,
      hint: 'Export by hand (d3kos-export generate --incremental), or upgrade to tier 2 or higher.',
      tier,
    };
  return ALLOWED;
}

/**
 * The licence if it permits sending, or the refusal. The worker applies it before every part: the boat may have been
 * downgraded since the export was made. A permission always names the installation whose exports may be sent.
 */
export function permitSending(license: LicenseResult): LicenseResult {
  return license.kind === 'known' && license.tier === 0 ? refuseTier0() : license;
}

/** Reads a decoded license.json; `detail` names what is wrong with it. */
export function toLicenseFile(value: {
  readonly installation_id?: unknown;
  readonly tier?: unknown;
}): LicenseFile {
  if (value.tier !== undefined && !isTier(value.tier))
    return { kind: 'broken', detail: '"tier" is not a whole number from 0 to 3' };
  return { kind: 'read', installationId: value.installation_id, tier: value.tier };
}
