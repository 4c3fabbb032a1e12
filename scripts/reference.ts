// Writes the generated parts of docs/reference. scripts/docs.test.ts compares them with the pages.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_EVENTS } from './log-events.ts';
import { listRoutes } from '../packages/boat/src/api/contract.ts';
import { COMMIT_HISTOGRAM, METRICS } from '../packages/boat/src/http/metrics.ts';
import { listSettings } from '../packages/boat/src/settings.ts';
import { listCommands, toHelp } from '../packages/boat/src/cli/arguments.ts';

/** A generated part of a page in docs/reference, between `<!-- generated: NAME -->` and `<!-- end: NAME -->`. */
export interface GeneratedPart {
  readonly page: string;
  readonly name: string;
  readonly text: string;
}

/** All generated parts, built from the current code. */
export function listGeneratedParts(): readonly GeneratedPart[] {
  return [
    { page: 'http-api.md', name: 'routes of the boat', text: toRouteTable() },
    { page: 'configuration.md', name: 'settings of the boat', text: toSettingTable() },
    { page: 'metrics.md', name: 'metrics of the boat', text: toMetricTable() },
    { page: 'log-events.md', name: 'log lines of the boat', text: toLogTables() },
    { page: 'cli.md', name: 'help of d3kos-export', text: toCommandPages() },
  ];
}

/** Returns a page with its generated parts replaced. Throws if a part's markers are missing. */
export function replaceGenerated(page: string, { name, text }: GeneratedPart): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = `<!-- end: ${name} -->`;
  const [before, inside] = page.split(begin);
  const after = inside?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`no markers for ${name}`);
  return `${before}${begin}\n\n${text}\n\n${end}${after}`;
}

function toRouteTable(): string {
  const rows = listRoutes().map(({ method, path, summary, description, emptyWhen }) => {
    const sentences = [summary, ...(emptyWhen === undefined ? [] : [`Answers 204 if ${emptyWhen}`])].map(
      (sentence) => `${sentence}.`,
    );
    return `| \`${method} ${path}\` | ${[...sentences, ...(description === undefined ? [] : [description])].join(' ')} |`;
  });
  return ['| route | does |', '|---|---|', ...rows].join('\n');
}

function toLogTables(): string {
  return Object.entries(LOG_EVENTS)
    .map(([group, events]) => {
      const rows = events.map(
        ({ level, text, meaning }) => `| ${level} | ${text.replaceAll('{}', '…')} | ${meaning} |`,
      );
      return [`### ${group}`, '', '| level | line | meaning |', '|---|---|---|', ...rows].join('\n');
    })
    .join('\n\n');
}

function toMetricTable(): string {
  const rows = [...METRICS, COMMIT_HISTOGRAM].map(
    ({ name, type, help }) => `| \`d3kos_export_${name}\` | ${type} | ${help} |`,
  );
  return ['| metric | type | meaning |', '|---|---|---|', ...rows].join('\n');
}

function toSettingTable(): string {
  const rows = listSettings().map(({ key, variable, schema, default: value, defaultText, meaning }) => {
    const texts = Array.isArray(value)
      ? value.map((item) => `\`${item}\``).join(', ')
      : `\`${String(value)}\``;
    return [
      `\`${key}\``,
      variable === undefined ? '' : `\`${variable}\``,
      defaultText ?? (value === undefined ? 'none' : texts),
      [meaning, ...toLimits(schema)].join(' '),
    ];
  });
  return [['key in `export.json`', 'variable', 'default', 'meaning'], ['---', '---', '---', '---'], ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Returns a value's limits as a sentence, if there are any. */
function toLimits(schema: object): readonly string[] {
  // The keywords of JSON Schema.
  const { minimum, maximum, maxItems } = schema as Partial<
    Record<'minimum' | 'maximum' | 'maxItems', number>
  >;
  if (maxItems !== undefined) return [`At most ${maxItems}.`];
  if (minimum === undefined || (minimum === 0 && maximum === undefined)) return [];
  return [maximum === undefined ? `${minimum} or more.` : `${minimum} to ${maximum}.`];
}

function toCommandPages(): string {
  return listCommands()
    .map((names) => {
      const heading = names.length === 0 ? '' : `### ${names.join(' ')}\n\n`;
      return `${heading}\`\`\`\n${toHelp(names)}\n\`\`\``;
    })
    .join('\n\n');
}

if (import.meta.main)
  for (const part of listGeneratedParts()) {
    const path = join(import.meta.dirname, '..', 'docs', 'reference', part.page);
    writeFileSync(path, replaceGenerated(readFileSync(path, 'utf8'), part));
  }
