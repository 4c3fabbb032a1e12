import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, test } from 'node:test';
import { CATEGORIES, CENTRAL_ERROR_CODES } from '@d3kos/protocol';
import { toExitCode as toBoatExitCode } from '../packages/boat/src/cli/exit-codes.ts';
import { toHttpStatus } from '../packages/boat/src/api/http-status.ts';
import { listRoutes } from '../packages/boat/src/api/contract.ts';
import {
  toColumnZone,
  toEntryZone,
  type ZonedSource,
} from '../packages/boat/src/collect/policy/column-zones.ts';
import { EXPORT_ERROR_CODES } from '../packages/boat/src/platform/errors.ts';
import { toExitCode as toCentralExitCode } from '../packages/central/src/cli/exit-code.ts';
import { toHelpText as toCentralHelp } from '../packages/central/src/cli/help.ts';
import { REFUSALS } from '../packages/central/src/api/refusals.ts';
import { CENTRAL_FAILURE_CODES } from '../packages/central/src/platform/errors.ts';
import { listGeneratedParts, replaceGenerated } from './reference.ts';
import { findPageFaults, listPages, toAnchors, toCells, toSection } from './docs.ts';

const root = join(import.meta.dirname, '..');
const reference = (name: string): string => readFileSync(join(root, 'docs', 'reference', name), 'utf8');

/** Returns the code headings of a section, each with the line of facts below it. */
function toCodes(section: string): readonly string[] {
  return [...section.matchAll(/^### ([A-Z_]+)\n\*([^*]+)\.\*/gm)].map((match) => `${match[1]}: ${match[2]}`);
}

/** Returns the strings in backquotes. */
function toQuoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

/** Fails if an item exists only on the page or only in the code. */
function assertSame(page: Iterable<string>, code: Iterable<string>): void {
  assert.deepEqual([...page].toSorted(), [...code].toSorted());
}

describe('errors.md', () => {
  const page = reference('errors.md');

  test('lists exactly the codes of the export manager, with their HTTP status and exit code', () => {
    const section = toSection(page, "The boat's export manager");
    assertSame(
      toCodes(section),
      EXPORT_ERROR_CODES.map((code) => `${code}: HTTP ${toHttpStatus(code)} · exit ${toBoatExitCode(code)}`),
    );
  });

  test("lists exactly the failures of central's program, with their exit codes", () => {
    const section = toSection(page, "Central's program");
    assertSame(
      toCodes(section),
      CENTRAL_FAILURE_CODES.map((code) => `${code}: Exit ${toCentralExitCode(code)}`),
    );
  });

  test('lists exactly the codes on the wire, with their HTTP status', () => {
    const section = toSection(page, 'On the wire');
    assertSame(
      toCodes(section).map((line) => line.replace(/ · .*/, '')),
      CENTRAL_ERROR_CODES.map((code) => `${code}: HTTP ${REFUSALS[code].status}`),
    );
  });

  test('has a paragraph for every code', () => {
    for (const block of page.split(/^### /m).slice(1)) assert.ok(block.length > 80, block);
  });
});

describe('http-api.md', () => {
  const page = reference('http-api.md');
  const routesOf = (heading: string): readonly string[] =>
    toCells(toSection(page, heading)).flatMap(
      ([route = '']) => /^`((?:GET|POST|DELETE) [^`]+)`$/.exec(route)?.[1] ?? [],
    );

  test("lists exactly the routes of the boat's API", () => {
    assertSame(
      routesOf('The boat, 127.0.0.1:8094'),
      listRoutes().map(({ method, path }) => `${method} ${path}`),
    );
  });
});

describe('the generated parts of the reference', () => {
  for (const part of listGeneratedParts())
    test(`${part.page}: ${part.name} agrees with the code (scripts/reference.ts updates it)`, () => {
      const page = reference(part.page);
      assert.equal(page, replaceGenerated(page, part));
    });
});

describe('cli.md', () => {
  test("quotes the help of central's program word for word", () => {
    const blocks = [...reference('cli.md').matchAll(/^```\n([\s\S]*?)^```$/gm)].map((match) =>
      match[1]?.trim(),
    );
    assert.ok(blocks.includes(toCentralHelp(undefined).trim()));
  });

  test('lists every script of package.json and names only existing scripts', () => {
    // package.json declares its scripts as strings.
    const { scripts } = readJson('package.json') as { readonly scripts: Record<string, string> };
    const named = toCells(toSection(reference('cli.md'), 'In the checkout')).flatMap(
      ([command = '']) => /^`npm (?:run )?([a-z:-]+)/.exec(command)?.[1] ?? [],
    );
    const there = Object.entries(scripts).filter(([, command]) => {
      const file = /(?:scripts|packages|bench)\/[a-z/-]+\.(?:ts|mjs)$/.exec(command)?.[0];
      return file === undefined || existsSync(join(root, file));
    });
    assertSame(
      named,
      there.map(([name]) => name),
    );
  });
});

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

