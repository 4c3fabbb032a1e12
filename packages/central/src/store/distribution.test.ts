import { strict as assert } from 'node:assert';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseEnrolmentCode } from '@d3kos/protocol';
import { ROUTE_LIST } from '../api/contract.ts';
import { parseArguments } from '../cli/arguments.ts';
import type { CommandWorld } from '../cli/command-world.ts';
import { runCommand, type StoreCommand } from '../cli/commands.ts';
import { runList } from '../cli/list-command.ts';
import { runChecks } from '../conformance/run-checks.ts';
import { loadPositions } from '../fleet/positions.ts';
import { redeem } from '../installations/codes.ts';
import { CentralFailure } from '../platform/errors.ts';
import { openNewDirectory } from '../platform/new-directory.ts';
import type { Queryable, Store } from '../platform/ports.ts';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { systemRandomHex } from '../platform/world.ts';
import { createNode, enrollBoat, NOON_MS, OPERATOR_TOKEN } from '../testing/central-under-test.ts';
import { distribute } from './distribute.ts';
import { migrate } from './migrate.ts';

const SOURCE = join(import.meta.dirname, '..');

/** Tables that belong to no installation. A distributed database copies them to every node, or keeps them on one. */
const REFERENCE_TABLES: Readonly<Record<string, string>> = {
  schema_migrations: "the schema's state, which belongs to no installation",
  fleet_totals: 'one row about the whole fleet',
  fleet_snapshots: 'one row for each kind of figures about the whole fleet',
  fleet_cells: 'the map grid of the whole fleet',
  fleet_hours:
    'hourly counts in shards, which an import writes in its transaction; a distributed database would have to write them afterwards',
  login_failures: 'operators are not installations',
  operator_sessions: 'operators are not installations',
  operators: 'operators are not installations',
};

/** Statements without the distribution key, each with a reason why it may run on every shard. */
const FLEET_STATEMENTS: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  {
    pattern: /from device_tokens .*where t?\.?token_sha256 = /s,
    reason:
      "a token is known only by its digest; the lookup uses every shard's index, and the import then names its installation",
  },
  { pattern: /from enrolment_codes/, reason: 'a code is known only by its digest, and is redeemed once' },
  {
    pattern:
      /from installations i?\b.*order by|from installations( i)?\s*$|from installations where position_/s,
    reason: 'the list and the totals of the fleet are for the operator',
  },
  {
    pattern: /select 1 from installations limit/,
    reason: "checks for an operator's request whether the fleet is large enough for cached figures",
  },
  { pattern: /insert into fleet_cells/, reason: "the map's grid is computed at most once a minute" },
  { pattern: /from boat_names n/, reason: "an operator's search runs on every shard" },
  { pattern: /update fleet_totals/, reason: 'the totals are computed at most once a minute' },
];

/** Modules whose statements this test does not run, each with a reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'operators/accounts.ts': 'only reference tables',
  'operators/login.ts': 'only reference tables',
  'operators/sessions.ts': 'only reference tables',
  'store/migrate.ts': 'changes the schema, and runs once per version',
  'store/distribute.ts': 'reads the catalog, and places the tables once for each version',
};

interface Captured {
  readonly text: string;
  readonly file: string;
}

/** Returns a store that records each statement with the source file that issued it. */
function toRecording(store: Store, captured: Captured[]): Store {
  const wrap = (queryable: Queryable): Queryable => ({
    query(text, params) {
      captured.push({ text, file: toCaller() });
      return queryable.query(text, params);
    },
    script: (text) => queryable.script(text),
  });
  return {
    ...store,
    ...wrap(store),
    transaction: (work) => store.transaction((tx) => work(wrap(tx))),
  };
}

/** Returns the first source file in the stack that is neither this test nor the statement builder. */
function toCaller(): string {
  const paths = [...(new Error('stack').stack ?? '').matchAll(/file:\/\/([^:]+):/g)].map(([, path = '']) =>
    relative(SOURCE, path),
  );
  return paths.find((path) => !path.includes('test') && path !== 'store/database.ts') ?? '';
}

