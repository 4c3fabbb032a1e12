// Reads the alert rules and the Grafana dashboards of deploy/monitoring, for the tests that compare them with the metrics.
import { readFileSync } from 'node:fs';

/** Words in an expression that are not metric names. */
const WORDS = new Set(
  'sum max min by rate increase histogram_quantile and or unless on label_values instance le stage code route status amount state lane job version reason category outcome time'.split(
    ' ',
  ),
);

/** The metric names in a PromQL expression: words outside of label matchers, strings and ranges. */
export function toMetricNames(expression: string): readonly string[] {
  const bare = expression.replaceAll(/"[^"]*"|\{[^}]*\}|\[[^\]]*\]/g, ' ');
  return [...bare.matchAll(/[a-zA-Z_][a-zA-Z0-9_]*/g)]
    .map(([word]) => word)
    .filter((word) => !WORDS.has(word));
}

/** The matchers `label="value"` of an expression, with the metric before them. */
export function toMatchers(
  expression: string,
): readonly { readonly metric: string; readonly label: string; readonly value: string }[] {
  return [...expression.matchAll(/([a-z0-9_]+)\{([^}]*)\}/g)].flatMap(([, metric = '', inside = '']) =>
    [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => ({ metric, label, value })),
  );
}

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

/** A PromQL expression, with the alert or panel that contains it. */
export interface NamedExpression {
  readonly name: string;
  readonly expression: string;
}

/** Reads a file of alert rules and a dashboard. `used` contains the expressions of both. */
export function loadMonitoring(
  alertsPath: string,
  dashboardPath: string,
): {
  readonly text: string;
  readonly rules: readonly NamedExpression[];
  readonly panels: readonly Panel[];
  readonly used: readonly NamedExpression[];
} {
  const text = readFileSync(alertsPath, 'utf8');
  // An expression is on the line of `expr:`, or on the more indented lines after `expr: |`.
  const rules = [...text.matchAll(/- alert: (\w+)\n {8}expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/g)].map(
    ([, name = '', block, line]) => ({ name, expression: block ?? line ?? '' }),
  );
  // The tests check the shape of these files.
  const { panels } = JSON.parse(readFileSync(dashboardPath, 'utf8')) as { readonly panels: readonly Panel[] };
  const ofPanels = panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ name: title, expression: expr })),
  );
  return { text, rules, panels, used: [...rules, ...ofPanels] };
}