describe('dependencies.md', () => {
  type Manifest = Partial<Record<string, Readonly<Record<string, string>>>>;
  const lock = readJson('package-lock.json') as {
    readonly packages: Readonly<Record<string, { readonly version?: string; readonly license?: string }>>;
  };

  test('lists exactly the dependencies of all packages, with version, licence and use', () => {
    const places = new Map<string, Set<string>>();
    const manifests = globSync(['package.json', 'packages/*/package.json'], { cwd: root });
    assert.ok(manifests.length > 5);
    for (const path of manifests) {
      const place = path === 'package.json' ? 'root' : (dirname(path).split('/').at(-1) ?? '');
      // A manifest maps names to versions.
      const manifest = readJson(path) as Manifest;
      for (const field of ['dependencies', 'devDependencies', 'optionalDependencies'])
        for (const [name, version] of Object.entries(manifest[field] ?? {})) {
          if (name.startsWith('@d3kos/')) continue;
          const locked = lock.packages[`node_modules/${name}`];
          assert.equal(locked?.version, version, `${name} has the version of the lock file`);
          const key = `${name} ${version} ${locked.license}`;
          const isTest = field === 'devDependencies' && place !== 'root';
          places.set(key, (places.get(key) ?? new Set()).add(isTest ? `${place} (tests)` : place));
        }
    }
    const rows = toCells(reference('dependencies.md')).filter(([name]) => name?.startsWith('`'));
    assertSame(
      rows.map(
        ([name = '', version, licence, at]) => `${name.replaceAll('`', '')} ${version} ${licence}: ${at}`,
      ),
      [...places].map(([key, at]) => `${key}: ${[...at].toSorted().join(', ')}`),
    );
    for (const [name, , , , role] of rows) assert.ok((role ?? '').length > 3, `${name} has a role`);
  });
});

