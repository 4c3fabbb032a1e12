import { Type } from 'typebox';
import type { BrowserKey } from '../collect/browser-key.ts';

/** Default and maximum number of delivered exports in one answer. */
export const HISTORY_DEFAULT = 100;
export const HISTORY_MAX = 10_000;

/** Maximum length of one localStorage value. Browsers store at most 5 Mi characters for a whole origin. */
export const BROWSER_VALUE_LENGTH_MAX = 5 * 1024 * 1024;

/** Export type for a request that specifies none. */
export const EXPORT_TYPE_DEFAULT = 'full';
/** Preview type for a request that specifies none: what the next daily export would contain. */
export const PREVIEW_TYPE_DEFAULT = 'incremental';

const CLOSED = { additionalProperties: false };
const ExportType = Type.Enum(['full', 'incremental']);

export const GenerateRequestSchema = Type.Object(
  {
    type: Type.Optional(ExportType),
    trigger: Type.Optional(Type.Enum(['manual', 'scheduled', 'boot'])),
  },
  CLOSED,
);

export const PreviewQuerySchema = Type.Object({ type: Type.Optional(ExportType) });

export const HistoryQuerySchema = Type.Object({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: HISTORY_MAX })),
});

export const CleanupRequestSchema = Type.Object(
  { completed_older_than_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })) },
  CLOSED,
);

export const BundleRequestSchema = Type.Object({ failed: Type.Optional(Type.Boolean()) }, CLOSED);

export const SettingsRequestSchema = Type.Object(
  {
    usage_telemetry: Type.Optional(
      Type.Boolean({ description: 'Whether telemetry may include usage analytics' }),
    ),
    notifications: Type.Optional(
      Type.Boolean({ description: 'Whether the owner is notified of failed and long-waiting exports' }),
    ),
  },
  { ...CLOSED, minProperties: 1 },
);

/** An enrolment code as a person types it. With `replace_id`, the boat adopts the code's installation ID. */
export const EnrollRequestSchema = Type.Object(
  { code: Type.String({ maxLength: 40 }), replace_id: Type.Optional(Type.Boolean()) },
  CLOSED,
);

const BrowserValue = Type.Optional(Type.String({ maxLength: BROWSER_VALUE_LENGTH_MAX }));
/** One property per key that the collectors read. */
const browserValues = {
  'd3kos-benchmark-tests': BrowserValue,
  'd3kos-benchmark-baseline': BrowserValue,
  'd3kos-boatlog-entries': BrowserValue,
  'd3kos-trips': BrowserValue,
  'd3kos-engine-hours': BrowserValue,
  'onboarding-config': BrowserValue,
  'd3kos-settings': BrowserValue,
  'd3kos-measurement-system': BrowserValue,
} satisfies Record<BrowserKey, typeof BrowserValue>;

/** The localStorage keys that a kiosk page may send. */
export const BROWSER_KEYS: readonly string[] = Object.keys(browserValues);

/** localStorage values by key, as a page stores them. */
export const BrowserRequestSchema = Type.Object(browserValues, CLOSED);
