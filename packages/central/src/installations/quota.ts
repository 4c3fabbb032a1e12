import type { Store } from '../platform/ports.ts';
import { recordEvent } from './audit.ts';
import { COMMAND_LINE, installationNotFound, requireInstallationId } from './enroll.ts';

/** New values for an installation's quotas. Null restores the nodes' default, and undefined leaves a quota unchanged. */
export interface QuotaChange {
  readonly storedBytes?: number | null;
  readonly records?: number | null;
  readonly requests?: number | null;
  readonly cpuMs?: number | null;
}

const COLUMNS = {
  storedBytes: 'quota_stored_bytes',
  records: 'quota_records',
  requests: 'quota_requests',
  cpuMs: 'quota_cpu_ms',
} as const satisfies Readonly<Record<keyof QuotaChange, string>>;

/** Changes an installation's quotas. Throws INSTALLATION_ID_INVALID, INSTALLATION_NOT_FOUND. */
export async function setQuota(
  world: { readonly store: Store; readonly wallMs: number },
  installationId: string,
  change: QuotaChange,
): Promise<void> {
  requireInstallationId(installationId);
  const changed = (Object.keys(COLUMNS) as (keyof QuotaChange)[]).filter(
    (amount) => change[amount] !== undefined,
  );
  await world.store.transaction(async (tx) => {
    const assignments = [
      'installation_id = installation_id',
      ...changed.map((amount, at) => `${COLUMNS[amount]} = $${at + 2}::bigint`),
    ];
    const found = await tx.query(
      `update installations set ${assignments.slice(changed.length > 0 ? 1 : 0).join(', ')}
       where installation_id = $1::text returning 1 as found`,
      [installationId, ...changed.map((amount) => change[amount] ?? null)],
    );
    if (found.length === 0) throw installationNotFound(installationId);
    if (changed.length === 0) return;
    const detail = changed.map((amount) => `${COLUMNS[amount]} ${change[amount] ?? 'default'}`).join(', ');
    const event = {
      installationId,
      event: 'quota_changed',
      subject: '',
      actor: COMMAND_LINE,
      detail,
    } as const;
    await recordEvent(tx, event, world.wallMs);
  });
}
