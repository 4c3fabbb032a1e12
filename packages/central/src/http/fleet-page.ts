import { html, raw } from 'hono/html';
import type { InstallationSummary } from '../fleet/installations.ts';

/** The content security policy. The browser may load only the page with its inline style, and the page has no script. */
export const FLEET_PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Columns of the table: heading, and whether the cells are numbers. */
const COLUMNS = [
  ['Installation', false],
  ['State', false],
  ['Tier', false],
  ['Last heard', false],
  ['Last export (claimed)', false],
  ['Software', false],
  ['Documents', true],
  ['Records received', true],
  ['Rejected', true],
  ['MB on the wire', true],
] as const;

const STYLE = `
:root {
  color-scheme: light dark;
  font-family: system-ui, sans-serif;
}
body {
  margin: 1.5rem;
}
table {
  border-collapse: collapse;
}
th,
td {
  border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  padding: 0.35rem 0.75rem;
  text-align: left;
}
td.number,
th.number {
  text-align: right;
  font-variant-numeric: tabular-nums;
}
code {
  font-size: 0.95em;
}
`;

/** Returns the operator's list of installations as one page without scripts. Everything a boat sent is escaped. */
export async function renderFleetPage(
  installations: readonly InstallationSummary[],
  nowIso: string,
): Promise<string> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>d3kOS central – fleet</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>Fleet</h1>
          <p>
            ${installations.length} ${installations.length === 1 ? 'installation' : 'installations'}, as of
            ${nowIso}. Times are this server's; “claimed” is what the boat reports.
          </p>
          ${renderTable(installations)}
        </main>
      </body>
    </html> `;
  return String(await page);
}

function renderTable(installations: readonly InstallationSummary[]) {
  if (installations.length === 0)
    return html`<p>No installation is enrolled yet: <code>d3kos-central enroll INSTALLATION_ID</code></p>`;
  return html`<table>
    <thead>
      <tr>
        ${COLUMNS.map(([name, isNumber]) => html`<th scope="col" class="${isNumber ? 'number' : 'text'}">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${installations.map(renderRow)}
    </tbody>
  </table>`;
}

function renderRow(boat: InstallationSummary) {
  return html`<tr>
    <th scope="row"><code>${boat.installation_id}</code></th>
    <td>${toState(boat)}</td>
    <td>${toTier(boat)}</td>
    <td>${boat.last_heard_at ?? 'never'}</td>
    <td>${boat.last_export_timestamp ?? '–'}</td>
    <td>${boat.software_version ?? '–'}</td>
    <td class="number">${boat.documents}</td>
    <td class="number">${boat.records}</td>
    <td class="number">${boat.rejected}</td>
    <td class="number">${(boat.wire_bytes / 1_000_000).toFixed(2)}</td>
  </tr> `;
}

function toState(boat: InstallationSummary): string {
  if (boat.disabled) return 'disabled';
  if (boat.concurrent_ledgers > 0) return `warning: ${boat.concurrent_ledgers} machines use this ID`;
  if (boat.live_tokens === 0 && !boat.id_as_token) return 'revoked';
  return boat.id_as_token ? 'enrolled, id accepted as token' : 'enrolled';
}

function toTier(boat: InstallationSummary): string {
  if (boat.tier !== null) return String(boat.tier);
  return boat.claimed_tier === null ? 'unknown' : `${boat.claimed_tier} (claimed)`;
}