describe('architecture.md', () => {
  test('lists exactly the modules of the boat and central', () => {
    const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
    for (const [program, heading] of [
      ['boat', 'Modules of the boat'],
      ['central', 'Modules of central'],
    ] as const) {
      const source = join(root, 'packages', program, 'src');
      const files = globSync('*/**/*.ts', { cwd: source });
      const modules = new Set(
        files.flatMap((file) => file.split('/')[0] ?? []).filter((name) => name !== 'testing'),
      );
      assert.ok(modules.size > 5);
      const named = toCells(toSection(page, heading)).flatMap(
        ([name = '']) => /^`([a-z-]+)\/`$/.exec(name)?.[1] ?? [],
      );
      assertSame(named, modules);
    }
  });

  test('names for each rule the files that decide it, and only names that these files define', () => {
    const section = toSection(
      readFileSync(join(root, 'docs', 'architecture.md'), 'utf8'),
      'Where each rule is decided',
    );
    const [, boat = '', central = ''] = section.split(/^### /m);
    for (const [program, table] of [
      ['boat', boat],
      ['central', central],
    ] as const) {
      const [, ...rows] = toCells(table);
      assert.ok(rows.length > 10, program);
      for (const [rule = '', files = '', names = ''] of rows) {
        const code = toQuoted(files)
          .map((file) => readFileSync(join(root, 'packages', program, 'src', file), 'utf8'))
          .join('\n');
        assert.ok(toQuoted(names).length > 0, rule);
        for (const name of toQuoted(names))
          assert.match(
            code,
            new RegExp(`(?:function\\*?|const) ${name}\\b|^ +${name}\\(`, 'm'),
            `${rule}: ${name}`,
          );
      }
    }
  });

  test('names only source files that exist', () => {
    const page = readFileSync(join(root, 'docs', 'architecture.md'), 'utf8');
    const named = [...page.matchAll(/`((?:[a-z-]+\/)?[a-z-]+\.ts)`/g)].map(([, file = '']) => file);
    assert.ok(named.length > 10);
    const gone = named.filter(
      (file) =>
        file !== 'policy.ts' &&
        file !== 'verdict.ts' &&
        !['boat', 'central'].some((program) => existsSync(join(root, 'packages', program, 'src', file))),
    );
    assert.deepEqual(gone, []);
  });
});

test('sources.md and the collectors agree on the zone of each column with local times', () => {
  const page = readFileSync(join(root, 'docs', 'spec', 'sources.md'), 'utf8');
  const section = page.split(/^### /m).find((text) => text.startsWith('Time zones\n')) ?? '';
  const compared: string[] = [];
  for (const [sources = '', columns = '', meaning] of toCells(section))
    for (const column of ['timestamp', 'created_at'].filter((name) => columns.includes(`\`${name}\``)))
      for (const source of toZonedSources(sources)) {
        const types =
          column === 'timestamp' ? toQuoted(columns.split('of the types')[1] ?? '`auto`') : ['voice'];
        for (const type of types) {
          const zone = toEntryZone(toColumnZone(source, column), type);
          assert.equal(
            zone === 'utc' ? 'UTC' : 'local time',
            meaning,
            `${source}.${column} of the type ${type}`,
          );
          compared.push(`${source}.${column}`);
        }
      }
  assert.deepEqual(
    new Set(compared),
    new Set(
      ZONED_SOURCES.flatMap((source) =>
        source === 'browser_entries'
          ? [`${source}.timestamp`]
          : [`${source}.timestamp`, `${source}.created_at`],
      ),
    ),
  );
});

const ZONED_SOURCES = [
  'captures',
  'issues',
  'boatlog_entries',
  'browser_entries',
] as const satisfies readonly ZonedSource[];

/** Returns the sources in the first cell of a row of "Time zones". */
function toZonedSources(cell: string): readonly ZonedSource[] {
  if (cell === "the browser's entries") return ['browser_entries'];
  return ZONED_SOURCES.filter((source) => toQuoted(cell).includes(source));
}

test('README.md names the nine categories in export order', () => {
  const page = readFileSync(join(root, 'README.md'), 'utf8');
  const named = toCells(page).flatMap(([name = '']) => /^`([a-z_]+)`$/.exec(name)?.[1] ?? []);
  assert.deepEqual(named, [...CATEGORIES]);
});

describe('security.md', () => {
  test('names an existing test for each attack that has been tried', () => {
    const [, ...rows] = toCells(toSection(reference('security.md'), 'Attacks that have been tried'));
    assert.ok(rows.length > 40);
    for (const [attack = '', file = '', name = ''] of rows) {
      const text = readFileSync(join(root, file.replaceAll('`', '')), 'utf8');
      assert.ok(name !== '' && text.includes(name), `${attack}: ${file} has no test "${name}"`);
    }
  });
});

describe('every page', () => {
  const pages = listPages(root);
  const anchors = new Map(pages.map((page) => [page, toAnchors(readFileSync(join(root, page), 'utf8'))]));

  test('is found by the search for pages', () => {
    assert.ok(pages.includes('README.md') && pages.length > 10, pages.join(' '));
  });

  for (const page of pages)
    test(`${page}: every link resolves, and no machine path or registry host occurs`, () => {
      const text = readFileSync(join(root, page), 'utf8');
      const faults = findPageFaults(text, (target) => {
        const path = relative(root, join(root, dirname(page), target.path));
        const file = target.path === '' ? page : path;
        if (!existsSync(join(root, file))) return false;
        return target.anchor === undefined || (anchors.get(file)?.has(target.anchor) ?? false);
      });
      assert.deepEqual(faults, []);
    });

  test('names only files that exist in the repository', () => {
    for (const page of pages)
      for (const [, file = ''] of readFileSync(join(root, page), 'utf8').matchAll(
        /`((?:packages|tests|scripts|bench|deploy)\/[\w./-]+\.\w+)`/g,
      ))
        assert.ok(file.includes('000N') || existsSync(join(root, file)), `${page} names ${file}`);
  });

  test('is reported for a dead link, a dead anchor, a machine path, and a registry host', () => {
    const text =
      '[a](gone.md) [b](#gone) [c](docs/) ![d](gone.svg)\nsee /work/x, /root/y and /home/jo/z; registry.example.org\n[e](https://example.org)';
    assert.deepEqual(
      findPageFaults(text, ({ path }) => path === 'docs/'),
      [
        'dead link gone.md',
        'dead link #gone',
        'dead link gone.svg',
        'names /work/x',
        'names /root/y',
        'names /home/jo/z',
        'names registry.example.org',
      ],
    );
  });

  test('is linked from the list of decisions or from the README', () => {
    const decisions = readFileSync(join(root, 'docs', 'decisions', 'README.md'), 'utf8');
    for (const page of pages.filter((name) => /^docs\/decisions\/\d/.test(name))) {
      const text = readFileSync(join(root, page), 'utf8');
      assert.ok(decisions.includes(`(${page.slice('docs/decisions/'.length)})`), `${page} is listed`);
      for (const heading of ['Context', 'Decision', 'Good consequences', 'Bad consequences'])
        assert.match(text, new RegExp(`^## ${heading}$`, 'm'), `${page} has ${heading}`);
    }
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    for (const page of pages.filter((name) =>
      /^docs\/(reference|guides|spec)\/|^docs\/[a-z]+\.md$/.test(name),
    ))
      assert.ok(readme.includes(`(${page})`), `README.md leads to ${page}`);
  });
});
