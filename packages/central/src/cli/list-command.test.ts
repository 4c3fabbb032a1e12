import { strict as assert } from 'node:assert';
import { after, before, describe, test } from 'node:test';
import { openEmbedded, type StoreUnderTest } from '../platform/testing/stores-under-test.ts';
import { migrate } from '../store/migrate.ts';
import { NOON_MS } from '../testing/central-under-test.ts';
import { runList } from './list-command.ts';

/** More boats than one page, and not a multiple of its length. */
const BOATS = 10_050;

describe('the list of the installations', () => {
  let opened: StoreUnderTest | undefined;
  before(async () => {
    opened = await openEmbedded();
  });
  after(() => opened?.close());

  /** Returns everything that the command writes, one element for each write. */
  async function list(output: 'text' | 'json'): Promise<readonly string[]> {
    assert.ok(opened !== undefined);
    const { store } = opened;
    const written: string[] = [];
    await runList({ store, migrate: () => migrate(store, NOON_MS), wall: () => NOON_MS }, output, (text) =>
      written.push(text),
    );
    return written;
  }

  test('reports that no installation is enrolled yet', async () => {
    assert.deepEqual(await list('text'), ['no installation is enrolled yet\n']);
    assert.deepEqual(await list('json'), ['{"installations":[]}\n']);
  });

  test('contains every boat of a large fleet once, and is written page by page as text', async () => {
    await opened?.store.query(
      `insert into installations (installation_id, enrolled_at)
       select lpad(to_hex(n), 16, '0'), now() from generate_series(1, $1::int) n`,
      [BOATS],
    );
    const ids = Array.from({ length: BOATS }, (_, index) => (index + 1).toString(16).padStart(16, '0'));
    const pages = await list('text');
    const [header = '', ...lines] = pages.join('').trimEnd().split('\n');
    assert.match(header, /^installation +tier +state +last heard +records$/);
    assert.deepEqual(
      lines.map((line) => line.slice(0, 16)),
      ids,
    );
    assert.ok(pages.every((page) => page.split('\n').length < BOATS / 5));
    const [json = '', ...more] = await list('json');
    const { installations } = JSON.parse(json) as { installations: { installation_id: string }[] };
    assert.deepEqual(
      installations.map(({ installation_id }) => installation_id),
      ids,
    );
    assert.deepEqual(more, []);
  });
});
