import { boatlogCollector } from './boatlog.ts';
import type { Collector } from './collector.ts';
import { engineBenchmarkCollector } from './engine-benchmark.ts';
import { marineVisionCapturesCollector } from './marine-vision-captures.ts';
import { marineVisionSnapshotsCollector } from './marine-vision-snapshots.ts';
import { onboardingCollector } from './onboarding.ts';
import { qrCodesCollector } from './qr-codes.ts';
import { settingsCollector } from './settings.ts';
import { systemAlertsCollector } from './system-alerts.ts';
import { telemetryCollector } from './telemetry.ts';
import { withSourceFailures } from './with-source-failures.ts';

/**
 * Creates one collector per category, in the order of `CATEGORIES`. A source that the disk cannot read fails only its own
 * category.
 */
export function createCollectors(): readonly Collector[] {
  return [
    engineBenchmarkCollector,
    boatlogCollector,
    marineVisionCapturesCollector,
    marineVisionSnapshotsCollector,
    qrCodesCollector,
    settingsCollector,
    systemAlertsCollector,
    onboardingCollector,
    telemetryCollector,
  ].map(withSourceFailures);
}
