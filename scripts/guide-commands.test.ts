import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The first words of a line that is a command. Other lines of a block are output, comments or parts of a command. */
const COMMAND = /^(?:sudo|npm|npx|curl|echo|export|journalctl|systemctl|d3kos-\w+|[A-Z][A-Z0-9_]+=\S+) /;

/** A command in the guides, the test that runs it, and the code in that test that runs it. */
const RUN: readonly (readonly [command: RegExp, test: string, words: string])[] = [
  [/apt install \.\/d3kos-export_/, 'tests/booted-system.long.test.ts', 'dpkg -i ${DEB}'],
  [/apt install \.\/d3kos-central_/, 'tests/booted-central.long.test.ts', 'apt-get install -y d3kos-central'],
  [/CENTRAL_API_URL=.*tee -a/, 'tests/support/booted-boat.ts', '>> /etc/default/d3kos-export'],
  [
    /tee -a \/etc\/default\/d3kos-central/,
    'tests/booted-central.long.test.ts',
    'tee -a /etc/default/d3kos-central',
  ],
  [
    /^CENTRAL_OPERATOR_TOKEN=/,
    'tests/booted-central.long.test.ts',
    'CENTRAL_OPERATOR_TOKEN=$(openssl rand -hex 24)',
  ],
  [
    /invite 0123456789abcdef --tier 2/,
    'tests/booted-central.long.test.ts',
    'invite ${INSTALLATION} --tier 2',
  ],
  [
    /d3kos-export enroll (?:CODE|7KQ2M-4XB9C)/,
    'tests/booted-central.long.test.ts',
    "boat('enroll', String(code))",
  ],
  [/d3kos-export enroll .* --replace-id/, 'tests/enroll.test.ts', "enroll(code, '--replace-id')"],
  [
    /d3kos-central enroll 0123456789abcdef --tier 2/,
    'tests/support/booted-boat.ts',
    "'enroll', INSTALLATION, '--tier', '2'",
  ],
  [/d3kos-central tokens/, 'packages/central/src/main.test.ts', "'tokens', ID"],
  [/d3kos-central revoke .* --token/, 'packages/central/src/main.test.ts', "'revoke', ID, '--token'"],
  [/d3kos-export queue list/, 'tests/booted-system.long.test.ts', 'd3kos-export queue list'],
  [/d3kos-export history/, 'tests/booted-system.long.test.ts', 'd3kos-export history'],
  [
    /d3kos-export queue (?:cancel|retry)/,
    'tests/booted-system.long.test.ts',
    'd3kos-export queue cancel ${id} && d3kos-export queue retry ${id}',
  ],
  [
    /systemctl start d3kos-export-daily/,
    'tests/booted-system.long.test.ts',
    'systemctl start d3kos-export-daily.service',
  ],
  [
    /d3kos-export doctor/,
    'tests/booted-system.long.test.ts',
    'd3kos-export doctor && sudo -u d3kos d3kos-export doctor --repair',
  ],
  [
    /^journalctl -u d3kos-export-boot/,
    'tests/booted-system.long.test.ts',
    'journalctl -u d3kos-export-boot.service -u d3kos-export-daily.service',
  ],
  [/sudo d3kos-export config/, 'tests/booted-system.long.test.ts', 'sudo d3kos-export config'],
  [
    /systemctl restart d3kos-export-manager/,
    'tests/booted-system.long.test.ts',
    'sudo systemctl restart d3kos-export-manager.service',
  ],
  [/d3kos-export restore(?: --write)?$/, 'tests/restore-settings.test.ts', "['restore', '--json', ...args]"],
  [/localhost:8094\/metrics/, 'tests/booted-system.long.test.ts', 'http://localhost:8094/metrics'],
  [/support-bundle --write/, 'tests/booted-system.long.test.ts', 'support-bundle --write support.json'],
  [/d3kos-export status/, 'tests/booted-central.long.test.ts', 'startFleetBoat'],
  [/localhost:8094\/export\/status/, 'tests/booted-system.long.test.ts', '/export/status'],
  [/^journalctl -u d3kos-export-manager/, 'tests/support/booted-boat.ts', 'journalctl -b -u ${unit}'],
  [/list-timers/, 'tests/booted-system.long.test.ts', 'systemctl list-timers'],
  [/preview --incremental/, 'packages/boat/src/cli/arguments.test.ts', '--incremental'],
  [
    /systemctl (?:stop|start|restart) d3kos-central/,
    'tests/booted-central.long.test.ts',
    'systemctl stop ${SERVICE}',
  ],
  [/api\/v1\/health/, 'tests/booted-system.long.test.ts', '/api/v1/health'],
  [/account add anna --role admin/, 'tests/booted-central.long.test.ts', 'account add anna --role admin'],
  [/import-bundle /, 'tests/offline-bundle.test.ts', 'import-bundle'],
  [/bundle-key .* --accept/, 'tests/offline-bundle.test.ts', '--accept'],
  [
    /tar -C \/var\/lib\/d3kos-central -caf/,
    'tests/booted-central.long.test.ts',
    'tar -C /var/lib/d3kos-central -caf',
  ],
  [
    /tar -C \/var\/lib\/d3kos-central -xaf/,
    'tests/booted-central.long.test.ts',
    'tar -C /var/lib/d3kos-central -xaf',
  ],
  [
    /mv \/var\/lib\/d3kos-central\/data/,
    'tests/booted-central.long.test.ts',
    'mv /var/lib/d3kos-central/data',
  ],
  [/d3kos-export rollback/, 'tests/booted-system.long.test.ts', "'d3kos-export rollback'"],
  [/apt remove d3kos-export/, 'tests/booted-system.long.test.ts', 'dpkg -r d3kos-export'],
  [/apt purge d3kos-export/, 'tests/booted-system.long.test.ts', 'dpkg -P d3kos-export'],
  [/d3kos-export bundle \/media\/usb/, 'tests/booted-system.long.test.ts', 'd3kos-export bundle /media/usb'],
  [/d3kos-central migrate$/, 'packages/central/src/store/migrate.test.ts', 'migrate'],
  [/D3KOS_KILL_SEED=/, 'tests/support/crash-test.ts', 'D3KOS_KILL_SEED'],
  [/d3kos-export (?:serve|generate --incremental)/, 'tests/booted-central.long.test.ts', "boat('generate')"],
  [/d3kos-central serve/, 'tests/support/booted-shore.ts', "'serve'"],
];

