import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { INSTALLATION } from './boat-in-process.ts';

const UNITS = '/etc/systemd/system';

const SERVICE = `[Unit]
Description=d3kOS Export Manager
After=network.target

[Service]
Type=simple
User=d3kos
ExecStart=/usr/bin/python3 /opt/d3kos/services/export/export-manager.py
Restart=always

[Install]
WantedBy=multi-user.target
`;
const toOneshot = (name: string, script: string, install: string): string => `[Unit]
Description=d3kOS Export ${name}
After=network-online.target d3kos-export-manager.service
Wants=network-online.target

[Service]
Type=oneshot
User=d3kos
ExecStart=/opt/d3kos/scripts/${script}
RemainAfterExit=yes

[Install]
${install}`;

/** The legacy exporter's files and links, as its deployment steps create them. */
const FILES: Readonly<Record<string, string>> = {
  [`${UNITS}/d3kos-export-manager.service`]: SERVICE,
  [`${UNITS}/d3kos-export-boot.service`]: toOneshot(
    'Boot-time Upload',
    'export-on-boot.sh',
    'WantedBy=multi-user.target\n',
  ),
  [`${UNITS}/d3kos-export-daily.service`]: toOneshot('Daily', 'export-daily.sh', ''),
  [`${UNITS}/d3kos-export-daily.timer`]: `[Unit]
Description=d3kOS Daily Export Timer
Requires=d3kos-export-daily.service

[Timer]
OnCalendar=*-*-* 03:00:00
Persistent=true

[Install]
WantedBy=timers.target
`,
  '/opt/d3kos/scripts/export-on-boot.sh': '#!/bin/sh\ncurl -s http://localhost:8094/export/queue/status\n',
  '/opt/d3kos/scripts/export-daily.sh': '#!/bin/sh\nexit 0\n',
};
const LINKS = {
  [`${UNITS}/multi-user.target.wants/d3kos-export-manager.service`]: `${UNITS}/d3kos-export-manager.service`,
  [`${UNITS}/multi-user.target.wants/d3kos-export-boot.service`]: `${UNITS}/d3kos-export-boot.service`,
  [`${UNITS}/timers.target.wants/d3kos-export-daily.timer`]: `${UNITS}/d3kos-export-daily.timer`,
};

/** Writes the legacy exporter below `root`, with two waiting exports and one that it marked as completed. */
export function stageLegacy(root: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), path.endsWith('.sh') ? 0o755 : 0o644);
  }
  const program = join(root, 'opt/d3kos/services/export/export-manager.py');
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'legacy-exporter.py'), program);
  for (const [link, target] of Object.entries(LINKS)) {
    mkdirSync(dirname(join(root, link)), { recursive: true });
    symlinkSync(target, join(root, link));
  }
  writeQueue(join(root, 'opt/d3kos/data/exports'));
}

function writeQueue(home: string): void {
  mkdirSync(join(home, 'exports'), { recursive: true });
  mkdirSync(join(home, 'failed_exports'), { recursive: true });
  const [one, two, completed] = [1, 2, 3].map((day) => {
    const stamp = `2026010${day}_030000`;
    const timestamp = `2026-01-0${day}T03:00:00Z`;
    const entries = [{ entry_id: `old-${day}`, timestamp, type: 'text', content: `Day ${day}` }];
    const document = {
      installation_id: INSTALLATION,
      export_timestamp: timestamp,
      format_version: '1.0',
      data: { boatlog: { category: 'boatlog', entry_count: 1, entries } },
    };
    const text = JSON.stringify(document, null, 2);
    writeFileSync(join(home, 'exports', `export_${stamp}.json`), text);
    return {
      queue_id: `q_${stamp}`,
      export_file: `/opt/d3kos/data/exports/exports/export_${stamp}.json`,
      created_at: timestamp,
      tier: 2,
      category_count: 9,
      file_size_bytes: text.length,
      status: day === 3 ? 'completed' : 'pending',
      retry_count: 0,
      next_retry_at: timestamp,
      last_error: null,
      ...(day === 3 ? { completed_at: timestamp } : {}),
    };
  });
  const queue = {
    version: '1.0',
    last_updated: '2026-01-03T03:00:05Z',
    pending: [one, two],
    uploading: [],
    completed: [completed],
    failed: [],
  };
  writeFileSync(join(home, 'export_queue.json'), JSON.stringify(queue, null, 2));
  writeFileSync(
    join(home, 'export_history.json'),
    JSON.stringify({ version: '1.0', exports: [completed] }, null, 2),
  );
}

/**
 * Returns the legacy exporter's files below `root` with their content and mode, and its links with their targets. Its data is not
 * included.
 */
export function legacyFiles(root: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const folder of ['etc/systemd/system', 'opt/d3kos/scripts', 'opt/d3kos/services'])
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      const path = join(root, folder, name);
      const facts = lstatSync(path);
      if (facts.isDirectory() || !/export/.test(name)) continue;
      found[`/${folder}/${name}`] = facts.isSymbolicLink()
        ? `link to ${readlinkSync(path)}`
        : `${(facts.mode & 0o7777).toString(8)} ${readFileSync(path, 'utf8')}`;
    }
  return found;
}
