import type { CollectContext } from './collector.ts';
import { parseLenientJson } from './source-file.ts';

/** The localStorage keys a kiosk page may hand over (spec: sources, Browser data). No other is taken. */
export const BROWSER_KEYS = [
  'd3kos-benchmark-tests',
  'd3kos-benchmark-baseline',
  'd3kos-boatlog-entries',
  'd3kos-trips',
  'd3kos-engine-hours',
  'onboarding-config',
  'd3kos-settings',
  'd3kos-measurement-system',
] as const;
export type BrowserKey = (typeof BROWSER_KEYS)[number];

/** The JSON value a page handed over under `key`; undefined where none did, or where it is no JSON. */
export function readBrowserJson(context: CollectContext, key: BrowserKey): unknown {
  const text = context.browserDocument?.(key);
  return text === undefined ? undefined : parseLenientJson(text);
}