/** Returns the tables of the manifest whose primary key begins with the installation. */
function listDistributed(): ReadonlySet<string> {
  const manifest = readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8');
  return new Set(
    [...manifest.matchAll(/create table (\w+) \(([\s\S]*?)\n\);/g)]
      .filter(([, , columns = '']) => /PRIMARY KEY \(installation_id\b/.test(columns))
      .map(([, name = '']) => name),
  );
}

/** True if each distributed table of a statement, and of each part of a `with` clause, is restricted to an installation. */
function isRouted(text: string, distributed: ReadonlySet<string>): boolean {
  return text.split(/\n\), \w+ as \(/).every((part) => isPartRouted(part, distributed));
}

function isPartRouted(text: string, distributed: ReadonlySet<string>): boolean {
  const tables = [...text.matchAll(/\b(?:from|join|into|update) (?:only )?"?(\w+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => distributed.has(name));
  if (tables.length === 0) return true;
  const named = text.match(/installation_id/g)?.length ?? 0;
  const isRestricted =
    /installation_id"? (?:= \$|= any ?\(\$)|\$1::text as installation_id/.test(text) ||
    /insert into "?\w+"?(?: as \w+)?\s*\("?installation_id/.test(text);
  return isRestricted && named >= new Set(tables).size;
}

const LINES = [
  'list',
  'show ID',
  'tokens ID',
  'quota ID --records 100000',
  'audit',
  'audit --installation ID',
  'bundle-key ID',
  'invite ID',
  'revoke ID --disable',
  'enable ID',
  'revoke ID',
  'export ID FOLDER',
  'prune',
  'erase ID --confirm ID',
];

describe("the program's statements", () => {
  let opened: StoreUnderTest | undefined;
  let folder = '';
  const captured: Captured[] = [];
  const distributed = listDistributed();
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'central-statements-'));
    opened = await openEmbedded();
    await migrate(opened.store, NOON_MS);
    const store = toRecording(opened.store, captured);
    const { id, token } = await enrollBoat(store);
    const app = createNode(store);
    const send = (request: Request) => app.fetch(request);
    const results = await runChecks(
      { base: 'http://central.test', installationId: id, token, send, randomHex: systemRandomHex },
      () => undefined,
    );
    assert.deepEqual(
      results.filter(({ kind }) => kind === 'failed'),
      [],
    );
    const headers = { Authorization: `Bearer ${OPERATOR_TOKEN}` };
    for (const { method, path, parameters } of ROUTE_LIST) {
      if (method !== 'GET') continue;
      const needs = (parameter: string): boolean => parameters.some(({ name }) => name === parameter);
      const query = new URLSearchParams({
        ...(needs('installation_id') ? { installation_id: id } : {}),
        ...(needs('search') ? { search: 'sea' } : {}),
        ...(needs('west') ? { west: '-180', south: '-90', east: '180', north: '90', cell: '10' } : {}),
      });
      await send(
        new Request(`http://central.test${path.replace(/\{\w+\}/, id)}?${query.toString()}`, { headers }),
      );
    }
    // A fleet that is too large for live figures.
    const window = { west: -180, south: -90, east: 180, north: 90, cell: 10 };
    await loadPositions(store, window, new Date(NOON_MS).toISOString(), { liveBoatsMax: 0 });
    const world = toWorld(store);
    for (const line of LINES) {
      const words = line.replaceAll('ID', id).replace('FOLDER', join(folder, 'boat')).split(' ');
      const { command } = parseArguments(words);
      if (command.kind === 'list') {
        await runList(world, 'text', () => undefined);
        continue;
      }
      // None of the lines is `serve`, `help` or `conformance`.
      const { json } = await runCommand(world, command as StoreCommand);
      if (line.startsWith('invite')) await redeemCode(store, json);
    }
  });
  after(async () => {
    await opened?.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('restrict every distributed table to an installation, except those listed with a reason', () => {
    assert.ok(captured.length > 200);
    const broken = captured.filter(
      ({ text }) =>
        !isRouted(text, distributed) && !FLEET_STATEMENTS.some(({ pattern }) => pattern.test(text)),
    );
    assert.deepEqual([...new Set(broken.map(({ file, text }) => `${file}: ${text}`))], []);
  });

  test('come from every module that has statements', () => {
    const files = globSync('**/*.ts', { cwd: SOURCE })
      .filter((file) => !/test|testing|^platform\//.test(file) && file !== 'store/database.ts')
      .filter((file) =>
        /\b(?:store|tx|queryable)\.query\(|runStatement\(/.test(readFileSync(join(SOURCE, file), 'utf8')),
      );
    assert.ok(files.length > 20);
    const seen = new Set(captured.map(({ file }) => file));
    const missing = files.filter((file) => !seen.has(file) && NOT_RUN[file] === undefined);
    assert.deepEqual(missing, [], 'modules whose statements were not captured');
  });

  test('have no unneeded exceptions', () => {
    for (const { pattern } of FLEET_STATEMENTS)
      assert.ok(
        captured.some(({ text }) => pattern.test(text) && !isRouted(text, distributed)),
        String(pattern),
      );
  });
});

describe('the tables', () => {
  const manifest = readFileSync(join(import.meta.dirname, 'schema.sql'), 'utf8');
  const tables = [...manifest.matchAll(/create table (\w+) \(([\s\S]*?)\n\);/g)];

  test('have a primary key that begins with the installation, except reference tables', () => {
    assert.ok(tables.length > 20);
    const distributed = listDistributed();
    for (const [, name = ''] of tables)
      assert.ok(
        distributed.has(name) !== name in REFERENCE_TABLES,
        `${name} is either distributed or a reference table`,
      );
  });

  test('have no unique constraint without the installation, and no foreign key', () => {
    for (const [, name = '', columns = ''] of tables) {
      if (name in REFERENCE_TABLES) continue;
      assert.doesNotMatch(columns, /FOREIGN KEY/, name);
      for (const [constraint] of columns.matchAll(/UNIQUE [^\n]*/g))
        assert.match(constraint, /\(installation_id\b/, name);
    }
    for (const [index] of manifest.matchAll(/^CREATE UNIQUE INDEX .*$/gm))
      assert.match(index, /installation_id/, index);
  });
});

/** Redeems the code that `invite` printed. */
async function redeemCode(store: Store, invited: unknown): Promise<void> {
  assert.ok(typeof invited === 'object' && invited !== null && 'code' in invited);
  const code = parseEnrolmentCode(String(invited.code));
  const request = { code: String(invited.code), token_sha256: 'b'.repeat(64) };
  assert.equal((await redeem(store, { code, request, address: 'unknown' }, NOON_MS)).kind, 'redeemed');
}

/** Returns a world without files or input. */
function toWorld(store: Store): CommandWorld {
  const noFile = () =>
    Promise.reject(new CentralFailure('BUNDLE_UNREADABLE', 'planned', { op: 'test', hint: 'none' }));
  return {
    store,
    migrate: async () => ({ applied: [], present: [] }),
    distribute: () => distribute(store),
    wall: () => NOON_MS,
    randomHex: systemRandomHex,
    openFile: noFile,
    openNewDirectory,
    readLine: async () => undefined,
    bodySizeMaxBytes: 1_000_000,
  };
}
