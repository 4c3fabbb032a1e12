import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import {
  type CitedPages,
  findCitationFaults,
  listCitingFiles,
  toCitedRequirements,
  toHeadings,
  toRequirements,
} from './citations.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const requirements = toRequirements(read('docs/spec/protocol.md'));
const pages: CitedPages = {
  headings: new Map(
    globSync('docs/spec/*.md', { cwd: root }).map((path) => [basename(path), toHeadings(read(path))]),
  ),
  requirements: new Map(requirements),
  decisions: new Set(
    globSync('docs/decisions/0*.md', { cwd: root }).map((path) => basename(path).slice(0, 4)),
  ),
};
const files = listCitingFiles(root).map((path) => ({ path, text: read(path) }));

describe('protocol.md', () => {
  test('numbers its requirements from R1, each number once', () => {
    assert.ok(requirements.length > 50);
    const numbers = requirements.map(([number]) => number);
    assert.equal(numbers[0], 'R1');
    assert.equal(new Set(numbers).size, numbers.length);
  });

  test('has one sentence for each requirement, with a keyword from RFC 2119', () => {
    for (const [number, sentence] of requirements) {
      assert.match(sentence, /\b(?:MUST|SHOULD|MAY)\b/, number);
      assert.match(sentence, /^[^.]*(?:\.(?! )[^.]*)*\.$/, `${number}: ${sentence}`);
    }
  });
});

describe('a citation in the code', () => {
  test('refers to an existing page, heading, requirement or decision and quotes it word for word', () => {
    assert.ok(files.length > 200);
    const faults = files.flatMap(({ path, text }) =>
      findCitationFaults(text, pages).map((fault) => `${path}: ${fault}`),
    );
    assert.deepEqual(faults, []);
  });

  test('is reported if its target does not exist', () => {
    const text = [
      '/** See docs/spec/gone.md, "Disk". docs/spec/delivery.md, "No such heading". docs/spec/delivery.md,',
      ' * "Disk". protocol.md R1, R999. Decision 9999.',
      ' * docs/spec/protocol.md R2: "A boat MAY follow',
      ' * a redirect." */',
    ].join('\n');
    assert.deepEqual(findCitationFaults(text, pages), [
      'no page docs/spec/gone.md',
      'no heading "No such heading" in docs/spec/delivery.md',
      'no requirement R999',
      'the quotation of R2 differs from protocol.md',
      'no decision 9999',
    ]);
  });
});

test('every requirement of protocol.md is cited by code or by a test', () => {
  const cited = new Set(files.flatMap(({ text }) => toCitedRequirements(text)));
  assert.deepEqual(
    requirements.map(([number]) => number).filter((number) => !cited.has(number)),
    [],
  );
});
