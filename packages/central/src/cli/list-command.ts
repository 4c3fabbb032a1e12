import { type InstallationSummary, listInstallations } from '../fleet/installations.ts';
import { toPlainJson, toPlainLines } from '../platform/plain-text.ts';
import type { Invocation } from './arguments.ts';
import type { CommandWorld } from './command-world.ts';
import { INSTALLATIONS_HEADER, toInstallationLine } from './tables.ts';

/**
 * Runs `list`. As text, each page of the list is written before the next one is read, so the memory use does not depend on the
 * size of the fleet. As JSON, the list is written as one line, and only if it is complete. Throws the store's errors.
 */
export async function runList(
  { store, migrate, wall }: Pick<CommandWorld, 'store' | 'migrate' | 'wall'>,
  output: Invocation['output'],
  write: (text: string) => void,
): Promise<void> {
  await migrate();
  const pages = listInstallations(store, new Date(wall()).toISOString());
  if (output === 'json') {
    const installations: InstallationSummary[] = [];
    for await (const page of pages) installations.push(...page);
    write(`${toPlainJson({ installations })}\n`);
    return;
  }
  let isEmpty = true;
  for await (const page of pages) {
    const lines = page.map(toInstallationLine);
    write(`${toPlainLines([...(isEmpty ? [INSTALLATIONS_HEADER] : []), ...lines].join('\n'))}\n`);
    isEmpty = false;
  }
  if (isEmpty) write('no installation is enrolled yet\n');
}
