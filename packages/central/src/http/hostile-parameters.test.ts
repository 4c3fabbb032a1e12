import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import { enrollBoat, NOON_MS, OPERATOR_TOKEN, startNode } from '../testing/central-under-test.ts';

/** Cursor values that are well formed but that PostgreSQL would refuse, or that are meaningless. */
const TIMES = [
  '0000-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
  '2026-02-30T00:00:00.000Z',
  'infinity',
  null,
  1e300,
];
const NUMBERS = [1e300, -1e300, 2 ** 31, 2 ** 63, -1, 0.5, null, '1', '9'.repeat(18)];
const TEXTS = ['', '\ud800', 'x'.repeat(600), '%', "'", '\u0000', '\u202e', null, {}, []];

const toCursor = (...values: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64url');

const SORTS = ['attention', 'heard', 'name', 'size'];
const PLACES = [0, 1, 2, 3, -1, 99, 1e300];
const FLEET = '/api/v1/fleet';

/** Paths and queries with a value that central never returned. */
function* toPaths(id: string): Generator<string> {
  for (const sort of SORTS)
    for (const place of PLACES)
      for (const key of [...TIMES, ...NUMBERS, ...TEXTS])
        yield `${FLEET}/installations?sort=${sort}&after=${toCursor(place, key, id)}`;
  for (const text of TEXTS) yield `${FLEET}/installations?after=${toCursor(0, null, text)}`;
  for (const time of TIMES) {
    for (const text of TEXTS) yield `${FLEET}/installations/${id}/log?before=${toCursor(time, text)}`;
    for (const no of NUMBERS) yield `${FLEET}/installations/${id}/rejected?before=${toCursor(time, 'a', no)}`;
    for (const text of TEXTS) yield `/api/v1/audit?before=${toCursor(time, 'a', 'b', text)}`;
  }
  for (const number of ['0', '1', '999999999999999'])
    yield `${FLEET}/installations/${id}/exports?before=${number}`;
  for (const search of [
    '%25',
    '_',
    '%5C',
    "'",
    '%F0%9F%9A%A2',
    '%ED%A0%80',
    '%00',
    '%E2%80%AE',
    'a'.repeat(200),
  ])
    for (const name of ['search', 'version']) yield `${FLEET}/installations?${name}=${search}`;
  for (const tier of ['0', '99', '-1', '1e3']) yield `${FLEET}/installations?tier=${tier}`;
  for (const [west, east] of [
    ['180', '-180'],
    ['999', '-999'],
    ['-0', '0.000001'],
    ['1e3', '2'],
  ] as const)
    for (const cell of ['0.001', '90', '0', '1e-9'])
      yield `${FLEET}/positions?west=${west}&south=-90&east=${east}&north=90&cell=${cell}`;
  yield `${FLEET}/installations?sort=name&sort=size&limit=1&limit=200`;
  yield `${FLEET}/installations?__proto__=1&constructor=2`;
  yield `${FLEET}/installations?sort=__proto__`;
  yield `${FLEET}/installations?filter=constructor`;
}

describe('parameters that central never returned', () => {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await openEmbedded();
    await migrate(opened.store, NOON_MS);
  });
  after(() => opened?.close());

  test('are answered or refused as invalid, and never cause a database error', async () => {
    assert.ok(opened);
    const { id } = await enrollBoat(opened.store);
    const node = startNode(opened.store);
    const statuses = new Map<number, number>();
    for (const path of toPaths(id)) {
      const response = await node.fetch(
        new Request(`http://central.test${path}`, { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } }),
      );
      assert.ok(
        response.status === 200 || response.status === 400,
        `${path}: ${response.status} ${await response.text()}`,
      );
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    }
    // Both outcomes occur, which shows that the requests reach the handlers.
    assert.ok((statuses.get(200) ?? 0) > 20 && (statuses.get(400) ?? 0) > 100, JSON.stringify([...statuses]));
  });
});
