import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeBoat } from '../../packages/sim/src/fixture/index.ts';
import { INSTALLATION } from './boat-in-process.ts';
import { type Machine, NETWORK_PROFILE } from './booted-machine.ts';
import { runHost } from './booted-root.ts';
import { CENTRAL_URL, type Shore } from './booted-shore.ts';
import { until } from './until.ts';

export const SERVICE = 'd3kos-export-manager.service';
/** The boat's package, as the machine sees it. */
export const DEB = '/root/d3kos-export.deb';

/**
 * Prepares a machine before its first boot: writes the boat's records, user and network profile, and copies the package.
 */
export async function stageBoat(machine: Machine, debianPackage: string, rows: number): Promise<void> {
  const root = join(machine.root, 'opt', 'd3kos');
  mkdirSync(root, { recursive: true });
  writeBoat(root, { generation: 'gen3', rows, seed: 1, installationId: INSTALLATION, tier: 2 });
  const connections = join(machine.root, 'etc', 'NetworkManager', 'system-connections');
  writeFileSync(join(connections, 'boat.nmconnection'), NETWORK_PROFILE, { mode: 0o600 });
  cpSync(debianPackage, join(machine.root, DEB));
  await runHost('chroot', machine.root, 'useradd', '--create-home', 'd3kos');
  await runHost('chroot', machine.root, 'chown', '-R', 'd3kos:d3kos', '/opt/d3kos');
}

/** Enrols the boat as "Without a network" in docs/guides/enrol-a-boat.md describes, and restarts the export manager. */
export async function enrollBoat(machine: Machine, shore: Shore): Promise<void> {
  const { token } = (await shore.central('enroll', INSTALLATION, '--tier', '2')) as {
    readonly token: string;
  };
  await machine.ok(
    `printf 'CENTRAL_API_URL=${CENTRAL_URL}\\nNODE_EXTRA_CA_CERTS=/etc/central.pem\\n' >> /etc/default/d3kos-export
     install -m 0600 -o d3kos -g d3kos /dev/null /opt/d3kos/config/export-credentials.json
     echo '{"token": "${token}"}' > /opt/d3kos/config/export-credentials.json
     systemctl restart ${SERVICE}`,
  );
}

/** The numbers of exports by state. Only the legacy exporter's answer has `exporter`. */
export interface QueueCounts {
  readonly pending_count: number;
  readonly uploading_count: number;
  readonly failed_count: number;
  readonly completed_count: number;
  readonly exporter?: string;
}

export async function readQueue(machine: Machine): Promise<QueueCounts> {
  // The API tests check the keys of this answer.
  return JSON.parse(await machine.ok('curl -sf http://127.0.0.1:8094/export/queue/status')) as QueueCounts;
}

/** Returns the number of exports that wait or are being sent. */
export async function countWaiting(machine: Machine): Promise<number> {
  const { pending_count: pending, uploading_count: uploading } = await readQueue(machine);
  return pending + uploading;
}

/** Waits until the export manager runs and no export waits. */
export async function untilDelivered(machine: Machine): Promise<void> {
  await until('nothing waits', async () => {
    const { code, output } = await machine.run('curl -sf http://127.0.0.1:8094/export/queue/status');
    if (code !== 0) return false;
    const counts = JSON.parse(output) as QueueCounts;
    return counts.pending_count + counts.uploading_count === 0 && counts.exporter === undefined;
  });
}

/** Returns what a unit has written to the journal since the machine booted. Syncs the journal, because messages arrive later. */
export async function readJournal(machine: Machine, unit: string): Promise<string> {
  return machine.ok(`journalctl --sync && journalctl -b -u ${unit}`);
}

/** Creates an export and returns its queue ID. Throws if it is refused. */
export async function generate(machine: Machine): Promise<string> {
  const answer = await machine.ok('curl -sf -X POST http://127.0.0.1:8094/export/generate');
  // The API tests check the keys of this answer.
  return (JSON.parse(answer) as { readonly queue_id: string }).queue_id;
}
