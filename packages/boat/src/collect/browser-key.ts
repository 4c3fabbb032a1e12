/**
 * The localStorage keys that collectors read and that a kiosk page may send (docs/spec/sources.md, "Browser data"). The API
 * rejects other keys.
 */
export type BrowserKey =
  | 'd3kos-benchmark-tests'
  | 'd3kos-benchmark-baseline'
  | 'd3kos-boatlog-entries'
  | 'd3kos-trips'
  | 'd3kos-engine-hours'
  | 'onboarding-config'
  | 'd3kos-settings'
  | 'd3kos-measurement-system';
