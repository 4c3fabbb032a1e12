import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';

/** A rule that the page breaks, as axe reports it. */
interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}
declare const axe: { run(): Promise<{ readonly violations: readonly Violation[] }> };

/** The axe script, which runs in the page. */
export const AXE_SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** Returns the rules that the page breaks, each with the first offending element. */
export async function findViolations(page: Page): Promise<readonly string[]> {
  const violations = await page.evaluate(async () => {
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary ?? ''}`);
  });
  return violations;
}