/** Commands that no test runs, and the reason. */
const NOT_RUN: readonly (readonly [command: RegExp, reason: string])[] = [
  [
    /^sudo -u postgres /,
    'the booted system has no separate PostgreSQL; central runs with these privileges in pg-store.test.ts',
  ],
  [
    /enable --now d3kos-central@8096/,
    'a second node needs a separate PostgreSQL; failover.long.test.ts runs several nodes',
  ],
  [/^npm run boat-lab\b/, 'they are themselves tests, which take hours'],
  [/^npm run sim -- /, 'the tests call the functions that the command calls'],
  [/^export D3KOS_ROOT=/, 'sets variables for the commands that follow'],
  [/^npm (?:start|test)\b/, 'the tests themselves, and a demonstration of both programs'],
];

const pages = ['README.md', ...globSync('docs/guides/*.md', { cwd: root })];
const commands = pages.flatMap((page) =>
  // A block in a numbered list is indented.
  [...read(page).matchAll(/^ *```\w*\n([^]*?)^ *```$/gm)].flatMap(([, block = '']) =>
    block
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => COMMAND.test(`${line} `)),
  ),
);

test('every command in the guides is run by a test, or has a reason why no test runs it', () => {
  assert.ok(commands.length > 40, `${commands.length} commands`);
  const patterns = [...RUN, ...NOT_RUN].map(([pattern]) => pattern);
  assert.deepEqual(
    commands.filter((command) => !patterns.some((pattern) => pattern.test(command))),
    [],
  );
});

test('every listed command is in a guide', () => {
  for (const [pattern] of [...RUN, ...NOT_RUN])
    assert.ok(
      commands.some((command) => pattern.test(command)),
      String(pattern),
    );
});

test('the named tests contain the commands', () => {
  for (const [pattern, path, words] of RUN)
    assert.ok(read(path).includes(words), `${String(pattern)}: ${path}`);
});
