import { erase } from '../retention/erase.ts';
import { prune, type PruneWorld } from '../retention/prune.ts';
import type { Command } from './arguments.ts';
import { toText } from './tables.ts';

/** Runs `prune` or `erase`. Throws the errors of `prune` and `erase`. */
export async function runRetention(
  world: PruneWorld,
  command: Extract<Command, { kind: 'prune' | 'erase' }>,
): Promise<{ readonly json: unknown; readonly text: string }> {
  if (command.kind === 'prune') {
    const removed = await prune(world, command.retention);
    return { json: { retention_days: command.retention, removed }, text: toRemovedText(removed) };
  }
  const report = await erase({ store: world.store, wallMs: world.wall() }, command.installationId);
  return {
    json: report,
    text: toText([`all data about ${report.installation_id} is erased`, toRemovedText(report.removed)]),
  };
}

function toRemovedText(removed: Readonly<Record<string, number>>): string {
  return toText(
    Object.entries(removed).map(([name, rows]) => `${name.padEnd(34)} ${String(rows).padStart(10)}`),
  );
}
